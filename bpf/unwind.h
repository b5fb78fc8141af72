/*
 * Walks a user stack by unwind tables, which the recorder makes from the call frame information of
 * each mapped file (recorder/unwind.c). All state is in a slot, a map's value, and each part is a
 * global function of scalars: so the verifier looks at each once (1 M instructions when the state
 * is on the BPF stack and the parts are inlined).
 *
 * Nothing here needs bpf_loop, task storage, or the maple tree: it loads on 5.10.
 */
#ifndef BPF_UNWIND_H
#define BPF_UNWIND_H

#include "bpf/slot.h"
#include "bpf/spaces.h"
#include "bpf/unwind_rows.h"

/*
 * All tables: of each its rows, then its pages. A page is the number of the last row at or before
 * the beginning of UNWIND_PAGE bytes of code, two of them an element. The size is the recorder's
 * choice.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} shared_unwind_rows SEC(".maps");

/* A page of code has at most so many rows, so the search takes at most so many steps. */
enum { UNWIND_STEPS = 9, UNWIND_AT_ONCE = 16 };

/* So many calls are looked at whose return a probe waits for. */
enum { UNWIND_RETURNS = 32 };

/* A row of no table: code whose table the recorder has been asked for. */
enum { UNWIND_WANTED = UNWIND_TYPES - 1 };

/* A frame pointer is believed only so far up, where there is no better. */
enum { UNWIND_FP_SPAN = 1 << 20 };

static __always_inline __u64 *unwind_element(__u32 index)
{
	return bpf_map_lookup_elem(&shared_unwind_rows, &index);
}

static __always_inline __u32 unwind_page(__u32 pages, __u32 page)
{
	__u64 *two = unwind_element(pages + page / 2);
	return two ? (__u32)(*two >> page % 2 * 32) : 0;
}

/* The row for an offset in a file, as its 8 bytes; 0 (UNWIND_NONE) if there is none. */
__noinline __u64 unwind_row(__u32 pages, __u32 page, __u64 offset)
{
	__u32 base = unwind_page(pages, page);
	__u32 count = unwind_page(pages, page + 1) - base + 1;
	for (int i = 0; i < UNWIND_STEPS && count > 1; i++) {
		__u32 half = count / 2;
		__u64 *row = unwind_element(base + half);
		if (!row)
			return 0;
		/* No branch: the verifier would follow both ways at each step. */
		__u64 after = (offset - (__u32)*row) >> 63;
		HIDE(after);
		base += half * (1 - (__u32)after);
		count -= half;
	}
	__u64 *row = unwind_element(base);
	return row ? *row : 0;
}

/*
 * A word that is not in the window, into slot->word. A frame that reaches into the window's second
 * half has it read: so that no read goes over the stack's end, where it would cost a page fault. A
 * function of its own, as it is wanted rarely and in many places.
 */
__noinline int unwind_read_again(__u32 index, __u64 addr)
{
	struct stack_slot *slot = stack_slot(index);
	if (!slot)
		return -1;
	if (addr - slot->window_addr - slot->window_bytes < UNWIND_WINDOW / 2 &&
	    slot->window_bytes <= UNWIND_WINDOW / 2) {
		__u64 half = slot->window_bytes / 8;
		HIDE(half);
		half &= UNWIND_WINDOW / 16 - 1;
		if (slot->window_bytes == UNWIND_WINDOW / 2)
			half = UNWIND_WINDOW / 16;
		if (!bpf_probe_read_user(slot->window + half, UNWIND_WINDOW / 2,
					 (void *)(slot->window_addr + slot->window_bytes)))
			slot->window_bytes += UNWIND_WINDOW / 2;
	}
	return (int)bpf_probe_read_user(&slot->word, sizeof(slot->word), (void *)addr);
}

static __always_inline bool unwind_read(struct stack_slot *slot, __u64 addr, __u64 *value)
{
	__u64 at = addr - slot->window_addr;
	if (at >= slot->window_bytes || at & 7) {
		bool read = !unwind_read_again(slot->index, addr);
		*value = slot->word;
		return read;
	}
	at >>= 3;
	HIDE(at);
	*value = slot->window[at & (UNWIND_WINDOW / 8 - 1)];
	return true;
}

/* Reads the stack from sp to the end of that page, which must be there. */
static __always_inline void unwind_look(struct stack_slot *slot)
{
	__u64 addr = slot->sp & ~7ULL;
	__u64 bytes = UNWIND_WINDOW / 2 - (addr & (UNWIND_WINDOW / 2 - 1));
	slot->window_addr = addr;
	slot->window_bytes = 0;
	if (bytes && bytes <= UNWIND_WINDOW / 2 &&
	    !bpf_probe_read_user(slot->window, bytes, (void *)addr))
		slot->window_bytes = bytes;
}

static __always_inline int unwind_ends(struct stack_slot *slot, __u64 how)
{
	slot->end = how;
	return 1;
}

static __always_inline int unwind_goes_on(struct stack_slot *slot, __u64 ip, __u64 sp, __u64 fp)
{
	slot->ip = ip;
	slot->sp = sp;
	slot->fp = fp;
	return 0;
}

/* Code without rows that keeps frame pointers, such as a compiler makes at run time. */
static __always_inline int unwind_by_pointer(struct stack_slot *slot)
{
	__u64 fp = slot->fp, caller_fp, ip;
	if (fp < slot->sp || fp & 7 || fp - slot->sp >= UNWIND_FP_SPAN ||
	    !unwind_read(slot, fp, &caller_fp) || !unwind_read(slot, fp + 8, &ip))
		return unwind_ends(slot, STACK_LOST);
	if (!ip)
		return unwind_ends(slot, STACK_WHOLE);
	slot->guessed = 1;
	slot->called = 1;
	return unwind_goes_on(slot, ip, fp + 16, caller_fp);
}

/* The kernel's struct rt_sigframe: sp is at its ucontext (arch/x86/include/asm/sigframe.h). */
static __always_inline int unwind_signal(struct stack_slot *slot)
{
	enum { AT_RBP = 120, AT_RSP = 160, AT_RIP = 168 };
	__u64 ip, sp, fp;
	if (!unwind_read(slot, slot->sp + AT_RIP, &ip) ||
	    !unwind_read(slot, slot->sp + AT_RSP, &sp) ||
	    !unwind_read(slot, slot->sp + AT_RBP, &fp))
		return unwind_ends(slot, STACK_LOST);
	slot->called = 0;
	unwind_goes_on(slot, ip, sp, fp);
	if (sp - slot->window_addr >= slot->window_bytes) /* the handler had a stack of its own */
		unwind_look(slot);
	return 0;
}

static __always_inline int unwind_by_row(struct stack_slot *slot, struct unwind_row row)
{
	__u64 type = row.type & UNWIND_TYPES, fp = slot->fp, ip;
	bool from_fp = type == UNWIND_RBP || type == UNWIND_DEREF;
	__u64 cfa = (from_fp ? fp : slot->sp) + (__s64)row.cfa * 8;
	if (type == UNWIND_PLT)
		cfa = slot->sp + 8 + ((slot->ip & 15) >= (__u64)row.cfa) * 8;
	if ((type == UNWIND_DEREF || type == UNWIND_RSP_DEREF) && !unwind_read(slot, cfa, &cfa))
		return unwind_ends(slot, STACK_LOST);
	if (type == UNWIND_RSP_DEREF)
		cfa += 8;
	__u64 saved = (row.type & UNWIND_FP_AT_FP ? fp : cfa) + (__s64)row.fp * 8;
	if (cfa <= slot->sp || !unwind_read(slot, cfa - 8, &ip))
		return unwind_ends(slot, STACK_LOST);
	if (row.type & (UNWIND_FP_AT_FP | UNWIND_FP_AT_CFA) && !unwind_read(slot, saved, &fp))
		return unwind_ends(slot, STACK_LOST);
	if (!ip)
		return unwind_ends(slot, STACK_WHOLE);
	slot->called = 1;
	return unwind_goes_on(slot, ip, cfa, fp);
}

static __always_inline struct unwind_memo *unwind_memo(struct stack_slot *slot, __u64 ip)
{
	__u64 place = ip * 0x9E3779B97F4A7C15ULL >> 54; /* UNWIND_MEMOS */
	HIDE(place);
	return &slot->memos[place & (UNWIND_MEMOS - 1)];
}

/* A row as its 8 bytes: what functions of their own can return. */
union unwind_bytes {
	__u64 bytes;
	struct unwind_row row;
};

static __always_inline union unwind_bytes unwind_row_in(const struct unwind_range *range, __u64 ip)
{
	union unwind_bytes found = { 0 };
	__u64 offset = ip - range->base, page = (offset - range->object.low) / UNWIND_PAGE;
	if (offset >= range->object.low && page < range->object.pages)
		found.bytes = unwind_row(range->object.pages_at, (__u32)page, offset);
	return found;
}

static __always_inline union unwind_bytes unwind_row_of(struct stack_slot *slot,
							const struct unwind_range *range)
{
	__u64 ip = slot->ip - slot->called;
	union unwind_bytes found = unwind_row_in(range, ip);
	struct unwind_memo *memo = unwind_memo(slot, ip);
	if (found.row.type && !(ip >> UNWIND_ADDR_BITS)) {
		memo->tag = ip | slot->memory;
		memo->row = found.bytes;
		memo->place = slot->place;
	}
	if (found.row.type || !slot->called)
		return found;
	/* The entry of a program has no caller, and nothing before it. */
	union unwind_bytes at = unwind_row_in(range, slot->ip);
	return (at.row.type & UNWIND_TYPES) == UNWIND_END ? at : found;
}

/* A probe of returns puts its own address in the place of a return address, and knows the true one.
 * 0: none at that place. */
__noinline __u64 unwind_true_return(__u64 at)
{
	struct return_instance *call = task_returns();
	for (int i = 0; i < UNWIND_RETURNS && call; i++) {
		if (BPF_CORE_READ(call, stack) == at)
			return BPF_CORE_READ(call, orig_ret_vaddr);
		call = BPF_CORE_READ(call, next);
	}
	return 0;
}

/* The mapping of the frame's code; its address may have to be put right first. */
static __always_inline const struct unwind_range *unwind_range(__u32 index, struct stack_slot *slot)
{
	const struct unwind_range *range = space_range(index, slot, slot->ip - slot->called);
	if (range && range->object.state != UNWIND_TABLE_NONE)
		return range;
	__u64 ip = unwind_true_return(slot->sp - sizeof(ip));
	if (!ip)
		return range;
	slot->ip = ip;
	return space_range(index, slot, ip - slot->called);
}

/*
 * What an address is to the stack's key: its file and the offset there, so that the same stack of
 * another process is the same one; of code in no file, the address in this process.
 */
static __always_inline __u64 unwind_place(const struct unwind_range *range, __u64 ip)
{
	return range && range->file ? (__u64)range->file << 32 ^ (ip - range->base)
				    : stack_mix(stack_key(), ip);
}

/* The row of the frame's code, by its mapping; its place into the slot. */
__noinline __u64 unwind_find(__u32 index)
{
	union unwind_bytes found = { 0 };
	struct stack_slot *slot = stack_slot(index);
	const struct unwind_range *range = slot ? unwind_range(index, slot) : NULL;
	if (slot)
		slot->place = unwind_place(range, slot->ip - slot->called);
	if (range && range->object.state == UNWIND_TABLE)
		return unwind_row_of(slot, range).bytes;
	if (range && range->object.state == UNWIND_TABLE_WANTED)
		found.row.type = UNWIND_WANTED;
	return found.bytes;
}

static __always_inline int unwind_by(struct stack_slot *slot, struct unwind_row row)
{
	switch (row.type & UNWIND_TYPES) {
	case UNWIND_NONE:
		return unwind_by_pointer(slot);
	case UNWIND_END:
		return unwind_ends(slot, STACK_WHOLE);
	case UNWIND_SIGNAL:
		return unwind_signal(slot);
	case UNWIND_COMPLEX:
		return unwind_ends(slot, STACK_COMPLEX);
	case UNWIND_WANTED:
		return unwind_ends(slot, STACK_NEW);
	}
	return unwind_by_row(slot, row);
}

/* Takes the frame that the slot stands at, and goes on to its caller's. 0: goes on. */
__noinline int unwind_step(__u32 index)
{
	union unwind_bytes found;
	struct stack_slot *slot = stack_slot(index);
	if (!slot)
		return 1;
	__u64 ip = slot->ip - slot->called;
	const struct unwind_memo *memo = unwind_memo(slot, ip);
	found.bytes = memo->row;
	slot->place = memo->place;
	if (memo->tag != (ip | slot->memory) || ip >> UNWIND_ADDR_BITS)
		found.bytes = unwind_find(index);
	__u64 n = slot->definition.frames;
	if (n >= STACK_FRAMES_MAX)
		return unwind_ends(slot, STACK_DEEP);
	HIDE(n);
	slot->definition.ip_addr[n & STACK_FRAMES_MAX] = slot->ip + (n && !slot->called);
	slot->definition.frames = n + 1;
	slot->key = stack_mix(slot->key, slot->place ^ slot->called << 63);
	return unwind_by(slot, found.row);
}

/* Several steps: so the loop over all frames is short for the verifier. */
__noinline int unwind_steps(__u32 index)
{
	for (int i = 0; i < UNWIND_AT_ONCE; i++)
		if (unwind_step(index))
			return 1;
	return 0;
}

/* Walks from the registers in the slot; what came of it is in the slot. */
static __always_inline void unwind_walk(__u32 index, struct stack_slot *slot)
{
	slot->definition.frames = 0;
	slot->called = slot->guessed = 0;
	slot->end = STACK_DEEP;
	slot->index = index;
	unwind_look(slot);
	for (int i = 0; i <= STACK_FRAMES_MAX / UNWIND_AT_ONCE; i++)
		if (unwind_steps(index))
			break;
}

#endif
