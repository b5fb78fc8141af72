/*
 * What kernels before 5.12 do not have, and what stands in for it there. A BPF file that includes
 * this is built twice, the second time with OLD_KERNEL: the verifier refuses what it does not know
 * even where it is never reached, so no check at run time would do.
 */
#ifndef BPF_OLD_H
#define BPF_OLD_H

#include "bpf/record.h"

enum { KERNEL_STACK_SIZE = 16384 }; /* x86-64 without KASAN */

/* Where the entry into the kernel keeps user mode's: at the end of the task's kernel stack. */
static __always_inline const struct pt_regs___kernel *task_saved_registers(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	return BPF_CORE_READ(task, stack) + KERNEL_STACK_SIZE -
	       bpf_core_type_size(struct pt_regs___kernel);
}

#ifndef OLD_KERNEL

/* Sets and returns what was there, as one step. */
static __always_inline __u64 exchange_64(__u64 *place, __u64 value)
{
	return __sync_lock_test_and_set(place, value);
}

static __always_inline __u32 exchange_32(__u32 *place, __u32 value)
{
	return __sync_lock_test_and_set(place, value);
}

static __always_inline __u64 task_exec_id(void)
{
	return bpf_get_current_task_btf()->self_exec_id;
}

/* What the function returned of whose end this program is told. */
static __always_inline long function_result(void *ctx, int arguments, __u64 *result)
{
	(void)arguments;
	return bpf_get_func_ret(ctx, result);
}

/* A struct for each task that is asked about, zeros at first. */
#define TASK_STATE(name, struct_type)                                                              \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_TASK_STORAGE);                                           \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__type(key, int);                                                                  \
		__type(value, struct_type);                                                        \
	} name SEC(".maps")

/* The current task's, NULL if it has none yet (`flags`: BPF_LOCAL_STORAGE_GET_F_CREATE). */
#define task_state(map, zeros, flags)                                                              \
	((void)(zeros), bpf_task_storage_get(map, bpf_get_current_task_btf(), NULL, flags))

#else

/* Programs are not preempted there: one that comes in between has ended before this one goes on. */
static __always_inline __u64 exchange_64(__u64 *place, __u64 value)
{
	__u64 old = *(volatile __u64 *)place;
	*(volatile __u64 *)place = value;
	return old;
}

/* Two tasks that end at once on two CPUs can both get the old value. */
static __always_inline __u32 exchange_32(__u32 *place, __u32 value)
{
	__u32 old = *(volatile __u32 *)place;
	*(volatile __u32 *)place = value;
	return old;
}

static __always_inline __u64 task_exec_id(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	return BPF_CORE_READ(task, self_exec_id);
}

static __always_inline long function_result(void *ctx, int arguments, __u64 *result)
{
	*result = ((__u64 *)ctx)[arguments];
	return 0;
}

/* Nothing removes the entry of a task that is gone: only targets have one. */
#define TASK_STATE(name, struct_type)                                                              \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_LRU_HASH);                                               \
		__uint(max_entries, 16384);                                                        \
		__type(key, __u64);                                                                \
		__type(value, struct_type);                                                        \
	} name SEC(".maps")

static __always_inline void *task_state(void *map, const void *zeros, __u64 flags)
{
	__u64 task = bpf_get_current_pid_tgid();
	if (!target_current())
		return NULL;
	if (flags & BPF_LOCAL_STORAGE_GET_F_CREATE)
		bpf_map_update_elem(map, &task, zeros, BPF_NOEXIST);
	return bpf_map_lookup_elem(map, &task);
}

#endif

#endif
