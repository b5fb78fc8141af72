/*
 * The scratch memory of a stack or a path being taken. A slot, not plain per-CPU memory: uprobe
 * programs can be preempted by another one on the same CPU, and a fault inside a program runs the
 * fault's.
 */
#ifndef BPF_SLOT_H
#define BPF_SLOT_H

#include "bpf/old.h"

/* Hides from the compiler that a value is known, so that it keeps the mask that follows. */
#define HIDE(value) asm volatile("" : "+r"(value))

enum {
	UNWIND_RANGES = 8,      /* mappings that a slot remembers */
	SLOT_MAPPINGS = 8,      /* likewise, with what is mapped there (mappings.h) */
	UNWIND_MEMOS = 1024,    /* rows that it remembers, by address */
	UNWIND_ADDR_BITS = 47,  /* of an address in user space */
	UNWIND_WINDOW = 8192,   /* bytes of the stack that are read at once, in two halves */
	UNWIND_NODE_WORDS = 32, /* a node of the maple tree */
};

/* A mapping of code: an address less `base` is an offset in the file. */
struct unwind_range {
	__u64 start, end, base;
	__u32 file; /* which: a hash; 0: none */
	struct unwind_object object;
};

/* On the way from a file to the root (files.h). */
struct file_walk {
	__u64 dentry, mount;
	struct file_definition definition;
};

/* What is mapped from start to end: an address less `base` is an offset in the file. */
struct mapping {
	__u64 start, end, base;
	file_ref file;
	__u64 class; /* enum memory_class */
};

/* The row that holds at an address. */
struct unwind_memo {
	__u64 tag; /* the address and, above it, the slot's `memory` then */
	__u64 row;
	__u64 place; /* of the address in its file: unwind_place() */
};

struct stack_slot {
	__u64 busy;
	/* Mappings and rows, valid while these three stay the same. */
	__u64 space, space_sequence, tables_sequence;
	__u64 memory; /* how often all was forgotten, in the bits above an address */
	__u32 range_count, range;
	struct unwind_range ranges[UNWIND_RANGES];
	struct unwind_memo memos[UNWIND_MEMOS];
	/* What is mapped where, valid while the first two stay the same. */
	__u64 mapping_space, mapping_sequence, mapping_mm;
	__u32 mapping_count, mapping;
	struct mapping mappings[SLOT_MAPPINGS];
	/* The walk. */
	__u64 mm, ip, sp, fp, key;
	__u64 place;   /* of the frame's code, which its key is made of */
	__u64 called;  /* ip is a return address: the call is before it */
	__u64 guessed; /* a frame was found by its frame pointer only */
	__u64 end;     /* enum stack_end */
	__u64 window_addr, window_bytes;
	__u64 word;  /* read apart from the window */
	__u64 index; /* of the slot */
	union {
		struct {
			__u64 window[UNWIND_WINDOW / 8];
			__u64 node[UNWIND_NODE_WORDS];
			struct stack_definition definition;
		};
		struct stack_copy copy; /* made when the rest has served */
		struct file_walk file;  /* in a slot of its own */
	};
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STACK_SLOTS_PER_CPU);
	__type(key, __u32);
	__type(value, struct stack_slot);
} shared_stack_slots SEC(".maps");

static __always_inline __u64 stack_mix(__u64 key, __u64 value)
{
	key = (key ^ value) * 0x9E3779B97F4A7C15ULL;
	return key ^ key >> 29;
}

static __always_inline struct stack_slot *stack_slot(__u32 index)
{
	return bpf_map_lookup_elem(&shared_stack_slots, &index);
}

/*
 * The index of a slot that is now ours, or -1. Only additions, whose results are not used: atomic
 * operations that fetch do not load before 5.12. It is ours if after our addition the count is one;
 * two that add at the same time both step back.
 */
static __always_inline int stack_slot_take(void)
{
	__u32 first = bpf_get_smp_processor_id() * STACK_SLOTS_PER_CPU;
	for (__u32 i = 0; i < STACK_SLOTS_PER_CPU; i++) {
		struct stack_slot *slot = stack_slot(first + i);
		if (!slot || *(volatile __u64 *)&slot->busy)
			continue;
		__sync_fetch_and_add(&slot->busy, 1);
		if (*(volatile __u64 *)&slot->busy == 1)
			return (int)(first + i);
		__sync_fetch_and_add(&slot->busy, -1);
	}
	return -1;
}

static __always_inline void stack_slot_release(struct stack_slot *slot)
{
	__sync_fetch_and_add(&slot->busy, -1);
}

#endif
