/*
 * Resident pages of every process of the host, whenever they have changed by a megabyte or by a
 * hundredth. The kernel tells of every page, so what it costs each time is what counts: the member
 * that has changed is compared with what it was in the row before.
 */
#include "bpf/pressure.h"
#include "bpf/rss.h"

struct rss {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	__u64 file_pages;
	__u64 anon_pages;
	__u64 shmem_pages;
	__u64 swap_pages;
};

/* The row before of an address space. */
struct rss_row {
	task_ref process;
	__u64 pages[RSS_MEMBERS];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64); /* mm->context.ctx_id */
	__type(value, struct rss_row);
} rss_rows SEC(".maps");

/*
 * What this CPU has seen last. The kernel adds up pages for itself before they show in the sums, so
 * most of what it tells has not changed anything yet, and this is all that is looked at.
 */
struct rss_seen {
	__u64 mm;
	__u64 pages[RSS_MEMBERS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rss_seen);
} rss_seen SEC(".maps");

enum { RSS_STEP_PAGES = 256, RSS_STEP_SHARE = 7 /* 1/128 */ };
enum { TASK_EXITING = 0x4 }; /* PF_EXITING of include/linux/sched.h */

/* Pages go one by one when a process ends, long after they were of use: its exit is a row of its
 * own.
 */
static __always_inline bool rss_ends(void *mm)
{
	struct task_struct___pressure *task = (void *)bpf_get_current_task();
	return task_space() != mm && BPF_CORE_READ(task, flags) & TASK_EXITING;
}

static __always_inline bool rss_moved(const struct rss_row *row, __u64 pages, __u32 member)
{
	__u64 before = row->pages[member & 3], all = 0;
	__u64 change = pages > before ? pages - before : before - pages;
	if (change < RSS_STEP_PAGES)
		return false;
	for (int i = 0; i < RSS_MEMBERS; i++)
		all += row->pages[i];
	return change >= all >> RSS_STEP_SHARE;
}

static __always_inline void rss_emit(void *mm, struct rss_row *row)
{
	if (!recording()) /* there would be no row before */
		return;
	for (int i = 0; i < RSS_MEMBERS; i++)
		row->pages[i] = rss_pages(mm, i);
	struct rss *rss = record_reserve(rss);
	if (!rss)
		return;
	rss->process_id = row->process;
	rss->file_pages = row->pages[RSS_FILE];
	rss->anon_pages = row->pages[RSS_ANON];
	rss->shmem_pages = row->pages[RSS_SHMEM];
	rss->swap_pages = row->pages[RSS_SWAP];
	record_submit(rss);
}

/*
 * Whose they are, not who changes them: reclaim and khugepaged do that to others. 0 while fork or
 * exec fills an address space that no task runs in yet: its owner bears another's number, or has
 * another one still.
 */
static __always_inline task_ref rss_owner(void *mm)
{
	struct task_struct *owner = (void *)BPF_CORE_READ((struct mm_struct___pressure *)mm, owner);
	if (!owner || BPF_CORE_READ(owner, mm) != mm)
		return 0;
	return (__u64)BPF_CORE_READ(owner, tgid) << 32;
}

static __always_inline bool rss_is_news(__u64 mm, __u64 pages, __u32 member)
{
	__u32 zero = 0;
	struct rss_seen *seen = bpf_map_lookup_elem(&rss_seen, &zero);
	if (!seen || (seen->mm == mm && seen->pages[member & 3] == pages))
		return false;
	if (seen->mm != mm) /* no number of pages */
		seen->pages[0] = seen->pages[1] = seen->pages[2] = seen->pages[3] = ~0ULL;
	seen->mm = mm;
	seen->pages[member & 3] = pages;
	return true;
}

static __always_inline struct rss_row *rss_row(void *mm, __u64 pages)
{
	__u64 space = BPF_CORE_READ((struct mm_struct *)mm, context.ctx_id);
	struct rss_row first = {}, *row = bpf_map_lookup_elem(&rss_rows, &space);
	if (row || pages < RSS_STEP_PAGES)
		return row;
	bpf_map_update_elem(&rss_rows, &space, &first, BPF_NOEXIST);
	row = bpf_map_lookup_elem(&rss_rows, &space);
	if (!row)
		tally_dropped(TALLY_STATE);
	return row;
}

static __always_inline int rss_changed(void *mm, __u64 pages, __u32 member)
{
	if (!rss_is_news((__u64)mm, pages, member))
		return 0;
	struct rss_row *row = rss_row(mm, pages);
	if (!row || !rss_moved(row, pages, member) || rss_ends(mm))
		return 0;
	row->process = rss_owner(mm);
	if (row->process)
		rss_emit(mm, row);
	return 0;
}

ARG(rss_stat, mm);
ARG(rss_stat, member);

#define RSS_LOAD(n)                                                                                \
	case n:                                                                                    \
		pages = mm->rss_stat[n].count;                                                     \
		break

/* Since 6.2, with plain loads: a helper for each would double the price. */
SEC("tp_btf/rss_stat")
int rss__1__change(__u64 *ctx)
{
	struct mm_struct___percpu *mm = (void *)arg(ctx, arg__rss_stat__mm);
	__u32 member = (__u32)arg(ctx, arg__rss_stat__member);
	__s64 pages = 0;
	switch (member) {
		RSS_LOAD(0);
		RSS_LOAD(1);
		RSS_LOAD(2);
		RSS_LOAD(3);
	}
	return rss_changed(mm, pages > 0 ? (__u64)pages : 0, member);
}

SEC("tp_btf/rss_stat")
int rss__2__change(__u64 *ctx)
{
	void *mm = (void *)arg(ctx, arg__rss_stat__mm);
	__u32 member = (__u32)arg(ctx, arg__rss_stat__member);
	return rss_changed(mm, rss_pages(mm, member & 3), member);
}
