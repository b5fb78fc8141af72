/*
 * Page faults of the targets.
 *
 * The software events PAGE_FAULTS_MIN and _MAJ fire once when a fault has been handled, in step
 * with task->min_flt and maj_flt (mm_account_fault, mm/memory.c), but not for faults that the
 * kernel makes itself (MAP_POPULATE, mlock, exec's arguments): those only show in the memcg event
 * PGFAULT, or where they are handled, which fault_total counts. Whether a fault was a read or a
 * write is known at its entry only.
 */
#include "bpf/mappings.h"
#include "bpf/stack.h"

struct fault {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	__u32 tid;
	__u8 kind;
	__u8 access;
	__u8 user;
	__u64 addr;
	__u64 ip_addr;
	stack_ref stack_id;
	__u8 class;
	file_ref file_id;
	__u64 file_page;
	__u8 huge;
	__u64 latency_ns;
};

struct fault_total_key {
	task_ref process_id;
};

struct fault_total_value {
	__u64 handled_faults;
	__u64 software_faults;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct fault_total_key);
	__type(value, struct fault_total_value);
} fault_total SEC(".maps");

/* What the entry of the fault said, until it is handled: a fault may sleep and move to another CPU.
 */
struct fault_entry {
	__u64 begin_ns;
	__u8 access;
	__u8 huge;
};

TASK_STATE(fault_entries, struct fault_entry);

enum fault_kind { FAULT_MINOR = 1, FAULT_MAJOR };
enum fault_access { ACCESS_READ = 1, ACCESS_WRITE, ACCESS_FETCH };
enum { ERROR_WRITE = 1 << 1, ERROR_USER = 1 << 2, ERROR_FETCH = 1 << 4 }; /* x86 X86_PF_* */

static __always_inline __u8 fault_access(__u64 error_code)
{
	return error_code & ERROR_FETCH   ? ACCESS_FETCH
	       : error_code & ERROR_WRITE ? ACCESS_WRITE
					  : ACCESS_READ;
}

static __always_inline void fault_count(__u64 handled, __u64 software)
{
	struct fault_total_key key = { bpf_get_current_pid_tgid() >> 32 << 32 };
	struct fault_total_value delta = { handled, software };
	total_add(&fault_total, &key, delta);
}

/* What is known of a fault besides its stack. */
struct fault_facts {
	__u64 addr, ip, latency_ns;
	__u8 user, kind, access, huge;
};

static __always_inline void fault_emit(const struct fault_facts *facts)
{
	struct memory memory;
	stack_ref stack = stack_take();
	memory_find(facts->addr, &memory);
	struct fault *fault = record_reserve(fault);
	if (!fault)
		return;
	fault->process_id = bpf_get_current_pid_tgid();
	fault->tid = (__u32)bpf_get_current_pid_tgid();
	fault->kind = facts->kind;
	fault->access = facts->access;
	fault->user = facts->user;
	fault->addr = facts->addr;
	fault->ip_addr = facts->ip;
	fault->stack_id = stack;
	fault->class = memory.class;
	fault->file_id = memory.file;
	fault->file_page = memory.page;
	fault->huge = facts->huge;
	fault->latency_ns = facts->latency_ns;
	record_submit(fault);
}

static __always_inline int fault_entry(__u64 error_code)
{
	if (!target_current())
		return 0;
	struct fault_entry none = {}, *entry = task_state(&fault_entries, &none,
							  BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!entry) {
		tally_dropped(TALLY_DETAIL);
		return 0;
	}
	entry->access = fault_access(error_code);
	entry->huge = 0;
	entry->begin_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/page_fault_user")
int fault__1__entry_user(__u64 *ctx)
{
	return fault_entry(ctx[2]);
}

SEC("tp_btf/page_fault_kernel")
int fault__1__entry_kernel(__u64 *ctx)
{
	return fault_entry(ctx[2]);
}

/*
 * To four bits behind the first, to the nearest: the sum of many stays what it is, and the column
 * costs half a byte of a row instead of 1.3.
 */
static __always_inline __u64 latency_round(__u64 ns)
{
	__u64 above = ns >> 5, step = 1;
	for (int i = 0; i < 40 && above; i++) {
		above >>= 1;
		step <<= 1;
	}
	return (ns + step / 2) & -step;
}

static __always_inline void facts_add_entry(struct fault_facts *facts)
{
	struct fault_entry *entry = task_state(&fault_entries, NULL, 0);
	if (!entry)
		return;
	facts->access = entry->access;
	facts->huge = entry->huge;
	if (entry->begin_ns)
		facts->latency_ns = latency_round(bpf_ktime_get_ns() - entry->begin_ns);
	entry->begin_ns = 0;
}

static __always_inline int fault_handled(struct bpf_perf_event_data *ctx, __u8 kind, bool entered)
{
	struct fault_facts facts = {
		.addr = ctx->addr,
		.ip = PT_REGS_IP(&ctx->regs),
		.user = (ctx->regs.cs & 3) == 3,
		.kind = kind,
	};
	tally_seen(TALLY_INVOKED);
	if (!target_current())
		return 0;
	if (entered)
		facts_add_entry(&facts);
	fault_count(0, 1);
	fault_emit(&facts);
	return 0;
}

SEC("perf_event")
int fault__1__page_faults_min(struct bpf_perf_event_data *ctx)
{
	return fault_handled(ctx, FAULT_MINOR, true);
}

SEC("perf_event")
int fault__1__page_faults_maj(struct bpf_perf_event_data *ctx)
{
	return fault_handled(ctx, FAULT_MAJOR, true);
}

SEC("perf_event")
int fault__2__page_faults_min(struct bpf_perf_event_data *ctx)
{
	return fault_handled(ctx, FAULT_MINOR, false);
}

SEC("perf_event")
int fault__2__page_faults_maj(struct bpf_perf_event_data *ctx)
{
	return fault_handled(ctx, FAULT_MAJOR, false);
}

/* The third way: at the entry only, minor and major not told apart, failed faults included. */
static __always_inline int fault_entered(__u64 *ctx)
{
	struct pt_regs___kernel *regs = (void *)ctx[1];
	if (!target_current())
		return 0;
	struct fault_facts facts = {
		.addr = ctx[0],
		.ip = BPF_CORE_READ(regs, ip),
		.user = !!(ctx[2] & ERROR_USER),
		.access = fault_access(ctx[2]),
	};
	fault_count(0, 1);
	fault_emit(&facts);
	return 0;
}

SEC("tp_btf/page_fault_user")
int fault__3__user(__u64 *ctx)
{
	return fault_entered(ctx);
}

SEC("tp_btf/page_fault_kernel")
int fault__3__kernel(__u64 *ctx)
{
	return fault_entered(ctx);
}

ARG(count_memcg_events, item);
ARG(count_memcg_events, val);

/* A huge page was made for the fault that is being handled. */
static __always_inline void fault_is_huge(void)
{
	struct fault_entry *entry = target_current() ? task_state(&fault_entries, NULL, 0) : NULL;
	if (entry)
		entry->huge = 1;
}

SEC("tp_btf/count_memcg_events")
int fault_total__1__memcg(__u64 *ctx)
{
	__u64 item = (__u32)arg(ctx, arg__count_memcg_events__item);
	if (bpf_core_enum_value_exists(enum vm_event_item, THP_FAULT_ALLOC) &&
	    item == bpf_core_enum_value(enum vm_event_item, THP_FAULT_ALLOC))
		fault_is_huge();
	if (item != bpf_core_enum_value(enum vm_event_item, PGFAULT) || !target_current())
		return 0;
	fault_count(arg(ctx, arg__count_memcg_events__val), 0);
	return 0;
}

/* The second way, for kernels without that tracepoint (before 6.13). */
SEC("fexit/handle_mm_fault")
int fault_total__2__handled(__u64 *ctx)
{
	__u64 reasons = 0, uncounted = REASON(OOM) | REASON(SIGBUS) | REASON(SIGSEGV) |
				       REASON(HWPOISON) | REASON(HWPOISON_LARGE) |
				       REASON(FALLBACK) | REASON(RETRY);
	if (!target_current() || function_result(ctx, 4, &reasons) || reasons & uncounted)
		return 0;
	fault_count(1, 0);
	return 0;
}
