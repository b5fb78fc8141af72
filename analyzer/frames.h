/*
 * Frames as text, looked up once: the functions that a place in an image belongs to, more than one
 * where the compiler put them inline, and where in the source they are.
 */
#ifndef ANALYZER_FRAMES_H
#define ANALYZER_FRAMES_H

#include <sqlite3.h>
#include "analyzer/index.h"

/* More functions inside one another are not shown. */
enum { INLINED_MAX = 64 };

struct function {
	char *name;
	char *place; /* file:line, or NULL: not known */
};

struct frame {
	int64_t id;
	int n;                      /* of functions, at least 1 */
	struct function *functions; /* the innermost first */
	char *path;                 /* of the image, or NULL */
	bool kernel;                /* the kernel's code or a module's */
};

/* All zero: empty. */
struct frames {
	struct frame *all;
	size_t n, capacity;
	struct index by_id;
	sqlite3_stmt *query, *lines_query;
};

/* Before the first frames_find(). An SQLite code. */
int frames_prepare(struct frames *frames, sqlite3 *db);

/* The index in `all` of a frame. Pointers into `all` are void afterwards. An SQLite code. */
int frames_find(struct frames *frames, int64_t id, uint32_t *out);

void frames_free(struct frames *frames);

#endif
