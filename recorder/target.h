/*
 * What is recorded: a command that the recorder starts, processes that run, or the whole host.
 */
#ifndef RECORDER_TARGET_H
#define RECORDER_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TARGET_PIDS_MAX = 64 };

struct target {
	uint32_t pids[TARGET_PIDS_MAX];
	int pidfds[TARGET_PIDS_MAX];
	size_t count;   /* 0: the whole host */
	bool started;   /* pids[0] is our child */
	int gate;       /* writing to it lets the child go on; -1 none */
	int status;     /* the child's, as wait(2) has it, when it has ended */
	int exec_error; /* errno of its exec, 0 if it succeeded */
	int report;     /* the pipe that tells it */
};

/*
 * Forks the command, held before its exec, as the user who called sudo if that is how the recorder
 * was started. 0 or -errno.
 */
int target_start(struct target *, char *const argv[]);

/* Takes running processes. 0; -ESRCH: pids[*which] does not exist; -errno. */
int target_take(struct target *, const uint32_t *pids, size_t count, size_t *which);

/* Lets the command run. 0 or -errno, of its exec as well. */
int target_go(struct target *);

/* Whether all of them have ended; never for the whole host. */
bool target_ended(struct target *);

/* Accepts a zeroed target; a command that was never let go is killed. */
void target_release(struct target *);

#endif
