/*
 * What is recorded: a command that the recorder starts, processes that run, those of a cgroup, or
 * the whole host.
 */
#ifndef RECORDER_TARGET_H
#define RECORDER_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <limits.h>

enum { TARGET_PIDS_MAX = 64 };

struct target {
	uint32_t pids[TARGET_PIDS_MAX];
	int pidfds[TARGET_PIDS_MAX];
	size_t count;
	bool started;    /* pids[0] is our child */
	int gate;        /* writing to it lets the child go on; -1 none */
	int status;      /* the child's, as wait(2) has it, when it has ended */
	int exec_error;  /* errno of its exec, 0 if it succeeded */
	int report;      /* the pipe that tells it */
	uint64_t cgroup; /* the id of its kernfs node; 0: none */
	bool cgroup_version_1;
	char cgroup_path[PATH_MAX]; /* of its directory */
};

static inline bool target_is_host(const struct target *target)
{
	return !target->count && !target->cgroup;
}

/*
 * Forks the command, held before its exec, as the user who called sudo if that is how the recorder
 * was started. 0 or -errno.
 */
int target_start(struct target *, char *const argv[]);

/* Takes running processes. 0; -ESRCH: pids[*which] does not exist; -errno. */
int target_take(struct target *, const uint32_t *pids, size_t count, size_t *which);

/*
 * Takes a memory cgroup with all below it: `path` is its directory, or its path from the
 * hierarchy's root. 0; -ENOENT; -EXDEV: it is of another hierarchy.
 */
int target_take_cgroup(struct target *, const char *path);

/* Calls `each` for every process that is in the cgroup now. 0 or what `each` returned. */
int target_each_member(const struct target *, int (*each)(void *context, uint32_t pid),
		       void *context);

/* Lets the command run. 0 or -errno, of its exec as well. */
int target_go(struct target *);

/* Whether all of them have ended, or the cgroup is gone; never for the whole host. */
bool target_ended(struct target *);

/* Accepts a zeroed target; a command that was never let go is killed. */
void target_release(struct target *);

#endif
