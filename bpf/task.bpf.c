/*
 * Processes: fork, exec and exit of targets; children of targets become targets. Without these rows
 * no other record can be told whose it is, so this object has no second way.
 */
#include "bpf/old.h"
#include "bpf/cgroup.h"

struct fork {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	__u32 tid;
	task_ref child_process_id;
};

struct exec {
	record_ref record;
	time_ref ts_ns;
	task_before_ref process_id;
	__u32 tid;
	task_ref program_process_id;
};

enum task_news { TASK_NEW, TASK_EXEC, TASK_MOVED };

static __always_inline void task_define(struct task_struct *task, enum task_news news, bool borrows)
{
	struct task_definition *definition = record_reserve(task_definition);
	if (!definition)
		return;
	definition->tgid = BPF_CORE_READ(task, tgid);
	definition->parent_tgid = BPF_CORE_READ(task, real_parent, tgid);
	definition->start_boottime_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	definition->uid = BPF_CORE_READ(task, cred, uid.val);
	definition->cgroup = cgroup_id(task_cgroup(task));
	definition->exec = news == TASK_EXEC;
	definition->moved = news == TASK_MOVED;
	definition->faults = BPF_CORE_READ(task, min_flt) + BPF_CORE_READ(task, maj_flt) +
			     BPF_CORE_READ(task, signal, min_flt) +
			     BPF_CORE_READ(task, signal, maj_flt);
	definition->borrows = borrows;
	bpf_core_read(definition->comm, sizeof(definition->comm), &task->comm);
	record_submit(definition);
}

static __always_inline void target_add(__u32 tgid)
{
	__u32 live = TARGET_LIVE;
	if (bpf_map_update_elem(&shared_targets, &tgid, &live, BPF_ANY))
		tally_dropped(TALLY_MAP_FULL);
}

/* clone3 can put a child into another cgroup than its parent's. */
static __always_inline bool task_is_inside(struct task_struct *task)
{
	return target_cgroup && cgroup_is_target(task_cgroup(task));
}

SEC("tp_btf/sched_process_fork")
int task__1__fork(__u64 *ctx)
{
	struct task_struct *parent = (void *)ctx[0], *child = (void *)ctx[1];
	__u32 parent_tgid = BPF_CORE_READ(parent, tgid), tgid = BPF_CORE_READ(child, tgid);
	if (parent_tgid == tgid || !(target_has(parent_tgid) || task_is_inside(child)))
		return 0;
	target_add(tgid);
	task_define(child, TASK_NEW, BPF_CORE_READ(child, mm) == BPF_CORE_READ(parent, mm));
	struct fork *fork = record_reserve(fork);
	if (!fork)
		return 0;
	fork->process_id = (__u64)parent_tgid << 32;
	fork->tid = BPF_CORE_READ(parent, pid);
	fork->child_process_id = (__u64)tgid << 32;
	record_submit(fork);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int task__1__exec(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	if (!target_current())
		return 0;
	task_define(task, TASK_EXEC, (int)ctx[1] != BPF_CORE_READ(task, tgid));
	struct exec *exec = record_reserve(exec);
	if (!exec)
		return 0;
	exec->process_id = exec->program_process_id = bpf_get_current_pid_tgid();
	exec->tid = (__u32)bpf_get_current_pid_tgid();
	record_submit(exec);
	return 0;
}

/*
 * Threads that end together all find no live one. The first marks the target, which the recorder
 * removes when it comes to the row; a process that gets the pid before that marks it anew.
 */
static __always_inline bool target_end(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u32 *state = bpf_map_lookup_elem(&shared_targets, &tgid);
	return !state || exchange_32(state, TARGET_ENDED) != TARGET_ENDED;
}

SEC("tp_btf/sched_process_exit")
int task__1__exit(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	if (!target_current())
		return 0;
	struct exit *exit = record_reserve(exit);
	if (!exit)
		return 0;
	exit->process_id = bpf_get_current_pid_tgid();
	exit->tid = (__u32)bpf_get_current_pid_tgid();
	exit->code = BPF_CORE_READ(task, exit_code);
	/* The argument group_dead exists since 6.16 only; signal->live says the same everywhere. */
	exit->last = BPF_CORE_READ(task, signal, live.counter) == 0 && target_end();
	exit->minor_faults = BPF_CORE_READ(task, min_flt);
	exit->major_faults = BPF_CORE_READ(task, maj_flt);
	record_submit(exit);
	return 0;
}

ARG(cgroup_attach_task, dst_cgrp);
ARG(cgroup_attach_task, task);

/* A process is written into a cgroup: one row of cgroup.procs. Threads alone are not looked at. */
SEC("tp_btf/cgroup_attach_task")
int cgroup__1__attach(__u64 *ctx)
{
	struct task_struct *task = (void *)arg(ctx, arg__cgroup_attach_task__task);
	__u32 tgid = BPF_CORE_READ(task, tgid);
	if (!target_cgroup || target_has(tgid) ||
	    !cgroup_is_target((void *)arg(ctx, arg__cgroup_attach_task__dst_cgrp)))
		return 0;
	target_add(tgid);
	task_define(task, TASK_MOVED, false);
	return 0;
}
