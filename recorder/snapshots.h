/*
 * Files of procfs as text: read once a second, written when their text is another than before and
 * at the beginning of every epoch.
 */
#ifndef RECORDER_SNAPSHOTS_H
#define RECORDER_SNAPSHOTS_H

#include "recorder/define.h"

struct snapshots;

/* A file that is not there is left out. 0 or -ENOMEM. */
int snapshots_open(struct writer *, struct snapshots **out);

/* Reads all files at `ts_ns`. 0 or -errno of the writer. */
int snapshots_read(struct snapshots *, int64_t ts_ns);

/* Accepts NULL. */
void snapshots_close(struct snapshots *);

#endif
