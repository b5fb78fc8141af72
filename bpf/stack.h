/*
 * User stacks. A record holds a stack's key; the stack itself travels once, as a stack_definition,
 * before the first record with its key. The key mixes the frames with the address space, so that
 * equal addresses of two programs are two stacks.
 *
 * Frames are found by frame pointers. At a function's entry the caller is not yet in the chain:
 * there, and only there, it is the word at [rsp].
 *
 * The walk is our own because bpf_get_stack follows anything: behind the last true frame stands
 * whatever a library without frame pointers kept in rbp, and reading there costs a page fault, 0.9
 * us of each stack.
 */
#ifndef BPF_STACK_H
#define BPF_STACK_H

#include "bpf/record.h"

/* A slot, not plain per-CPU memory: a program can be preempted, or interrupted by a fault's, here.
 */
struct stack_slot {
	__u64 busy;
	struct stack_definition definition;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STACK_SLOTS_PER_CPU);
	__type(key, __u32);
	__type(value, struct stack_slot);
} shared_stack_slots SEC(".maps");

/* Stacks that are in the trace already. Least recently used ones are forgotten and travel again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, stack_ref);
	__type(value, __u8);
} shared_stacks SEC(".maps");

static __always_inline struct stack_slot *stack_slot_take(void)
{
	__u32 first = bpf_get_smp_processor_id() * STACK_SLOTS_PER_CPU;
#pragma unroll
	for (__u32 i = 0; i < STACK_SLOTS_PER_CPU; i++) {
		__u32 index = first + i;
		struct stack_slot *slot = bpf_map_lookup_elem(&shared_stack_slots, &index);
		if (slot && !__sync_lock_test_and_set(&slot->busy, 1))
			return slot;
	}
	return NULL;
}

static __always_inline void stack_slot_release(struct stack_slot *slot)
{
	__sync_lock_test_and_set(&slot->busy, 0);
}

static __always_inline __u64 stack_mix(__u64 key, __u64 value)
{
	key = (key ^ value) * 0x9E3779B97F4A7C15ULL;
	return key ^ key >> 29;
}

static __always_inline stack_ref stack_key(const struct stack_definition *definition)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 key = stack_mix(definition->process_id >> 32, task->self_exec_id);
	for (__u32 i = 0; i < STACK_FRAMES_MAX && i < definition->frames; i++)
		key = stack_mix(key, definition->ip_addr[i]);
	return key ? key : 1;
}

/* The definition first, then `seen`: so no record refers to a stack that was never sent. */
static __always_inline void stack_define(struct stack_definition *definition)
{
	__u32 type = bpf_core_type_id_local(struct stack_definition);
	__u8 seen = 1;
	if (bpf_map_lookup_elem(&shared_stacks, &definition->key))
		return;
	definition->record = object_number << 32 | type;
	definition->ts_ns = bpf_ktime_get_ns();
	__u64 size = offsetof(struct stack_definition, ip_addr) + definition->frames * 8;
	void *ring = ring_here();
	tally_seen(type);
	if (!ring || size > sizeof(*definition) ||
	    bpf_ringbuf_output(ring, definition, size, BPF_RB_NO_WAKEUP))
		tally_dropped(type);
	else if (bpf_map_update_elem(&shared_stacks, &definition->key, &seen, BPF_ANY))
		tally_dropped(TALLY_MAP_FULL);
}

static __always_inline stack_ref stack_finish(struct stack_slot *slot, __u32 frames)
{
	struct stack_definition *definition = &slot->definition;
	definition->process_id = bpf_get_current_pid_tgid();
	definition->frames = frames;
	definition->key = stack_key(definition);
	stack_define(definition);
	stack_ref key = definition->key;
	stack_slot_release(slot);
	return key;
}

/* Where a walk begins. */
struct stack_registers {
	__u64 ip, sp, fp;
};

/* No frame is further from the innermost one than this. */
enum { STACK_SPAN_MAX = 64 << 20 };

/* A frame pointer leads to the caller's frame pointer and the return address, and upwards. */
static __always_inline __u32 stack_walk(const struct stack_registers *from, __u64 *frames, __u32 n)
{
	__u64 least = from->sp, fp = from->fp;
	for (__u32 i = n; i < STACK_FRAMES_MAX; i++) {
		struct {
			__u64 fp, return_addr;
		} frame;
		if (fp < least || fp & 7 || fp - from->sp > STACK_SPAN_MAX ||
		    bpf_probe_read_user(&frame, sizeof(frame), (void *)fp) || !frame.return_addr)
			break;
		frames[i] = frame.return_addr;
		n = i + 1;
		least = fp + sizeof(frame);
		fp = frame.fp;
	}
	return n;
}

static __always_inline struct stack_registers stack_registers(const struct pt_regs *regs)
{
	return (struct stack_registers){ PT_REGS_IP(regs), PT_REGS_SP(regs), PT_REGS_FP(regs) };
}

/* The current task's registers in user mode, for programs that run on top of kernel code; zeros if
 * none. */
static __always_inline struct stack_registers stack_user_registers(void)
{
	struct stack_registers registers = {};
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return registers;
	struct pt_regs___kernel *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	registers.ip = regs->ip;
	registers.sp = regs->sp;
	registers.fp = regs->bp;
	return registers;
}

static __always_inline struct stack_slot *stack_begin(void)
{
	struct stack_slot *slot = stack_slot_take();
	if (!slot)
		tally_dropped(TALLY_STACK);
	return slot;
}

/* The current task's user stack from these registers; 0 if there is none, counted. */
static __always_inline stack_ref stack_take(struct stack_registers registers)
{
	if (!registers.ip) {
		tally_dropped(TALLY_STACK);
		return 0;
	}
	struct stack_slot *slot = stack_begin();
	if (!slot)
		return 0;
	__u64 *frames = slot->definition.ip_addr;
	frames[0] = registers.ip;
	return stack_finish(slot, stack_walk(&registers, frames, 1));
}

static __always_inline __u64 stack_caller(struct pt_regs *ctx)
{
	__u64 caller = 0;
	bpf_probe_read_user(&caller, sizeof(caller), (void *)PT_REGS_SP(ctx));
	return caller;
}

/* The same at the entry of a function: the caller comes from [rsp]. */
static __always_inline stack_ref stack_take_entry(struct pt_regs *ctx)
{
	struct stack_slot *slot = stack_begin();
	if (!slot)
		return 0;
	struct stack_registers registers = stack_registers(ctx);
	__u64 *frames = slot->definition.ip_addr;
	frames[0] = registers.ip;
	frames[1] = stack_caller(ctx);
	return stack_finish(slot, stack_walk(&registers, frames, 2));
}

/* Only the function and its caller. */
static __always_inline stack_ref stack_take_caller(struct pt_regs *ctx)
{
	struct stack_slot *slot = stack_begin();
	if (!slot)
		return 0;
	slot->definition.ip_addr[0] = PT_REGS_IP(ctx);
	slot->definition.ip_addr[1] = stack_caller(ctx);
	return stack_finish(slot, 2);
}

#endif
