/*
 * Finds the file with the debug information of a build id: in a folder, where the file was when it
 * was recorded, or with a debuginfod server. A file of another build id is never taken.
 */
#ifndef ANALYZER_DEBUG_SEARCH_H
#define ANALYZER_DEBUG_SEARCH_H

#include <limits.h>
#include <stdbool.h>

/* More files of a folder are not looked at. */
enum { DEBUG_FILES_MAX = 100000 };

struct debug_search;

/*
 * With `walk` all files below the folder are candidates, else only FOLDER/.build-id/xx/yy.debug.
 * 0; -errno: the folder cannot be read (only with `walk`); -ENOSYS: there is no client for
 * debuginfod.
 */
int debug_search_open(const char *folder, bool walk, bool debuginfod, struct debug_search **out);

struct debug_found {
	char path[PATH_MAX]; /* "": none */
	/* A file that stood where it should be, and why it was not taken; both "" if none did. */
	char refused[PATH_MAX], why[160];
};

/* `path`: where the file was, or NULL. 0; -ENOENT: none; -ENOMEM. */
int debug_search_find(struct debug_search *, const char *build_id, const char *path,
		      struct debug_found *out);

/* Accepts NULL. */
void debug_search_close(struct debug_search *);

#endif
