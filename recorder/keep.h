/*
 * Keeping session probes in a process whose first thread has ended. The kernel asks the memory of
 * that thread, which has none then, whether a link still wants its breakpoint: when any other link
 * of the same function is closed, by whomever, the breakpoint goes. So for each link a perf event,
 * a keeper, is opened that counts nothing, but wants the same breakpoint for another thread.
 */
#ifndef RECORDER_KEEP_H
#define RECORDER_KEEP_H

#include "recorder/object.h"

/* A thread of process `pid` has ended, others have not. 0 or -ENOMEM. */
int keep_thread_ended(struct object *, uint32_t pid, uint32_t tid);

/*
 * Looks after the breakpoints of such processes, once a second: what is gone is counted in
 * `breakpoints_lost` and put back. 0 or -ENOMEM.
 */
int keep_check(struct object *);

#endif
