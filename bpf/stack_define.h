/*
 * How a stack gets into the trace: its definition travels once, before the first record that holds
 * its key.
 */
#ifndef BPF_STACK_DEFINE_H
#define BPF_STACK_DEFINE_H

#include "bpf/record.h"

const volatile __u32 stack_way = STACKS_TABLES; /* the recorder's choice, enum stack_way */

/* Stacks that are in the trace already. Least recently used ones are forgotten and travel again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, stack_ref);
	__type(value, __u8);
} shared_stacks SEC(".maps");

/* Those of them that were sent last, by their low bits: most stacks are found here, without a hash.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STACK_RECENT);
	__type(key, __u32);
	__type(value, stack_ref);
} shared_recent_stacks SEC(".maps");

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
	if (!ring)
		return;
	tally_seen(type);
	if (size > sizeof(*definition) ||
	    bpf_ringbuf_output(ring, definition, size, BPF_RB_NO_WAKEUP)) {
		tally_dropped(type);
		return;
	}
	stack_set_recent(definition->key);
	if (bpf_map_update_elem(&shared_stacks, &definition->key, &seen, BPF_ANY))
		tally_dropped(TALLY_MAP_FULL);
}

#endif
