/*
 * What can be said of a trace without asking SQL: its sessions and how many rows its tables have,
 * from one reading front to back.
 */
#ifndef REPORT_DIGEST_H
#define REPORT_DIGEST_H

#include <stdbool.h>
#include <stdint.h>
#include "format/reader.h"

enum {
	DIGEST_TEXT_MAX = 256, /* longer texts are cut */
};

struct digest_session {
	bool described, clocked, ended; /* has a row session, clock, end */
	char host[DIGEST_TEXT_MAX], kernel[DIGEST_TEXT_MAX], target[DIGEST_TEXT_MAX];
	char version[DIGEST_TEXT_MAX], reason[DIGEST_TEXT_MAX];
	int64_t cpus, utc_offset_s, start_ns, last_ns;
	int64_t clock_ns, realtime_ns; /* the first clock row */
};

struct digest {
	struct digest_session *sessions;
	unsigned n_sessions;
	uint64_t rows[TABLES_MAX]; /* by table number */
};

/* Reads the reader to its end. 0; -errno of the reader, -ENOMEM. */
int digest_read(struct digest *digest, struct reader *reader);

/* When the session began, in seconds since 1970 UTC; -ENODATA: its clock is not known. */
int digest_start(const struct digest_session *session, int64_t *out);

void digest_release(struct digest *digest);

#endif
