/*
 * What the recorder may still do once everything is attached.
 */
#ifndef RECORDER_PRIVILEGES_H
#define RECORDER_PRIVILEGES_H

/*
 * Gives up all capabilities but those that a recording goes on to need: to read its maps and attach
 * probes to children (CAP_BPF, CAP_PERFMON), to read their mappings and files (CAP_SYS_PTRACE,
 * CAP_DAC_READ_SEARCH, CAP_CHECKPOINT_RESTORE). 0 or -errno.
 */
int privileges_drop(void);

#endif
