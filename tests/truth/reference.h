/*
 * The other unwinder: libdwfl, on the registers and the memory of a sample.
 */
#ifndef TESTS_TRUTH_REFERENCE_H
#define TESTS_TRUTH_REFERENCE_H

#include <stdbool.h>
#include "tests/truth/places.h"
#include "tests/truth/records.h"

struct reference;

enum { REFERENCE_FRAMES_MAX = 4096 };

/* How the code at a frame is described. */
enum reference_code {
	CODE_UNMAPPED, /* no file is mapped there */
	CODE_BARE,     /* without call frame information */
	CODE_INNER,    /* with it */
	CODE_OUTERMOST /* with it, or by being the entry point: it has no caller */
};

struct reference_walk {
	size_t frames;
	uint64_t ip[REFERENCE_FRAMES_MAX];
	bool called[REFERENCE_FRAMES_MAX]; /* ip is a return address */
	bool missed;                       /* the last step wanted memory that was not copied */
	uint64_t missed_addr;
	char error[128];
};

struct reference *reference_open(void);
void reference_walk(struct reference *, const struct process_places *, uint32_t tgid,
		    const struct truth_sample *, struct reference_walk *out);

/* Of the process that was walked last. */
enum reference_code reference_code(struct reference *, uint64_t ip, bool called);
const char *reference_name(struct reference *, uint64_t ip, bool called, const char **file);

void reference_close(struct reference *);

#endif
