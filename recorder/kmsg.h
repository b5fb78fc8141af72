/*
 * The kernel's log, line by line.
 */
#ifndef RECORDER_KMSG_H
#define RECORDER_KMSG_H

#include "recorder/define.h"

struct kmsg;

/* Opens the log, before privileges are dropped; where that is refused nothing is read. 0 or
 * -ENOMEM. */
int kmsg_open(struct writer *, struct kmsg **out);

/* Writes the lines that came since the last call. 0 or -errno of the writer. */
int kmsg_read(struct kmsg *, int64_t ts_ns);

/* Lines that were overwritten before they could be read, since the beginning. */
uint64_t kmsg_lost(const struct kmsg *);

/* Accepts NULL. */
void kmsg_close(struct kmsg *);

#endif
