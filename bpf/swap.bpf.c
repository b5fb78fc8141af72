/*
 * Pages that went to swap and came back, by the task that did it: a fault that reads its page, and
 * a task, or kswapd, that needs room and writes those of others. Totals by user stack: what swaps
 * does so in thousands.
 */
#include "bpf/pressure.h"

struct swap_total_key {
	task_ref process_id;
	stack_ref stack_id;
};

struct swap_total_value {
	__u64 in_pages;
	__u64 out_pages;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct swap_total_key);
	__type(value, struct swap_total_value);
} swap_total SEC(".maps");

static __always_inline int swapped(__u64 in, __u64 out)
{
	struct swap_total_key key = { process_current().process_id, stack_of_target() };
	struct swap_total_value delta = { in, out };
	total_add(&swap_total, &key, delta);
	return 0;
}

ARG(count_memcg_events, item);
ARG(count_memcg_events, val);

SEC("tp_btf/count_memcg_events")
int swap_total__1__memcg(__u64 *ctx)
{
	__u64 item = (__u32)arg(ctx, arg__count_memcg_events__item);
	if (item == bpf_core_enum_value(enum vm_event_item, PSWPIN))
		return swapped(arg(ctx, arg__count_memcg_events__val), 0);
	if (item == bpf_core_enum_value(enum vm_event_item, PSWPOUT))
		return swapped(0, arg(ctx, arg__count_memcg_events__val));
	return 0;
}

/* Further ways, for kernels without that tracepoint (before 6.13): what is read where that begins,
 * what is written as reclaim tells it of folios, of which those of files are none of ours. */
static __always_inline __u64 folio_pages(struct folio___sized *folio)
{
	if (!(BPF_CORE_READ(folio, flags) & 1ULL << bpf_core_enum_value(enum pageflags, PG_head)))
		return 1;
	return bpf_core_field_exists(folio->_folio_nr_pages) ? BPF_CORE_READ(folio, _folio_nr_pages)
							     : 1;
}

SEC("fentry/swap_read_folio")
int swap_total__2__read(__u64 *ctx)
{
	return swapped(folio_pages((void *)ctx[0]), 0);
}

/* Its name before 6.8. */
SEC("fentry/swap_readpage")
int swap_total__3__read(__u64 *ctx)
{
	(void)ctx;
	return swapped(1, 0);
}

ARG(mm_vmscan_write_folio, folio);

SEC("tp_btf/mm_vmscan_write_folio")
int swap_total__23__write(__u64 *ctx)
{
	struct folio___sized *folio = (void *)arg(ctx, arg__mm_vmscan_write_folio__folio);
	__u64 swapbacked = 1ULL << bpf_core_enum_value(enum pageflags, PG_swapbacked);
	return BPF_CORE_READ(folio, flags) & swapbacked ? swapped(0, folio_pages(folio)) : 0;
}
