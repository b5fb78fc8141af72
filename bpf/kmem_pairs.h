/*
 * Which call site allocated what is at an address. A table without locks and without allocations of
 * its own, 8 MiB: a set of eight places, a line of the cache, for each place of an address. Found
 * and compared takes one miss of the cache; a hash map takes 200 ns for the pair.
 *
 * An entry holds the bits of the address that do not follow from its set, so what is found is
 * certain. Objects are in the kernel's linear mapping, less than 2^47 bytes, and aligned to 8; code
 * is in the highest 2^31.
 */
#ifndef BPF_KMEM_PAIRS_H
#define BPF_KMEM_PAIRS_H

#include "bpf/record.h"

enum {
	PAIR_SET_BITS = 17,
	PAIR_PLACES = 8,
	PAIR_SITE_BITS = 31,
	PAIR_CLASS_BITS = 6,
	PAIR_HIGH_BITS = 27, /* of the address: all 44 but those of the set */
};

struct pair_set {
	__u64 entry[PAIR_PLACES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << PAIR_SET_BITS);
	__uint(map_flags, BPF_F_MMAPABLE); /* so it begins with a page, and a set with a line */
	__type(key, __u32);
	__type(value, struct pair_set);
} kmem_pairs SEC(".maps");

/* No entry: a site is never 0, and there is no class 63. */
#define PAIR_NONE 0ULL
#define PAIR_FULL (~0ULL)

static __always_inline __u64 pair_high(__u64 addr)
{
	return addr << 17 >> (64 - PAIR_HIGH_BITS);
}

/* Objects of one page lie in different sets; the same place of other pages in others. */
static __always_inline struct pair_set *pair_set(__u64 addr)
{
	__u64 mixed = pair_high(addr) * 0x9E3779B97F4A7C15ULL >> (64 - PAIR_SET_BITS);
	__u32 index = (addr >> 3 ^ mixed) & ((1 << PAIR_SET_BITS) - 1);
	return bpf_map_lookup_elem(&kmem_pairs, &index);
}

static __always_inline __u64 pair_entry(__u64 addr, __u64 class, __u64 site)
{
	return pair_high(addr) << (PAIR_CLASS_BITS + PAIR_SITE_BITS) | class << PAIR_SITE_BITS |
	       (site & ((1ULL << PAIR_SITE_BITS) - 1));
}

static __always_inline __u64 pair_class(__u64 entry)
{
	return entry >> PAIR_SITE_BITS & ((1 << PAIR_CLASS_BITS) - 1);
}

static __always_inline __u64 pair_site(__u64 entry)
{
	return entry | ~((1ULL << PAIR_SITE_BITS) - 1);
}

static __always_inline bool pair_is_of(__u64 entry, __u64 addr)
{
	return entry && entry >> (PAIR_CLASS_BITS + PAIR_SITE_BITS) == pair_high(addr);
}

static __always_inline bool pair_change(__u64 *place, __u64 from, __u64 to)
{
	return __sync_val_compare_and_swap(place, from, to) == from;
}

/*
 * Remembers an allocation. Returns the entry that the address had, whose free was not seen;
 * PAIR_NONE; PAIR_FULL: there is no place for it.
 */
static __always_inline __u64 pair_add(__u64 addr, __u64 class, __u64 site)
{
	struct pair_set *set = pair_set(addr);
	__u64 new = pair_entry(addr, class, site);
	__u32 empty = PAIR_PLACES;
	if (!set)
		return PAIR_FULL;
	_Pragma("unroll") for (__u32 i = 0; i < PAIR_PLACES; i++)
	{
		__u64 old = *(volatile __u64 *)&set->entry[i];
		if (pair_is_of(old, addr))
			return pair_change(&set->entry[i], old, new) ? old : PAIR_FULL;
		if (!old)
			empty = i;
	}
	if (empty >= PAIR_PLACES)
		return PAIR_FULL;
	return pair_change(&set->entry[empty], PAIR_NONE, new) ? PAIR_NONE : PAIR_FULL;
}

/* Forgets an allocation; its entry, or PAIR_NONE. */
static __always_inline __u64 pair_take(__u64 addr)
{
	struct pair_set *set = pair_set(addr);
	if (!set)
		return PAIR_NONE;
	_Pragma("unroll") for (__u32 i = 0; i < PAIR_PLACES; i++)
	{
		__u64 old = *(volatile __u64 *)&set->entry[i];
		if (pair_is_of(old, addr))
			return pair_change(&set->entry[i], old, PAIR_NONE) ? old : PAIR_NONE;
	}
	return PAIR_NONE;
}

#endif
