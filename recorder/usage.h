/*
 * What the recorder itself used, as counters of the trace.
 */
#ifndef RECORDER_USAGE_H
#define RECORDER_USAGE_H

#include "format/writer.h"
#include "recorder/unwind.h"

/* Writes the process's CPU time and memory, and with `unwind` what became of its tables: those that
 * had to go or did not fit are wanted again, and until they are there stacks are copies. 0 or
 * -errno. */
int usage_write(struct writer *, const struct unwind *, int64_t ts_ns);

#endif
