/*
 * The loss ledger: what did not become a row, by cause, placed in time. The kernel side's tallies
 * are read once a second; what was dropped since is a row of `loss`. At the end seen = emitted +
 * dropped is checked against what was taken from the rings, and the sums become rows of `counter`.
 */
#ifndef RECORDER_LOSSES_H
#define RECORDER_LOSSES_H

#include "recorder/ladder.h"
#include "recorder/records.h"

struct losses;

int losses_open(const struct ladder *, const struct records *, struct writer *,
		struct losses **out);

/* A record of this kind was taken from a ring. */
void losses_taken(struct losses *, uint64_t kind);

/* A loss that another module met: `total` is its sum so far, growing. NULL cpu: not of one CPU. 0
 * or -errno. */
int losses_note(struct losses *, const char *table, const char *cause, uint64_t total,
		int64_t ts_ns);

/* Reads the tallies at `ts_ns`. 0 or -errno. */
int losses_read(struct losses *, int64_t ts_ns);

/*
 * After the last drain: what the software events counted but no program saw, the programs'
 * recursion misses, and the counters. 0 or -errno.
 */
int losses_end(struct losses *, int64_t ts_ns);

/* Rows lost so far, all causes but "late". */
uint64_t losses_sum(const struct losses *);

/* Writes a counter. 0 or -errno. */
int counter_write(struct writer *, int64_t ts_ns, const char *name, uint64_t value);

/* Accepts NULL. */
void losses_close(struct losses *);

#endif
