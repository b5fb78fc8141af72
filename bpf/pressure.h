/*
 * What the programs share that tell of memory pressure: whom it hits, in which memory cgroup, and
 * how much is free.
 */
#ifndef BPF_PRESSURE_H
#define BPF_PRESSURE_H

#include "bpf/cgroup.h"
#include "bpf/stack.h"

/* The place of the running kernel's value among `names`, from 1; 0: it is none of them. */
#define PLACE(value, type, name, place)                                                            \
	if (bpf_core_enum_value_exists(enum type, name) &&                                         \
	    (value) == bpf_core_enum_value(enum type, name))                                       \
	return place

enum { TASK_KERNEL_THREAD = 0x00200000 }; /* PF_KTHREAD of include/linux/sched.h */
enum { ZONES_MAX = 128 };                 /* of all nodes together */

struct process_key {
	task_ref process_id;
};

static __always_inline struct process_key process_current(void)
{
	return (struct process_key){ bpf_get_current_pid_tgid() >> 32 << 32 };
}

/*
 * Pressure is recorded of the whole host, stacks only of targets: of other processes it is not
 * known what is mapped where. 0 too for threads of the kernel.
 */
static __always_inline stack_ref stack_of_target(void)
{
	struct task_struct___pressure *task = (void *)bpf_get_current_task();
	if (!target_current() || BPF_CORE_READ(task, flags) & TASK_KERNEL_THREAD)
		return 0;
	return stack_take();
}

/* The memory cgroup of a task; NULL where there are none. */
static __always_inline struct mem_cgroup *memcg_of(struct task_struct *task)
{
	void *state = task_memory_state(task);
	return state ? state - bpf_core_field_offset(struct mem_cgroup, css) : NULL;
}

static __always_inline struct mem_cgroup *memcg_current(void)
{
	return memcg_of((void *)bpf_get_current_task());
}

static __always_inline cgroup_ref memcg_cgroup(struct mem_cgroup *memcg)
{
	return memcg ? cgroup_id(BPF_CORE_READ(memcg, css.cgroup)) : 0;
}

/*
 * Free pages of the whole host; 0 if they cannot be read. The kernel's sum, vm_zone_stat, is in no
 * BTF and often not in kallsyms, but a memory cgroup knows its part of the first node, which knows
 * all zones in the order in which it falls back to them.
 */
__noinline __u64 zones_free_pages(void)
{
	struct mem_cgroup *memcg = memcg_current();
	struct pglist_data *node = memcg ? BPF_CORE_READ(memcg, nodeinfo[0], lruvec.pgdat) : NULL;
	void *place = (void *)node + bpf_core_field_offset(struct pglist_data, node_zonelists) +
		      bpf_core_field_offset(struct zonelist, _zonerefs);
	__u64 sum = 0, index = 0;
	if (bpf_core_enum_value_exists(enum zone_stat_item, NR_FREE_PAGES))
		index = bpf_core_enum_value(enum zone_stat_item, NR_FREE_PAGES);
	for (int i = 0; i < ZONES_MAX && node; i++) {
		struct zone *zone = BPF_CORE_READ((struct zoneref *)place, zone);
		long pages = 0;
		if (!zone)
			break;
		bpf_probe_read_kernel(&pages, sizeof(pages),
				      (void *)zone + bpf_core_field_offset(struct zone, vm_stat) +
					      index * sizeof(pages));
		sum += pages > 0 ? (__u64)pages : 0;
		place += bpf_core_type_size(struct zoneref);
	}
	return sum;
}

#endif
