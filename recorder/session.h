/*
 * What an epoch begins with: the session, the clock, the sources.
 */
#ifndef RECORDER_SESSION_H
#define RECORDER_SESSION_H

#include "recorder/define.h"
#include "recorder/ladder.h"

struct session {
	int64_t start_ns;
	const char *cmdline; /* of the recorder */
	const char *target;  /* in words */
};

/* Writes the rows of `session` and `source`. 0 or -errno. */
int session_write(const struct session *, const struct ladder *, struct writer *);

/* The kernel's boot id as text; "" if it cannot be read. */
void boot_id_read(char *text, size_t size);

/* Writes a row of `clock`. 0 or -errno. */
int clock_write(struct writer *);

#endif
