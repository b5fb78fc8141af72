/*
 * Transparent huge pages of the whole host: faults that got one, and small pages that were
 * collapsed into one, which the kernel's own thread does to other processes.
 */
#include "bpf/pressure.h"

struct huge_collapse {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	task_ref by_process_id;
	__u32 by_tid;
	__u32 status;
	__u8 succeeded;
};

struct huge_total_key {
	task_ref process_id;
	stack_ref stack_id;
};

struct huge_total_value {
	__u64 faults;
	__u64 collapse_allocations;
	__u64 swapped_out;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct huge_total_key);
	__type(value, struct huge_total_value);
} huge_total SEC(".maps");

static __always_inline int huge_count(__u64 faults, __u64 collapses, __u64 swapped_out)
{
	struct huge_total_key key = { process_current().process_id, stack_of_target() };
	struct huge_total_value delta = { faults, collapses, swapped_out };
	total_add(&huge_total, &key, delta);
	return 0;
}

ARG(count_memcg_events, item);
ARG(count_memcg_events, val);

#define IS_ITEM(item, name)                                                                        \
	(bpf_core_enum_value_exists(enum vm_event_item, name) &&                                   \
	 (item) == bpf_core_enum_value(enum vm_event_item, name))

SEC("tp_btf/count_memcg_events")
int huge_total__1__memcg(__u64 *ctx)
{
	__u64 item = (__u32)arg(ctx, arg__count_memcg_events__item);
	if (IS_ITEM(item, THP_FAULT_ALLOC))
		return huge_count(arg(ctx, arg__count_memcg_events__val), 0, 0);
	if (IS_ITEM(item, THP_COLLAPSE_ALLOC))
		return huge_count(0, arg(ctx, arg__count_memcg_events__val), 0);
	if (IS_ITEM(item, THP_SWPOUT))
		return huge_count(0, 0, arg(ctx, arg__count_memcg_events__val));
	return 0;
}

/* For kernels without that tracepoint (before 6.13): writes only, a read gets the page of zeroes.
 */
SEC("fexit/do_huge_pmd_anonymous_page")
int huge_total__2__fault(__u64 *ctx)
{
	struct vm_fault *fault = (void *)ctx[0];
	__u64 reasons = 0, failed = REASON(OOM) | REASON(FALLBACK) | REASON(RETRY);
	if (function_result(ctx, 1, &reasons) || reasons & failed ||
	    !(BPF_CORE_READ(fault, flags) & FAULT_FLAG_WRITE))
		return 0;
	return huge_count(1, 0, 0);
}

ARG(mm_collapse_huge_page, mm);
ARG(mm_collapse_huge_page, status);

static __always_inline int collapsed(struct mm_struct___pressure *mm, __u64 status)
{
	__u32 succeeded = 1;
	struct huge_collapse *row = record_reserve(huge_collapse);
	if (!row)
		return 0;
	if (bpf_core_enum_value_exists(enum scan_result, SCAN_SUCCEED))
		succeeded = bpf_core_enum_value(enum scan_result, SCAN_SUCCEED);
	row->process_id = (__u64)BPF_CORE_READ(mm, owner, tgid) << 32;
	row->by_process_id = bpf_get_current_pid_tgid();
	row->by_tid = (__u32)bpf_get_current_pid_tgid();
	row->status = (__u32)status;
	row->succeeded = (__u32)status == succeeded;
	record_submit(row);
	return 0;
}

BOTH_WAYS(huge_collapse, mm_collapse_huge_page, end,
	  collapsed((void *)arg(ctx, arg__mm_collapse_huge_page__mm),
		    arg(ctx, arg__mm_collapse_huge_page__status)))
