/*
 * Victims of the OOM killer: who asked for memory, who must go, and what it had.
 *
 * The killer runs in the task whose allocation failed. What that task wanted is known where
 * oom_kill_process can be traced, else it is NULL.
 */
#include "bpf/pressure.h"
#include "bpf/rss.h"

struct oom {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	__u32 tid;
	task_ref victim_process_id;
	__u32 victim_tid;
	__u64 gfp;
	__u32 allocation_order;
	__u64 total_pages;
	__u64 anon_pages;
	__u64 file_pages;
	__u64 shmem_pages;
	__u64 swap_pages;
	__u64 page_table_bytes;
	__u64 virtual_pages;
	__s32 oom_score_adj;
	cgroup_ref cgroup_id;
	cgroup_ref limit_cgroup_id;
	__u64 limit_pages;
	__u64 usage_pages;
	stack_ref stack_id;
};

/* What oom_kill_process was called with, until its first victim: one runs at a time (oom_lock). */
struct oom_asked {
	__u32 tid; /* 0: none */
	__u32 order;
	__u64 gfp;
	__u64 total_pages;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct oom_asked);
} oom_asked SEC(".maps");

/* Cgroups lie in each other no deeper than this, or the outer ones are not looked at. */
enum { CGROUPS_DEPTH = 16 };

/* A charge that failed wanted no more than this. */
enum { CHARGE_PAGES_MAX = 512 };

static __always_inline struct oom_asked *oom_asked_now(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&oom_asked, &zero);
}

static __always_inline bool memcg_is_full(struct mem_cgroup *memcg, struct oom *oom)
{
	__u64 usage = (__u64)BPF_CORE_READ(memcg, memory.usage.counter);
	__u64 max = BPF_CORE_READ(memcg, memory.max);
	if (usage + CHARGE_PAGES_MAX < max)
		return false;
	oom->limit_cgroup_id = memcg_cgroup(memcg);
	oom->limit_pages = max;
	oom->usage_pages = usage;
	return true;
}

/* The innermost memory cgroup of the task that is full, if any is. */
static __always_inline void oom_find_limit(struct oom *oom)
{
	struct mem_cgroup *memcg = memcg_current();
	for (int i = 0; i < CGROUPS_DEPTH && memcg && !memcg_is_full(memcg, oom); i++)
		memcg = (void *)BPF_CORE_READ(memcg, css.parent);
}

static __always_inline void oom_set_victim(struct oom *oom, struct task_struct *victim)
{
	struct task_struct___pressure *task = (void *)victim;
	struct mm_struct___pressure *mm = (void *)BPF_CORE_READ(victim, mm);
	oom->victim_process_id = (__u64)BPF_CORE_READ(victim, tgid) << 32;
	oom->victim_tid = BPF_CORE_READ(victim, pid);
	oom->anon_pages = rss_pages(mm, RSS_ANON);
	oom->file_pages = rss_pages(mm, RSS_FILE);
	oom->shmem_pages = rss_pages(mm, RSS_SHMEM);
	oom->swap_pages = rss_pages(mm, RSS_SWAP);
	oom->page_table_bytes = (__u64)BPF_CORE_READ(mm, pgtables_bytes.counter);
	oom->virtual_pages = BPF_CORE_READ(mm, total_vm);
	oom->oom_score_adj = BPF_CORE_READ(task, signal, oom_score_adj);
	oom->cgroup_id = memcg_cgroup(memcg_of(victim));
}

static __always_inline void oom_set_asked(struct oom *oom)
{
	struct oom_asked *asked = oom_asked_now();
	bool known = asked && asked->tid == oom->tid;
	oom->gfp = known ? asked->gfp : 0;
	oom->allocation_order = known ? asked->order : 0;
	oom->total_pages = known ? asked->total_pages : 0;
	if (known)
		asked->tid = 0;
}

static __always_inline int oom_marked(struct task_struct *victim)
{
	stack_ref stack = stack_of_target();
	struct oom *oom = record_reserve(oom);
	if (!oom)
		return 0;
	oom->process_id = bpf_get_current_pid_tgid();
	oom->tid = (__u32)bpf_get_current_pid_tgid();
	oom->limit_cgroup_id = oom->limit_pages = oom->usage_pages = 0;
	oom->stack_id = stack;
	oom_set_asked(oom);
	oom_set_victim(oom, victim);
	oom_find_limit(oom);
	record_submit(oom);
	return 0;
}

static __always_inline int oom_ask(struct oom_control *control)
{
	struct oom_asked *asked = oom_asked_now();
	if (!asked)
		return 0;
	asked->order = (__u32)BPF_CORE_READ(control, order);
	asked->gfp = BPF_CORE_READ(control, gfp_mask);
	asked->total_pages = BPF_CORE_READ(control, totalpages);
	asked->tid = (__u32)bpf_get_current_pid_tgid();
	return 0;
}

SEC("fentry/oom_kill_process")
int oom__1__asked(__u64 *ctx)
{
	return oom_ask((void *)ctx[0]);
}

SEC("kprobe/oom_kill_process")
int oom__2__asked(struct pt_regs *ctx)
{
	return oom_ask((void *)PT_REGS_PARM1(ctx));
}

ARG(mark_victim, task);

SEC("tp_btf/mark_victim")
int oom__123__victim(__u64 *ctx)
{
	return oom_marked((void *)arg(ctx, arg__mark_victim__task));
}
