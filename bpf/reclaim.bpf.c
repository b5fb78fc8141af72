/*
 * Reclaim on the whole host: tasks that had to reclaim pages themselves, one row at the end of it;
 * what shrinkers, kswapd's wakers and the writers of dirty folios did, as totals.
 */
#include "bpf/pressure.h"

struct reclaim {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	__u32 tid;
	__u8 kind;
	__u64 duration_ns;
	__u32 allocation_order;
	__u64 gfp;
	__u64 reclaimed_pages;
	__u64 free_pages;
	cgroup_ref cgroup_id;
	stack_ref stack_id;
};

enum reclaim_kind { RECLAIM_DIRECT = 1, RECLAIM_MEMCG };

/* What a task is in the middle of. */
struct reclaim_begun {
	__u64 begin_ns; /* 0: nothing */
	__u64 order;
	__u64 gfp;
	__u64 free_pages;
	__u64 shrink_begin_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32); /* tid */
	__type(value, struct reclaim_begun);
} reclaims_begun SEC(".maps");

struct shrink_total_value {
	__u64 calls;
	__u64 duration_ns;
	__u64 freed_objects;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct process_key);
	__type(value, struct shrink_total_value);
} shrink_total SEC(".maps");

struct node_key {
	__u64 node;
};

struct kswapd_total_value {
	__u64 wakeups;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct node_key);
	__type(value, struct kswapd_total_value);
} kswapd_total SEC(".maps");

struct writepage_total_value {
	__u64 folios;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct process_key);
	__type(value, struct writepage_total_value);
} writepage_total SEC(".maps");

static __always_inline struct reclaim_begun *reclaim_begun(void)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct reclaim_begun none = {}, *begun = bpf_map_lookup_elem(&reclaims_begun, &tid);
	if (begun)
		return begun;
	bpf_map_update_elem(&reclaims_begun, &tid, &none, BPF_NOEXIST);
	begun = bpf_map_lookup_elem(&reclaims_begun, &tid);
	if (!begun)
		tally_dropped(TALLY_STATE);
	return begun;
}

static __always_inline void reclaim_forget(const struct reclaim_begun *begun)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	if (!begun->begin_ns && !begun->shrink_begin_ns)
		bpf_map_delete_elem(&reclaims_begun, &tid);
}

static __always_inline int reclaim_begin(__u64 order, __u64 gfp)
{
	struct reclaim_begun *begun = reclaim_begun();
	if (!begun)
		return 0;
	begun->begin_ns = bpf_ktime_get_ns();
	begun->order = (__u32)order;
	begun->gfp = (__u32)gfp;
	begun->free_pages = zones_free_pages();
	return 0;
}

static __always_inline int reclaim_end(__u8 kind, __u64 reclaimed)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct reclaim_begun *begun = bpf_map_lookup_elem(&reclaims_begun, &tid);
	if (!begun || !begun->begin_ns)
		return 0;
	stack_ref stack = stack_of_target();
	struct reclaim *reclaim = record_reserve(reclaim);
	if (reclaim) {
		reclaim->process_id = bpf_get_current_pid_tgid();
		reclaim->tid = tid;
		reclaim->kind = kind;
		reclaim->duration_ns = reclaim->ts_ns - begun->begin_ns;
		reclaim->allocation_order = begun->order;
		reclaim->gfp = begun->gfp;
		reclaim->reclaimed_pages = reclaimed;
		reclaim->free_pages = begun->free_pages;
		reclaim->cgroup_id = memcg_cgroup(memcg_current());
		reclaim->stack_id = stack;
		record_submit(reclaim);
	}
	begun->begin_ns = 0;
	reclaim_forget(begun);
	return 0;
}

ARG(mm_vmscan_direct_reclaim_begin, order);
ARG(mm_vmscan_direct_reclaim_begin, gfp_flags);
ARG(mm_vmscan_memcg_reclaim_begin, order);
ARG(mm_vmscan_memcg_reclaim_begin, gfp_flags);
ARG(mm_vmscan_direct_reclaim_end, nr_reclaimed);
ARG(mm_vmscan_memcg_reclaim_end, nr_reclaimed);
ARG(mm_shrink_slab_end, shrinker_retval);
ARG(mm_vmscan_wakeup_kswapd, nid);

#define BEGIN(event)                                                                               \
	reclaim_begin(arg(ctx, arg__##event##__order), arg(ctx, arg__##event##__gfp_flags))
#define END(event, kind) reclaim_end(kind, arg(ctx, arg__##event##__nr_reclaimed))

BOTH_WAYS(reclaim, mm_vmscan_direct_reclaim_begin, direct_begin,
	  BEGIN(mm_vmscan_direct_reclaim_begin))
BOTH_WAYS(reclaim, mm_vmscan_memcg_reclaim_begin, memcg_begin, BEGIN(mm_vmscan_memcg_reclaim_begin))
BOTH_WAYS(reclaim, mm_vmscan_direct_reclaim_end, direct_end,
	  END(mm_vmscan_direct_reclaim_end, RECLAIM_DIRECT))
BOTH_WAYS(reclaim, mm_vmscan_memcg_reclaim_end, memcg_end,
	  END(mm_vmscan_memcg_reclaim_end, RECLAIM_MEMCG))

static __always_inline int shrink_begin(void)
{
	struct reclaim_begun *begun = reclaim_begun();
	if (begun)
		begun->shrink_begin_ns = bpf_ktime_get_ns();
	return 0;
}

static __always_inline int shrink_end(__u64 freed)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct reclaim_begun *begun = bpf_map_lookup_elem(&reclaims_begun, &tid);
	if (!begun || !begun->shrink_begin_ns)
		return 0;
	struct process_key key = process_current();
	struct shrink_total_value delta = { 1, bpf_ktime_get_ns() - begun->shrink_begin_ns,
					    (int)freed > 0 ? (int)freed : 0 };
	total_add(&shrink_total, &key, delta);
	begun->shrink_begin_ns = 0;
	reclaim_forget(begun);
	return 0;
}

BOTH_WAYS(shrink_total, mm_shrink_slab_start, start, shrink_begin())
BOTH_WAYS(shrink_total, mm_shrink_slab_end, end,
	  shrink_end(arg(ctx, arg__mm_shrink_slab_end__shrinker_retval)))

static __always_inline int kswapd_woken(__u64 node)
{
	struct node_key key = { (__u32)node };
	struct kswapd_total_value delta = { 1 };
	total_add(&kswapd_total, &key, delta);
	return 0;
}

BOTH_WAYS(kswapd_total, mm_vmscan_wakeup_kswapd, wakeup,
	  kswapd_woken(arg(ctx, arg__mm_vmscan_wakeup_kswapd__nid)))

static __always_inline int folio_written(void)
{
	struct process_key key = process_current();
	struct writepage_total_value delta = { 1 };
	total_add(&writepage_total, &key, delta);
	return 0;
}

SEC("tp_btf/mm_vmscan_write_folio")
int writepage_total__1__folio(__u64 *ctx)
{
	(void)ctx;
	return folio_written();
}

/* Its name before 5.18. */
SEC("tp_btf/mm_vmscan_writepage")
int writepage_total__2__page(__u64 *ctx)
{
	(void)ctx;
	return folio_written();
}
