/*
 * What an epoch begins with: the session, the clock, the sources.
 */
#ifndef RECORDER_SESSION_H
#define RECORDER_SESSION_H

#include "recorder/define.h"
#include "recorder/host.h"
#include "recorder/ladder.h"

struct session {
	int64_t start_ns;
	const char *cmdline; /* of the recorder */
	const char *target;  /* in words */
	const struct host *host;
};

/* Writes the rows of `session` and `source`. 0 or -errno. */
int session_write(const struct session *, const struct ladder *, struct writer *);

/* Writes a row of `clock`. 0 or -errno. */
int clock_write(struct writer *);

/* The same for an instant of which no more is known than these. */
int clock_write_at(struct writer *, int64_t ts_ns, int64_t realtime_ns);

#endif
