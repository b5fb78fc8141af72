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

/* Those of them that were sent last, by their low bits: most stacks are found here, without a hash.
 */
enum { STACK_RECENT = 16384 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STACK_RECENT);
	__type(key, __u32);
	__type(value, stack_ref);
} shared_recent_stacks SEC(".maps");

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

/* The key of no frames yet. */
static __always_inline stack_ref stack_key(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	return stack_mix(bpf_get_current_pid_tgid() >> 32, task->self_exec_id);
}

/* Whether the stack is in the trace for certain: one look in a table of the keys sent last. */
static __always_inline bool stack_is_recent(stack_ref key)
{
	__u32 place = key % STACK_RECENT;
	stack_ref *recent = bpf_map_lookup_elem(&shared_recent_stacks, &place);
	return recent && *recent == key;
}

static __always_inline void stack_set_recent(stack_ref key)
{
	__u32 place = key % STACK_RECENT;
	bpf_map_update_elem(&shared_recent_stacks, &place, &key, BPF_ANY);
}

/* The definition first, then `seen`: so no record refers to a stack that was never sent. */
static __always_inline void stack_define(struct stack_definition *definition)
{
	__u32 type = bpf_core_type_id_local(struct stack_definition);
	__u8 seen = 1;
	if (bpf_map_lookup_elem(&shared_stacks, &definition->key)) {
		stack_set_recent(definition->key);
		return;
	}
	definition->record = object_number << 32 | type;
	definition->ts_ns = bpf_ktime_get_ns();
	__u64 size = offsetof(struct stack_definition, ip_addr) + definition->frames * 8;
	void *ring = ring_here();
	tally_seen(type);
	if (!ring || size > sizeof(*definition) ||
	    bpf_ringbuf_output(ring, definition, size, BPF_RB_NO_WAKEUP)) {
		tally_dropped(type);
		return;
	}
	stack_set_recent(definition->key);
	if (bpf_map_update_elem(&shared_stacks, &definition->key, &seen, BPF_ANY))
		tally_dropped(TALLY_MAP_FULL);
}

/* Where a walk begins. At a function's entry `caller` is the word at [rsp], else 0. */
struct stack_registers {
	__u64 ip, sp, fp, caller;
};

/* No frame is further from the innermost one than this. */
enum { STACK_SPAN_MAX = 64 << 20 };

/*
 * Walks the frames and returns the stack's key, 0 if there are none. A frame pointer leads to the
 * caller's frame pointer and the return address, and upwards. With a definition the frames are
 * kept; without, only the key is wanted.
 */
static __always_inline stack_ref stack_walk(const struct stack_registers *from,
					    struct stack_definition *definition)
{
	stack_ref key = stack_mix(stack_key(), from->ip);
	__u64 least = from->sp, fp = from->fp;
	__u32 n = 1;
	if (definition)
		definition->ip_addr[0] = from->ip;
	if (from->caller) {
		key = stack_mix(key, from->caller);
		if (definition)
			definition->ip_addr[1] = from->caller;
		n = 2;
	}
	for (__u32 i = n; i < STACK_FRAMES_MAX; i++) {
		struct {
			__u64 fp, return_addr;
		} frame;
		if (fp < least || fp & 7 || fp - from->sp > STACK_SPAN_MAX ||
		    bpf_probe_read_user(&frame, sizeof(frame), (void *)fp) || !frame.return_addr)
			break;
		key = stack_mix(key, frame.return_addr);
		if (definition)
			definition->ip_addr[i] = frame.return_addr;
		n = i + 1;
		least = fp + sizeof(frame);
		fp = frame.fp;
	}
	if (definition) {
		definition->frames = n;
		definition->process_id = bpf_get_current_pid_tgid();
		definition->key = key;
	}
	return key;
}

/* A stack that was not sent lately: walked again, kept this time. */
static __always_inline stack_ref stack_send(const struct stack_registers *from)
{
	struct stack_slot *slot = stack_slot_take();
	if (!slot) {
		tally_dropped(TALLY_STACK);
		return 0;
	}
	stack_ref key = stack_walk(from, &slot->definition);
	stack_define(&slot->definition);
	stack_slot_release(slot);
	return key;
}

/* The current task's user stack from these registers; 0 if there is none, counted. */
static __always_inline stack_ref stack_take(struct stack_registers from)
{
	if (!from.ip) {
		tally_dropped(TALLY_STACK);
		return 0;
	}
	stack_ref key = stack_walk(&from, NULL);
	return stack_is_recent(key) ? key : stack_send(&from);
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

static __always_inline struct stack_registers stack_entry_registers(struct pt_regs *ctx)
{
	struct stack_registers registers = { PT_REGS_IP(ctx), PT_REGS_SP(ctx), PT_REGS_FP(ctx), 0 };
	bpf_probe_read_user(&registers.caller, sizeof(__u64), (void *)registers.sp);
	return registers;
}

/* The same at the entry of a function: the caller comes from [rsp]. */
static __always_inline stack_ref stack_take_entry(struct pt_regs *ctx)
{
	return stack_take(stack_entry_registers(ctx));
}

/* Only the function and its caller. */
static __always_inline stack_ref stack_take_caller(struct pt_regs *ctx)
{
	struct stack_registers registers = stack_entry_registers(ctx);
	registers.fp = 0;
	return stack_take(registers);
}

#endif
