/*
 * What the kernel allocates by its stacks, as totals: only on request, because a stack takes 1 us
 * of each allocation. Frees need none: they belong to the stack that allocated.
 */
#include "bpf/kernel_stack.h"
#include "bpf/kmem_event.h"

OPT_IN(kmem_stack);

struct kmem_stack_key {
	kernel_stack_ref kernel_stack_id;
	__u64 op;
};

struct kmem_stack_total_value {
	__u64 allocations;
	__u64 frees;
	__u64 implied_frees;
	__u64 allocated_bytes;
	__u64 freed_bytes;
	__u64 unpaired;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, struct kmem_stack_key);
	__type(value, struct kmem_stack_total_value);
} kmem_stack_total SEC(".maps");

struct allocation {
	struct kmem_stack_key key;
	__u64 bytes;
};

/* By address; a page's is that of its struct page. All are there from the beginning: a map that
 * allocates would see its own allocations. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 524288);
	__type(key, __u64);
	__type(value, struct allocation);
} kmem_allocations SEC(".maps");

/* Counts what was allocated at an address as freed, if that was seen. */
static __always_inline void allocation_end(__u64 addr, bool implied)
{
	struct allocation *allocation = bpf_map_lookup_elem(&kmem_allocations, &addr);
	if (!allocation)
		return;
	struct kmem_stack_key key = allocation->key;
	struct kmem_stack_total_value delta = { .frees = !implied,
						.implied_frees = implied,
						.freed_bytes = allocation->bytes };
	/* Where the map is busy below an interrupt it stays, and its free will be implied. */
	if (!implied && bpf_map_delete_elem(&kmem_allocations, &addr))
		return;
	total_add(&kmem_stack_total, &key, delta);
}

static __always_inline int kmem_event(void *ctx, enum kmem_op op, __u64 addr, __u64 bytes,
				      __u64 gfp)
{
	(void)gfp;
	if (addr <= ZERO_SIZE_PTR || !recording())
		return 0;
	if (kmem_frees(op)) {
		allocation_end(addr, false);
		return 0;
	}
	struct allocation new = { .key = { kernel_stack_take(ctx), op }, .bytes = bytes };
	struct kmem_stack_total_value delta = { .allocations = 1, .allocated_bytes = bytes };
	allocation_end(addr, true);
	delta.unpaired = bpf_map_update_elem(&kmem_allocations, &addr, &new, BPF_ANY) != 0;
	total_add(&kmem_stack_total, &new.key, delta);
	return 0;
}

KMEM_EVENTS(kmem_stack)
