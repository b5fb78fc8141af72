/*
 * Points in time as people write them, and what they mean in a recording:
 *
 *   14:03:05              wall time of the recorded host, on the day that lies in the recording
 *   2026-05-01T14:03:05   wall time with its date
 *   +90s                  after the start; also 1.5h, 2m, 250ms
 *   -10s                  before the end
 */
#ifndef REPORT_MOMENT_H
#define REPORT_MOMENT_H

#include <stddef.h>
#include <stdint.h>

/* The forms above, for people. */
#define MOMENT_FORMS                                                                               \
	"14:03:05, 2026-05-01T14:03:05, +90s from the start or -10s from the end (ms, s, m, h)"

enum moment_kind { MOMENT_TIME, MOMENT_DATE, MOMENT_AFTER_START, MOMENT_BEFORE_END };

struct moment {
	enum moment_kind kind;
	int64_t ns; /* since midnight, since 1970-01-01 in the host's zone, or from the start or end
		     */
};

/* One instant on two clocks. */
struct moment_clock {
	int64_t ts_ns, realtime_ns;
};

/* What a recording knows of its time. */
struct timeline {
	int64_t first_ns, last_ns; /* CLOCK_MONOTONIC */
	int64_t utc_offset_ns;     /* wall time minus UTC */
	const struct moment_clock *clocks;
	size_t n_clocks;
};

/* 0, -EINVAL. */
int moment_parse(const char *text, struct moment *out);

/* CLOCK_MONOTONIC of the moment. 0; -ENODATA: wall time is asked for and no clock was recorded. */
int moment_resolve(const struct moment *, const struct timeline *, int64_t *out);

#endif
