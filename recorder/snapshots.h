/*
 * Files of procfs and sysfs as text, in rounds: written when their text is another than before and
 * at the beginning of every epoch.
 */
#ifndef RECORDER_SNAPSHOTS_H
#define RECORDER_SNAPSHOTS_H

#include "recorder/define.h"

/* Which files are read together; the numbers are those in snapshot_tick.round. */
enum round { ROUND_SECOND, ROUND_INTERVAL, ROUND_EPOCH, ROUND_PROCESSES, ROUND_CGROUPS };

struct snapshots;

struct snapshots_options {
	int64_t interval_ns; /* between rounds of the larger files */
	const char *root;    /* the folder with proc and sys; "": the host's own */
};

/* Opens the files, before privileges are dropped. One that is not there is left out. 0 or -errno.
 */
int snapshots_open(struct writer *, const struct snapshots_options *, struct snapshots **out);

/* Reads the files whose round is due at `ts_ns`: called once a second. 0 or -errno of the writer.
 */
int snapshots_read(struct snapshots *, int64_t ts_ns);

/* Whether tasks waited for memory since this was asked last: what the file of pressure says. */
bool snapshots_pressed(struct snapshots *);

/* Makes all rounds due: the last reading of a recording. */
void snapshots_all_due(struct snapshots *);

/* The row of snapshot_tick. */
int snapshots_tick(struct writer *, int64_t ts_ns, enum round, uint64_t files);

/* Accepts NULL. */
void snapshots_close(struct snapshots *);

#endif
