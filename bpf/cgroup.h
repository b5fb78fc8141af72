/*
 * The memory cgroup of a task, of the hierarchy that has the memory controller where that is
 * version 1, else of version 2; and whether it lies in the one that is recorded.
 */
#ifndef BPF_CGROUP_H
#define BPF_CGROUP_H

#include "bpf/record.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node {
	__u64 id;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
	struct cgroup_subsys_state *subsys[1];
};

struct task_struct___cgroups {
	struct css_set *cgroups;
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
};

#pragma clang attribute pop

enum cgroup_subsys_id {
	memory_cgrp_id = 1, /* the running kernel's value comes by CO-RE */
};

/* Set by the recorder. */
const volatile __u64 target_cgroup; /* 0: none is recorded */
const volatile bool cgroup_version_1;

enum { CGROUP_DEPTH = 32 };

static __always_inline struct cgroup *task_cgroup(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ((struct task_struct___cgroups *)task, cgroups);
	if (!cgroup_version_1)
		return BPF_CORE_READ(set, dfl_cgrp);
	struct cgroup_subsys_state *css = NULL;
	__u32 memory = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	bpf_probe_read_kernel(&css, sizeof(css),
			      (void *)set + bpf_core_field_offset(set->subsys) + memory * 8);
	return BPF_CORE_READ(css, cgroup);
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
