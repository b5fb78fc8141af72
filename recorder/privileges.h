/*
 * What the recorder may still do once everything is attached.
 */
#ifndef RECORDER_PRIVILEGES_H
#define RECORDER_PRIVILEGES_H

#include <stdbool.h>

/*
 * Gives up all capabilities but those that a recording goes on to need: to read its maps (CAP_BPF,
 * CAP_PERFMON) and the mappings and files of new processes (CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH,
 * CAP_CHECKPOINT_RESTORE). With `probes`, new processes will be probed: uprobe events want
 * CAP_SYS_ADMIN (seen on 6.18). 0 or -errno.
 */
int privileges_drop(bool probes);

#endif
