/*
 * The memory cgroup of a task, of the hierarchy that has the memory controller where that is
 * version 1, else of version 2; and whether it lies in the one that is recorded.
 */
#ifndef BPF_CGROUP_H
#define BPF_CGROUP_H

#include "bpf/record.h"

/* Set by the recorder. */
const volatile __u64 target_cgroup; /* 0: none is recorded */
const volatile bool cgroup_version_1;

enum { CGROUP_DEPTH = 32 };

/* The memory controller's state of a task's cgroup, or of the nearest above that has one; NULL:
 * none.
 */
static __always_inline struct cgroup_subsys_state *task_memory_state(struct task_struct *of)
{
	struct task_struct___pressure *task = (void *)of;
	struct cgroup_subsys_state *state = NULL, **states;
	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return NULL;
	states = (void *)BPF_CORE_READ(task, cgroups) +
		 bpf_core_field_offset(struct css_set, subsys);
	states += bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	bpf_probe_read_kernel(&state, sizeof(state), states);
	return state;
}

static __always_inline struct cgroup *task_cgroup(struct task_struct *of)
{
	struct task_struct___pressure *task = (void *)of;
	if (!cgroup_version_1)
		return BPF_CORE_READ(task, cgroups, dfl_cgrp);
	return BPF_CORE_READ(task_memory_state(of), cgroup);
}

static __always_inline cgroup_ref cgroup_id(struct cgroup *cgroup)
{
	return BPF_CORE_READ(cgroup, kn, id);
}

static __always_inline bool cgroup_is_target(struct cgroup *cgroup)
{
	for (int i = 0; i < CGROUP_DEPTH && cgroup; i++) {
		if (cgroup_id(cgroup) == target_cgroup)
			return true;
		cgroup = BPF_CORE_READ(cgroup, self.parent, cgroup);
	}
	return false;
}

#endif
