/*
 * User stacks. A record holds a stack's key; the stack itself travels once, as a stack_definition,
 * before the first record with its key. The key mixes the frames' files and offsets there, so that
 * all processes of a program share their stacks; of a walk by frame pointers, the addresses with
 * the address space.
 *
 * Frames are found by unwind tables (unwind.h). What these cannot do is copied, registers and
 * memory, and the recorder walks it. Where tables do not load, frames are found by frame pointers:
 * right only for code that was built with them. At a function's entry the caller is not yet in that
 * chain: there, and only there, it is the word at [rsp].
 *
 * The walk by pointers is our own because bpf_get_stack follows anything: behind the last true
 * frame stands whatever a library without frame pointers kept in rbp, and reading there costs a
 * page fault, 0.9 us of each stack.
 */
#ifndef BPF_STACK_H
#define BPF_STACK_H

#include "bpf/registers.h"
#include "bpf/stack_define.h"
#include "bpf/unwind.h"

/* ---- by tables */

/* The walk's result, in the trace or on its way there; its key. */
static __always_inline stack_ref stack_finish(struct stack_slot *slot)
{
	struct stack_definition *definition = &slot->definition;
	stack_ref key = stack_mix(slot->key, slot->end << 1 | slot->guessed);
	if (slot->guessed)
		tally_seen(TALLY_GUESSED);
	if (stack_is_recent(key))
		return key;
	definition->process_id = bpf_get_current_pid_tgid();
	definition->key = key;
	definition->end = slot->end;
	stack_define(definition);
	return key;
}

/* Copies a page to that place in the copy; whether it could be read. */
__noinline int stack_copy_page(__u32 index, __u64 at)
{
	struct stack_slot *slot = stack_slot(index);
	if (!slot || at > STACK_COPY_MAX - STACK_PAGE)
		return 0;
	__u64 addr = (slot->copy.reg[7] & ~7ULL) + at;
	return !bpf_probe_read_user((char *)slot->copy.memory + at, STACK_PAGE, (void *)addr);
}

/* Whether the ring is filled up to so many eighths at most. */
static __always_inline bool stack_ring_below(void *ring, __u64 eighths)
{
	return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) <=
	       bpf_ringbuf_query(ring, BPF_RB_RING_SIZE) / 8 * eighths;
}

/* Copies leave half of the ring to rows: when it is fuller the frames known must do. */
static __always_inline bool stack_copy_fits(void)
{
	void *ring = ring_here();
	return ring && stack_ring_below(ring, 4);
}

/*
 * Copies the stack from rsp up to the last page that can be read; its size. One before it that
 * cannot be is zeroes: a large array may lie there whose memory was never used. From three eighths
 * of the ring on one page must do.
 */
static __always_inline __u64 stack_copy_memory(__u32 index, struct stack_copy *copy, void *ring)
{
	__u64 sp = copy->reg[7] & ~7ULL;
	__u64 first = STACK_PAGE - (sp & (STACK_PAGE - 1)), bytes = first;
	bool whole = stack_ring_below(ring, 3);
	if (bpf_probe_read_user(copy->memory, first, (void *)sp))
		return 0;
	for (int i = 0; i < STACK_COPY_MAX / STACK_PAGE - 1 && whole; i++)
		if (stack_copy_page(index, first + i * STACK_PAGE))
			bytes = first + (i + 1) * STACK_PAGE;
	return bytes <= STACK_COPY_MAX ? bytes : 0;
}

/* Puts a word into the copy. */
__noinline int stack_copy_put(__u32 index, __u64 addr, __u64 value)
{
	struct stack_slot *slot = stack_slot(index);
	if (!slot)
		return 0;
	__u64 at = addr - (slot->copy.reg[7] & ~7ULL), word = at / 8;
	HIDE(word);
	if (at < slot->copy.bytes && word < STACK_COPY_MAX / 8)
		slot->copy.memory[word] = value;
	return 0;
}

/* Return addresses that a probe has replaced. */
static __always_inline void stack_copy_returns(__u32 index)
{
	struct return_instance *call = task_returns();
	for (int i = 0; i < UNWIND_RETURNS && call; i++) {
		stack_copy_put(index, BPF_CORE_READ(call, stack),
			       BPF_CORE_READ(call, orig_ret_vaddr));
		call = BPF_CORE_READ(call, next);
	}
}

/* Registers and memory instead of frames. Each copy is a stack of its own. */
__noinline __u64 stack_send_copy(__u32 index)
{
	struct stack_slot *slot = stack_slot(index);
	struct pt_regs___kernel *regs = registers_user();
	if (!slot || !regs)
		return 0;
	struct stack_copy *copy = &slot->copy;
	__u32 type = bpf_core_type_id_local(struct stack_copy);
	__u64 now = bpf_ktime_get_ns();
	copy->record = object_number << 32 | type;
	copy->ts_ns = now;
	copy->process_id = bpf_get_current_pid_tgid();
	copy->key = stack_mix(stack_mix(stack_key(), copy->process_id), now);
	copy->end = slot->end;
	registers_copy(copy->reg, (struct pt_regs *)copy->memory, regs);
	void *ring = ring_here();
	if (!ring)
		return 0;
	copy->bytes = stack_copy_memory(index, copy, ring);
	if (!copy->bytes) {
		tally_dropped(TALLY_STACK);
		return 0;
	}
	stack_copy_returns(index);
	__u64 size = offsetof(struct stack_copy, memory) + copy->bytes;
	tally_seen(type);
	if (size > sizeof(*copy) || bpf_ringbuf_output(ring, copy, size, BPF_RB_NO_WAKEUP)) {
		tally_dropped(type);
		return 0;
	}
	return copy->key;
}

/* Whether the registers are of a program that is there no more. */
static __always_inline bool task_in_exec(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	return BPF_CORE_READ_BITFIELD_PROBED(task, in_execve);
}

/* Of a stack whose memory is not there, as it was swapped out itself, one frame remains. */
static __always_inline stack_ref stack_walk_tables(__u32 index, struct stack_slot *slot)
{
	struct pt_regs___kernel *regs = registers_user();
	if (!regs || !space_enter(index, slot, task_space())) {
		tally_dropped(TALLY_STACK);
		return 0;
	}
	slot->ip = registers_ip(regs);
	slot->sp = registers_sp(regs);
	slot->fp = registers_fp(regs);
	slot->key = 0;
	unwind_walk(index, slot);
	if (!slot->window_bytes)
		slot->end = task_in_exec() ? STACK_GONE : STACK_LOST;
	if (slot->end >= STACK_NEW && !stack_copy_fits())
		slot->end = STACK_LOST;
	tally_seen(TALLY_WALKS + slot->end);
	if (slot->end == STACK_GONE)
		return 0;
	return slot->end >= STACK_NEW ? stack_send_copy(index) : stack_finish(slot);
}

/* A function of its own to the verifier: looked at once, however many programs call it. */
__noinline __u64 stack_by_tables(void)
{
	int index = stack_slot_take();
	struct stack_slot *slot = index < 0 ? NULL : stack_slot((__u32)index);
	if (!slot) {
		tally_dropped(TALLY_STACK);
		return 0;
	}
	stack_ref key = stack_walk_tables((__u32)index, slot);
	stack_slot_release(slot);
	return key;
}

/* ---- by frame pointers */

/* Where a walk begins. At a function's entry `caller` is the word at [rsp], else 0. */
struct stack_registers {
	__u64 ip, sp, fp, caller;
};

/* No frame is further from the innermost one than this; and so many frames are walked. */
enum { STACK_SPAN_MAX = 64 << 20, STACK_POINTER_FRAMES = 127 };

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
	for (__u32 i = n; i < STACK_POINTER_FRAMES; i++) {
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
		definition->end = STACK_POINTERS;
		definition->process_id = bpf_get_current_pid_tgid();
		definition->key = key;
	}
	return key;
}

/* A stack that was not sent lately: walked again, kept this time. */
static __always_inline stack_ref stack_send(const struct stack_registers *from)
{
	int index = stack_slot_take();
	struct stack_slot *slot = index < 0 ? NULL : stack_slot((__u32)index);
	if (!slot) {
		tally_dropped(TALLY_STACK);
		return 0;
	}
	stack_ref key = stack_walk(from, &slot->definition);
	stack_define(&slot->definition);
	stack_slot_release(slot);
	return key;
}

static __always_inline stack_ref stack_by_pointers(struct stack_registers from)
{
	if (!from.ip) {
		tally_dropped(TALLY_STACK);
		return 0;
	}
	stack_ref key = stack_walk(&from, NULL);
	return stack_is_recent(key) ? key : stack_send(&from);
}

static __always_inline struct stack_registers stack_entry_registers(struct pt_regs *ctx)
{
	struct stack_registers registers = { PT_REGS_IP(ctx), PT_REGS_SP(ctx), PT_REGS_FP(ctx), 0 };
	bpf_probe_read_user(&registers.caller, sizeof(__u64), (void *)registers.sp);
	return registers;
}

static __always_inline struct stack_registers stack_user_registers(void)
{
	struct pt_regs___kernel *regs = registers_user();
	struct stack_registers registers = {};
	if (regs) {
		registers.ip = registers_ip(regs);
		registers.sp = registers_sp(regs);
		registers.fp = registers_fp(regs);
	}
	return registers;
}

/* ---- for programs */

/* The current task's user stack; 0 if there is none, counted. */
static __always_inline stack_ref stack_take(void)
{
	if (stack_way == STACKS_NONE)
		return 0;
	return stack_way == STACKS_TABLES ? stack_by_tables()
					  : stack_by_pointers(stack_user_registers());
}

/* The same in a probe at the entry of a function: the caller is at [rsp]. */
static __always_inline stack_ref stack_take_entry(struct pt_regs *ctx)
{
	if (stack_way == STACKS_NONE)
		return 0;
	return stack_way == STACKS_TABLES ? stack_by_tables()
					  : stack_by_pointers(stack_entry_registers(ctx));
}

/* Only the function and its caller. */
static __always_inline stack_ref stack_take_caller(struct pt_regs *ctx)
{
	struct stack_registers registers = stack_entry_registers(ctx);
	registers.fp = 0;
	return stack_way == STACKS_NONE ? 0 : stack_by_pointers(registers);
}

#endif
