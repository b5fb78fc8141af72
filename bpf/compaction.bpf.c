/*
 * Compaction of a zone, one row at the end of it: for an allocation that needs pages in a row, by
 * kcompactd ahead of that, or because somebody asked for it.
 */
#include "bpf/pressure.h"

struct compaction {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	__u32 tid;
	__u32 node;
	__u8 zone;
	__s32 allocation_order;
	__u8 mode;
	__u8 direct;
	__u64 duration_ns;
	__u8 status;
	__u64 scanned_pages;
	__u64 free_scanned_pages;
	__u64 free_pages;
	__u64 min_pages;
	__u64 low_pages;
	__u64 high_pages;
	stack_ref stack_id;
};

struct compaction_begun {
	__u64 begin_ns;
	__u64 free_pages;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32); /* tid */
	__type(value, struct compaction_begun);
} compactions_begun SEC(".maps");

static __always_inline __u8 zone_place(__u64 zone)
{
	PLACE(zone, zone_type, ZONE_DMA, 1);
	PLACE(zone, zone_type, ZONE_DMA32, 2);
	PLACE(zone, zone_type, ZONE_NORMAL, 3);
	PLACE(zone, zone_type, ZONE_HIGHMEM, 4);
	PLACE(zone, zone_type, ZONE_MOVABLE, 5);
	PLACE(zone, zone_type, ZONE_DEVICE, 6);
	return 0;
}

static __always_inline __u8 status_place(__u64 status)
{
	PLACE(status, compact_result, COMPACT_NOT_SUITABLE_ZONE, 1);
	PLACE(status, compact_result, COMPACT_SKIPPED, 2);
	PLACE(status, compact_result, COMPACT_DEFERRED, 3);
	PLACE(status, compact_result, COMPACT_NO_SUITABLE_PAGE, 4);
	PLACE(status, compact_result, COMPACT_CONTINUE, 5);
	PLACE(status, compact_result, COMPACT_COMPLETE, 6);
	PLACE(status, compact_result, COMPACT_PARTIAL_SKIPPED, 7);
	PLACE(status, compact_result, COMPACT_CONTENDED, 8);
	PLACE(status, compact_result, COMPACT_SUCCESS, 9);
	return 0;
}

static __always_inline __u64 zone_free_pages(struct zone *zone)
{
	__u64 index = bpf_core_enum_value(enum zone_stat_item, NR_FREE_PAGES);
	long pages = 0;
	bpf_probe_read_kernel(&pages, sizeof(pages),
			      (void *)zone + bpf_core_field_offset(struct zone, vm_stat) +
				      index * sizeof(pages));
	return pages > 0 ? (__u64)pages : 0;
}

static __always_inline int compaction_begin(struct compact_control *control)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct compaction_begun begun = { bpf_ktime_get_ns(),
					  zone_free_pages(BPF_CORE_READ(control, zone)) };
	if (bpf_map_update_elem(&compactions_begun, &tid, &begun, BPF_ANY))
		tally_dropped(TALLY_STATE);
	return 0;
}

static __always_inline void compaction_set_zone(struct compaction *row, struct zone *zone)
{
	struct pglist_data *node = BPF_CORE_READ(zone, zone_pgdat);
	__u64 bytes = (__u64)((void *)zone - (void *)node) -
		      bpf_core_field_offset(struct pglist_data, node_zones);
	row->node = (__u32)BPF_CORE_READ(node, node_id);
	row->zone = zone_place(bytes / bpf_core_type_size(struct zone));
	row->min_pages = BPF_CORE_READ(zone, _watermark[0]);
	row->low_pages = BPF_CORE_READ(zone, _watermark[1]);
	row->high_pages = BPF_CORE_READ(zone, _watermark[2]);
}

static __always_inline int compaction_end(struct compact_control *control, __u64 status)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct compaction_begun *begun = bpf_map_lookup_elem(&compactions_begun, &tid);
	if (!begun)
		return 0;
	stack_ref stack = stack_of_target();
	struct compaction *row = record_reserve(compaction);
	if (row) {
		row->process_id = bpf_get_current_pid_tgid();
		row->tid = tid;
		row->allocation_order = BPF_CORE_READ(control, order);
		row->mode = BPF_CORE_READ(control, mode);
		row->direct = BPF_CORE_READ(control, direct_compaction);
		row->duration_ns = row->ts_ns - begun->begin_ns;
		row->status = status_place((__u32)status);
		row->scanned_pages = BPF_CORE_READ(control, total_migrate_scanned);
		row->free_scanned_pages = BPF_CORE_READ(control, total_free_scanned);
		row->free_pages = begun->free_pages;
		row->stack_id = stack;
		compaction_set_zone(row, BPF_CORE_READ(control, zone));
		record_submit(row);
	}
	bpf_map_delete_elem(&compactions_begun, &tid);
	return 0;
}

ARG(mm_compaction_begin, cc);
ARG(mm_compaction_end, cc);
ARG(mm_compaction_end, status);

BOTH_WAYS(compaction, mm_compaction_begin, begin,
	  compaction_begin((void *)arg(ctx, arg__mm_compaction_begin__cc)))
BOTH_WAYS(compaction, mm_compaction_end, end,
	  compaction_end((void *)arg(ctx, arg__mm_compaction_end__cc),
			 arg(ctx, arg__mm_compaction_end__status)))
