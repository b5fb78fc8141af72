/*
 * Reclaim that is not the allocating task's own work: how long kswapd ran, from its first wakeup to
 * its next sleep; and what held reclaimers up.
 */
#include "bpf/pressure.h"

struct kswapd_run {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	__u32 node;
	__u64 duration_ns;
	__u64 rounds;
	__u32 allocation_order;
};

struct throttle {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	__u32 tid;
	__u32 node;
	__u64 duration_ns;
	__u64 limit_ns;
	__u8 reason;
	stack_ref stack_id;
};

struct kswapd_begun {
	__u64 begin_ns;
	__u64 rounds;
	__u64 order; /* the greatest */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); /* node */
	__type(value, struct kswapd_begun);
} kswapds_begun SEC(".maps");

static __always_inline int kswapd_round(__u32 node, __u64 order)
{
	struct kswapd_begun first = { bpf_ktime_get_ns(), 1, order };
	struct kswapd_begun *begun = bpf_map_lookup_elem(&kswapds_begun, &node);
	if (begun) {
		begun->rounds++;
		if (begun->order < order)
			begun->order = order;
	} else if (bpf_map_update_elem(&kswapds_begun, &node, &first, BPF_ANY)) {
		tally_dropped(TALLY_STATE);
	}
	return 0;
}

static __always_inline int kswapd_slept(__u32 node)
{
	struct kswapd_begun *begun = bpf_map_lookup_elem(&kswapds_begun, &node);
	if (!begun) /* it ran already when the recording began */
		return 0;
	struct kswapd_run *run = record_reserve(kswapd_run);
	if (run) {
		run->process_id = bpf_get_current_pid_tgid();
		run->node = node;
		run->duration_ns = run->ts_ns - begun->begin_ns;
		run->rounds = begun->rounds;
		run->allocation_order = (__u32)begun->order;
		record_submit(run);
	}
	bpf_map_delete_elem(&kswapds_begun, &node);
	return 0;
}

static __always_inline __u8 throttle_reason(__u64 reason)
{
	PLACE(reason, vmscan_throttle_state, VMSCAN_THROTTLE_WRITEBACK, 1);
	PLACE(reason, vmscan_throttle_state, VMSCAN_THROTTLE_ISOLATED, 2);
	PLACE(reason, vmscan_throttle_state, VMSCAN_THROTTLE_NOPROGRESS, 3);
	PLACE(reason, vmscan_throttle_state, VMSCAN_THROTTLE_CONGESTED, 4);
	return 0;
}

static __always_inline int throttled(__u32 node, __u32 limit_us, __u32 delayed_us, __u32 reason)
{
	stack_ref stack = stack_of_target();
	struct throttle *throttle = record_reserve(throttle);
	if (!throttle)
		return 0;
	throttle->process_id = bpf_get_current_pid_tgid();
	throttle->tid = (__u32)bpf_get_current_pid_tgid();
	throttle->node = node;
	throttle->duration_ns = delayed_us * 1000ULL;
	throttle->limit_ns = limit_us * 1000ULL;
	throttle->reason = throttle_reason(reason);
	throttle->stack_id = stack;
	record_submit(throttle);
	return 0;
}

ARG(mm_vmscan_kswapd_wake, nid);
ARG(mm_vmscan_kswapd_wake, order);
ARG(mm_vmscan_kswapd_sleep, nid);
ARG(mm_vmscan_throttled, nid);
ARG(mm_vmscan_throttled, usec_timeout);
ARG(mm_vmscan_throttled, usec_delayed);
ARG(mm_vmscan_throttled, reason);

BOTH_WAYS(kswapd_run, mm_vmscan_kswapd_wake, wake,
	  kswapd_round((__u32)arg(ctx, arg__mm_vmscan_kswapd_wake__nid),
		       (__u32)arg(ctx, arg__mm_vmscan_kswapd_wake__order)))
BOTH_WAYS(kswapd_run, mm_vmscan_kswapd_sleep, sleep,
	  kswapd_slept((__u32)arg(ctx, arg__mm_vmscan_kswapd_sleep__nid)))
BOTH_WAYS(throttle, mm_vmscan_throttled, end,
	  throttled((__u32)arg(ctx, arg__mm_vmscan_throttled__nid),
		    (__u32)arg(ctx, arg__mm_vmscan_throttled__usec_timeout),
		    (__u32)arg(ctx, arg__mm_vmscan_throttled__usec_delayed),
		    (__u32)arg(ctx, arg__mm_vmscan_throttled__reason)))
