/*
 * Each allocation and free of the kernel, for programs that do the same with all of them: they have
 * a function kmem_event(ctx, op, addr, bytes, gfp) and name their source with KMEM_EVENTS().
 */
#ifndef BPF_KMEM_EVENT_H
#define BPF_KMEM_EVENT_H

#include "bpf/record.h"

enum kmem_op {
	KMEM_KMALLOC = 1,
	KMEM_KFREE,
	KMEM_CACHE_ALLOC,
	KMEM_CACHE_FREE,
	KMEM_PAGE_ALLOC,
	KMEM_PAGE_FREE,
	KMEM_PERCPU_ALLOC,
	KMEM_PERCPU_FREE,
};

enum { ZERO_SIZE_PTR = 16 }; /* what kmalloc(0) returns; freed like any other */

static __always_inline bool kmem_frees(enum kmem_op op)
{
	return !(op & 1);
}

static __always_inline __u64 cache_size(__u64 cache)
{
	return BPF_CORE_READ((struct kmem_cache *)cache, size);
}

ARG(kmalloc, ptr);
ARG(kmalloc, bytes_alloc);
ARG(kmalloc, gfp_flags);
ARG(kfree, ptr);
ARG(kmem_cache_alloc, ptr);
ARG(kmem_cache_alloc, s);
ARG(kmem_cache_alloc, gfp_flags);
ARG(kmem_cache_free, ptr);
ARG(mm_page_alloc, page);
ARG(mm_page_alloc, order);
ARG(mm_page_alloc, gfp_flags);
ARG(mm_page_free, page);
ARG(mm_page_free, order);
ARG(percpu_alloc_percpu, ptr);
ARG(percpu_alloc_percpu, bytes_alloc);
ARG(percpu_alloc_percpu, gfp_flags);
ARG(percpu_free_percpu, ptr);

#define OF(event, name) arg(ctx, arg__##event##__##name)

/* Page sizes of all that this records are 4096 bytes (x86-64). */
#define ORDER_BYTES(order) (4096ULL << ((order)&31))

#define KMEM_EVENTS(source)                                                                        \
	BOTH_WAYS(source, kmalloc, kmalloc,                                                        \
		  kmem_event(ctx, KMEM_KMALLOC, OF(kmalloc, ptr), OF(kmalloc, bytes_alloc),        \
			     OF(kmalloc, gfp_flags)))                                              \
	BOTH_WAYS(source, kfree, kfree, kmem_event(ctx, KMEM_KFREE, OF(kfree, ptr), 0, 0))         \
	BOTH_WAYS(source, kmem_cache_alloc, cache_alloc,                                           \
		  kmem_event(ctx, KMEM_CACHE_ALLOC, OF(kmem_cache_alloc, ptr),                     \
			     cache_size(OF(kmem_cache_alloc, s)),                                  \
			     OF(kmem_cache_alloc, gfp_flags)))                                     \
	BOTH_WAYS(source, kmem_cache_free, cache_free,                                             \
		  kmem_event(ctx, KMEM_CACHE_FREE, OF(kmem_cache_free, ptr), 0, 0))                \
	BOTH_WAYS(source, mm_page_alloc, page_alloc,                                               \
		  kmem_event(ctx, KMEM_PAGE_ALLOC, OF(mm_page_alloc, page),                        \
			     ORDER_BYTES(OF(mm_page_alloc, order)), OF(mm_page_alloc, gfp_flags))) \
	BOTH_WAYS(source, mm_page_free, page_free,                                                 \
		  kmem_event(ctx, KMEM_PAGE_FREE, OF(mm_page_free, page),                          \
			     ORDER_BYTES(OF(mm_page_free, order)), 0))                             \
	BOTH_WAYS(source, percpu_alloc_percpu, percpu_alloc,                                       \
		  kmem_event(ctx, KMEM_PERCPU_ALLOC, OF(percpu_alloc_percpu, ptr),                 \
			     OF(percpu_alloc_percpu, bytes_alloc),                                 \
			     OF(percpu_alloc_percpu, gfp_flags)))                                  \
	BOTH_WAYS(source, percpu_free_percpu, percpu_free,                                         \
		  kmem_event(ctx, KMEM_PERCPU_FREE, OF(percpu_free_percpu, ptr), 0, 0))

#endif
