/*
 * What the kernel allocates and frees, as totals: objects by call site and cache, pages by order,
 * per-CPU memory by call site.
 *
 * Objects of slabs lie in pages that are allocated, too: pages and objects are two ledgers, never
 * to be added up. kmalloc says a size and no cache, kfree neither: the size's class stands for all
 * caches of kmalloc that are of that size.
 */
#include "bpf/kmem_pairs.h"

struct kmem_key {
	kernel_code_ref kernel_stack_id; /* 0: what was freed was not seen to be allocated */
	cache_ref cache_id;
};

struct kmem_total_value {
	__u64 allocations;
	__u64 frees;
	__u64 implied_frees;
	__u64 requested_bytes;
	__u64 unpaired;
	__u64 failed;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct kmem_key);
	__type(value, struct kmem_total_value);
} kmem_total SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, cache_ref);
	__type(value, struct cache_definition);
} cache_definitions SEC(".maps");

enum { ZERO_SIZE_PTR = 16 }; /* what kmalloc(0) returns */

/* What an object is of: a cache, or a size of kmalloc. Two members, because the verifier, which
 * knows the one for a pointer, lets nobody calculate with what may be either. */
struct kmem_kind {
	__u64 cache, class;
};

/* Of a size that kmalloc has: a power of two, or one and a half. */
static __always_inline __u64 size_class(__u64 bytes)
{
	__u64 log = 0, rest = bytes & 0xFFFFFFFF;
	_Pragma("unroll") for (int bits = 16; bits; bits /= 2) if (rest >> bits)
	{
		rest >>= bits;
		log += bits;
	}
	return log << 1 | (log && bytes >> (log - 1) & 1);
}

static __always_inline __u64 class_size(__u64 class)
{
	__u64 power = 1ULL << (class >> 1);
	return class & 1 ? power + power / 2 : power;
}

static __always_inline void cache_define(struct kmem_kind kind)
{
	__u64 cache = kind.class ? kind.class : kind.cache;
	struct cache_definition definition = {};
	if (!cache || bpf_map_lookup_elem(&cache_definitions, &cache))
		return;
	if (kind.class) {
		definition.slot_bytes = definition.object_bytes = class_size(kind.class);
	} else {
		const struct kmem_cache *kernel = (void *)kind.cache;
		definition.slot_bytes = BPF_CORE_READ(kernel, size);
		definition.object_bytes = BPF_CORE_READ(kernel, object_size);
		bpf_probe_read_kernel_str(definition.name, sizeof(definition.name),
					  BPF_CORE_READ(kernel, name));
	}
	if (bpf_map_update_elem(&cache_definitions, &cache, &definition, BPF_ANY))
		tally_dropped(TALLY_MAP_FULL);
}

/* The entry of a total, a new one all zero; NULL: there is no room, which is counted. */
static __always_inline struct kmem_total_value *kmem_value(__u64 site, struct kmem_kind kind)
{
	if (!recording())
		return NULL;
	struct kmem_key key = { site, kind.class ? kind.class : kind.cache };
	struct kmem_total_value none = {}, *value = bpf_map_lookup_elem(&kmem_total, &key);
	if (value)
		return value;
	cache_define(kind);
	bpf_map_update_elem(&kmem_total, &key, &none, BPF_NOEXIST);
	value = bpf_map_lookup_elem(&kmem_total, &key);
	if (!value)
		tally_dropped(TALLY_MAP_FULL);
	return value;
}

/* An interrupt may come between: even of one CPU's entry another program can be in the middle. */
#define ADD(member, n) __sync_fetch_and_add(&(member), n)

/*
 * What was at that address was freed without an event: in bulk, or by RCU. It was of the same cache
 * as what is there now, if its site has allocated from that; else its slab was given back, and the
 * report knows what the site allocates.
 */
static __always_inline void kmem_implied(__u64 entry, __u64 cache)
{
	__u64 class = pair_class(entry);
	struct kmem_key key = { pair_site(entry), class ? class : cache };
	struct kmem_total_value *value = bpf_map_lookup_elem(&kmem_total, &key);
	if (!value)
		value = kmem_value(pair_site(entry), (struct kmem_kind){ 0, class });
	if (value)
		ADD(value->implied_frees, 1);
}

static __always_inline int kmem_allocated(__u64 site, __u64 addr, struct kmem_kind kind,
					  __u64 requested)
{
	struct kmem_total_value *value = kmem_value(site, kind);
	if (!value)
		return 0;
	if (!addr) {
		ADD(value->failed, 1);
		return 0;
	}
	ADD(value->allocations, 1);
	if (requested)
		ADD(value->requested_bytes, requested);
	__u64 before = pair_add(addr, kind.class, site);
	if (before == PAIR_FULL)
		ADD(value->unpaired, 1);
	else if (before != PAIR_NONE)
		kmem_implied(before, kind.cache);
	return 0;
}

/* What kfree frees that was not seen to be allocated. */
static __always_inline struct kmem_kind kmalloc_kind(__u64 addr)
{
	char name[4] = "";
	if (!bpf_get_kmem_cache)
		return (struct kmem_kind){};
	struct kmem_cache *cache = bpf_get_kmem_cache(addr);
	if (!cache)
		return (struct kmem_kind){};
	bpf_probe_read_kernel(name, sizeof(name), BPF_CORE_READ(cache, name));
	if ((name[0] == 'k' && name[1] == 'm' && name[2] == 'a') ||
	    (name[0] == 'd' && name[1] == 'm' && name[2] == 'a' && name[3] == '-'))
		return (struct kmem_kind){ 0, size_class(BPF_CORE_READ(cache, size)) };
	return (struct kmem_kind){ (__u64)cache, 0 };
}

static __always_inline int kmem_freed(__u64 entry, struct kmem_kind kind)
{
	struct kmem_total_value *value = kmem_value(entry ? pair_site(entry) : 0, kind);
	if (value)
		ADD(value->frees, 1);
	return 0;
}

static __always_inline int kmem_kfree(__u64 addr)
{
	if (addr <= ZERO_SIZE_PTR)
		return 0;
	__u64 entry = pair_take(addr);
	struct kmem_kind kind = { 0, pair_class(entry) };
	return kmem_freed(entry, entry ? kind : kmalloc_kind(addr));
}

static __always_inline int kmem_cache_freed(__u64 addr, __u64 cache)
{
	__u64 entry = pair_take(addr);
	return kmem_freed(entry, (struct kmem_kind){ cache, pair_class(entry) });
}

ARG(kmalloc, call_site);
ARG(kmalloc, ptr);
ARG(kmalloc, bytes_req);
ARG(kmalloc, bytes_alloc);
ARG(kfree, ptr);
ARG(kmem_cache_alloc, call_site);
ARG(kmem_cache_alloc, ptr);
ARG(kmem_cache_alloc, s);
ARG(kmem_cache_free, ptr);
ARG(kmem_cache_free, s);

#define OF(event, name) arg(ctx, arg__##event##__##name)

#define KMALLOC_KIND ((struct kmem_kind){ 0, size_class(OF(kmalloc, bytes_alloc)) })
#define CACHE_KIND ((struct kmem_kind){ OF(kmem_cache_alloc, s), 0 })

BOTH_WAYS(kmem, kmalloc, kmalloc,
	  kmem_allocated(OF(kmalloc, call_site), OF(kmalloc, ptr), KMALLOC_KIND,
			 OF(kmalloc, bytes_req)))
BOTH_WAYS(kmem, kfree, kfree, kmem_kfree(OF(kfree, ptr)))
BOTH_WAYS(kmem, kmem_cache_alloc, cache_alloc,
	  kmem_allocated(OF(kmem_cache_alloc, call_site), OF(kmem_cache_alloc, ptr), CACHE_KIND, 0))
BOTH_WAYS(kmem, kmem_cache_free, cache_free,
	  kmem_cache_freed(OF(kmem_cache_free, ptr), OF(kmem_cache_free, s)))

/* ---- pages */

struct page_key {
	__u64 allocation_order;
};

struct page_total_value {
	__u64 allocations;
	__u64 frees;
	__u64 failed;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 64);
	__type(key, struct page_key);
	__type(value, struct page_total_value);
} page_total SEC(".maps");

static __always_inline int page_count(__u64 order, __u64 allocations, __u64 frees, __u64 failed)
{
	struct page_key key = { (__u32)order };
	struct page_total_value delta = { allocations, frees, failed };
	total_add(&page_total, &key, delta);
	return 0;
}

ARG(mm_page_alloc, page);
ARG(mm_page_alloc, order);
ARG(mm_page_free, order);

BOTH_WAYS(kmem_page, mm_page_alloc, alloc,
	  page_count(OF(mm_page_alloc, order), !!OF(mm_page_alloc, page), 0,
		     !OF(mm_page_alloc, page)))
BOTH_WAYS(kmem_page, mm_page_free, free, page_count(OF(mm_page_free, order), 0, 1, 0))

/* ---- per-CPU memory */

struct percpu_key {
	kernel_code_ref kernel_stack_id; /* 0: what was freed was not seen to be allocated */
};

struct percpu_total_value {
	__u64 allocations;
	__u64 frees;
	__u64 allocated_bytes;
	__u64 freed_bytes;
	__u64 unpaired;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct percpu_key);
	__type(value, struct percpu_total_value);
} percpu_total SEC(".maps");

struct percpu_pair {
	__u64 site, bytes;
};

/* Rare enough for a hash map: its own memory is there from the beginning. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64); /* the pointer */
	__type(value, struct percpu_pair);
} percpu_pairs SEC(".maps");

static __always_inline int percpu_allocated(__u64 site, __u64 pointer, __u64 bytes)
{
	struct percpu_key key = { site };
	struct percpu_pair pair = { site, bytes };
	struct percpu_total_value delta = { .allocations = 1, .allocated_bytes = bytes };
	if (!recording())
		return 0;
	delta.unpaired = bpf_map_update_elem(&percpu_pairs, &pointer, &pair, BPF_ANY) != 0;
	total_add(&percpu_total, &key, delta);
	return 0;
}

static __always_inline int percpu_freed(__u64 pointer)
{
	struct percpu_pair *pair = bpf_map_lookup_elem(&percpu_pairs, &pointer);
	struct percpu_key key = { pair ? pair->site : 0 };
	struct percpu_total_value delta = { .frees = 1, .freed_bytes = pair ? pair->bytes : 0 };
	if (!pointer)
		return 0;
	if (pair)
		bpf_map_delete_elem(&percpu_pairs, &pointer);
	total_add(&percpu_total, &key, delta);
	return 0;
}

ARG(percpu_alloc_percpu, call_site);
ARG(percpu_alloc_percpu, ptr);
ARG(percpu_alloc_percpu, bytes_alloc);
ARG(percpu_free_percpu, ptr);

BOTH_WAYS(kmem_percpu, percpu_alloc_percpu, alloc,
	  percpu_allocated(OF(percpu_alloc_percpu, call_site), OF(percpu_alloc_percpu, ptr),
			   OF(percpu_alloc_percpu, bytes_alloc)))
BOTH_WAYS(kmem_percpu, percpu_free_percpu, free, percpu_freed(OF(percpu_free_percpu, ptr)))
