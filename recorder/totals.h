/*
 * Totals: maps that the BPF programs add to, named like a table that ends in _total. Once a second
 * what was added since becomes rows.
 */
#ifndef RECORDER_TOTALS_H
#define RECORDER_TOTALS_H

#include "recorder/ladder.h"
#include "recorder/records.h"

struct totals;

/* Finds the totals of the ladder's loaded objects. 0, -ENOMEM; -EINVAL: a map that does not fit its
 * table. */
int totals_open(const struct ladder *, struct records *, struct writer *, struct totals **out);

/* Reads the maps. What they refer to is in the rings by then. 0 or -ENOMEM. */
int totals_read(struct totals *);

/* Writes what was read as rows of time `ts_ns`: after the rings were drained. 0 or -errno. */
int totals_write(struct totals *, int64_t ts_ns);

/* Accepts NULL. */
void totals_close(struct totals *);

#endif
