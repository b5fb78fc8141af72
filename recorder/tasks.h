/*
 * Processes as they are at the time of the record that is being looked at. exec makes a new one of
 * the same pid; the one before is kept for the records that speak of it.
 */
#ifndef RECORDER_TASKS_H
#define RECORDER_TASKS_H

#include "recorder/cgroups.h"
#include "recorder/define.h"
#include "recorder/host.h"

struct process {
	uint32_t tgid;
	uint64_t start_ticks; /* 0: not known, it had ended when it was first met */
	uint64_t exec_count;
	char comm[16]; /* "": not known */
	int64_t uid;   /* -1: not known */
	uint64_t faults_before;
	struct process *parent, *before;
	struct cgroup *cgroup; /* NULL: not known */
	bool target, incomplete, ended;
	bool unprobed; /* its heap is not seen */
	struct mark mark;
};

struct tasks;

/*
 * Of that host. `root` stays the caller's: "" for this host, else the folder of a recorded tree,
 * which may be another from some time on (tasks_move). 0 or -ENOMEM.
 */
int tasks_open(struct definer *, const char *root, const struct host *, struct tasks **out);
void tasks_move(struct tasks *, const char *root);

/* The process of that pid now; one that is not known yet is read from /proc. NULL: out of memory.
 */
struct process *tasks_get(struct tasks *, uint32_t tgid);

/* The same, but NULL for one that is not known yet. */
struct process *tasks_known(const struct tasks *, uint32_t tgid);

/*
 * The process of that pid, known to have started then: another one than before where the pid was
 * given again and nothing told. NULL: out of memory.
 */
struct process *tasks_met(struct tasks *, uint32_t tgid, uint64_t start_ticks);

/* One after the other the targets that have not ended; *at begins as 0. NULL: there are no more. */
struct process *tasks_next_target(const struct tasks *, size_t *at);

/* What the kernel told of a new process, or of a new program in one. */
struct task_news {
	uint32_t tgid, parent_tgid;
	uint64_t start_boottime_ns;
	uint32_t uid;
	uint64_t cgroup; /* 0: not known */
	bool exec;
	const char *comm; /* 16 bytes */
};

/* Takes note of it. NULL: out of memory. */
struct process *tasks_learn(struct tasks *, const struct task_news *);

/* Makes it a target that ran before the recording; reads the kernel's count of its faults so far.
 */
void process_begin(struct process *);

/* Its number in this epoch; writes the row if it is new there. 0 or -errno. */
int process_define(struct tasks *, struct process *, uint64_t *id);

/* The number in this epoch of the cgroup that the kernel side calls `raw`. 0 or -errno. */
int tasks_cgroup(struct tasks *, uint64_t raw, uint64_t *id);
/* The number of this host in this epoch, likewise. */
int tasks_host(struct tasks *, uint64_t *id);

/* Accepts NULL. */
void tasks_close(struct tasks *);

#endif
