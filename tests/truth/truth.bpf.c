/*
 * Stacks as the recorder's programs take them, by the same code, and what another unwinder needs to
 * find them: registers and memory, copied in the same event.
 */
#include "bpf/stack.h"
#include "tests/truth/records.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct task_struct___alternate {
	unsigned long sas_ss_sp, sas_ss_size;
};

struct mm_struct___stack {
	unsigned long start_stack;
};

#pragma clang attribute pop

enum { STOP_SIGNAL = 19 };

/* One of so many events is a sample. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} truth_every SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 128 << 20);
} truth_samples SEC(".maps");

static __always_inline bool sample_wanted(void)
{
	__u32 zero = 0, *every = bpf_map_lookup_elem(&truth_every, &zero);
	return every && *every && bpf_get_prandom_u32() % *every == 0;
}

static __always_inline __u64 stack_top(void)
{
	struct mm_struct___stack *mm = (void *)task_space();
	return mm ? (BPF_CORE_READ(mm, start_stack) | (SAMPLE_PAGE - 1)) + 1 : 0;
}

/* How far up to look: only where the first thread's stack ends is known. */
static __always_inline __u64 sample_limit(__u64 sp)
{
	__u64 left = stack_top() - sp;
	return left <= SAMPLE_MAX ? left : left < SAMPLE_SPAN ? SAMPLE_MAX : SAMPLE_LEAST;
}

/* Up to the last page that can be read. One that cannot be is zeroes: a large array may lie there
 * whose memory was never used. */
static __always_inline __u64 sample_memory(struct truth_sample *sample, __u64 sp)
{
	__u64 first = SAMPLE_PAGE - (sp & (SAMPLE_PAGE - 1)), bytes = first;
	__u64 limit = sample_limit(sp);
	if (bpf_probe_read_user(sample->memory, first, (void *)sp))
		return 0;
	for (__u64 i = 0; i < SAMPLE_MAX / SAMPLE_PAGE - 1; i++) {
		__u64 at = first + i * SAMPLE_PAGE;
		HIDE(at);
		if (at >= limit || at > SAMPLE_MAX - SAMPLE_PAGE)
			break;
		if (!bpf_probe_read_user((char *)sample->memory + at, SAMPLE_PAGE,
					 (void *)(sp + at)))
			bytes = at + SAMPLE_PAGE;
	}
	return bytes;
}

/* The places where somebody's probe of returns has put its own address. */
static __always_inline void sample_returns(struct truth_sample *sample)
{
	struct return_instance *call = task_returns();
	sample->returns = 0;
	for (__u32 i = 0; i < SAMPLE_RETURNS && call; i++) {
		sample->return_at[i] = BPF_CORE_READ(call, stack);
		sample->return_to[i] = BPF_CORE_READ(call, orig_ret_vaddr);
		sample->returns = i + 1;
		call = BPF_CORE_READ(call, next);
	}
}

/* The end of the first thread's stack, when a signal's handler runs on one of its own. */
static __always_inline void sample_other(struct truth_sample *sample, __u64 sp)
{
	struct task_struct___alternate *task = (void *)bpf_get_current_task();
	__u64 top = stack_top();
	__u64 low = BPF_CORE_READ(task, sas_ss_sp), size = BPF_CORE_READ(task, sas_ss_size);
	sample->other_bytes = sample->other_top = 0;
	if (!top || sp - low >= size)
		return;
	sample->other_top = top;
	_Pragma("unroll") for (int n = 1; n <= SAMPLE_OTHER_MAX / SAMPLE_PAGE; n++)
	{
		if (bpf_probe_read_user((char *)sample->other + SAMPLE_OTHER_MAX - n * SAMPLE_PAGE,
					SAMPLE_PAGE, (void *)(top - n * SAMPLE_PAGE)))
			break;
		sample->other_bytes = n * SAMPLE_PAGE;
	}
}

static __always_inline void truth_fill(struct truth_event *event, __u64 type, stack_ref key)
{
	event->record = object_number << 32 | type;
	event->ts_ns = bpf_ktime_get_ns();
	event->process_id = bpf_get_current_pid_tgid();
	event->key = key;
}

/* Where there is no room for a sample the process is stopped, until libdwfl has caught up. */
static __always_inline bool truth_sample(stack_ref key)
{
	__u32 type = bpf_core_type_id_local(struct truth_sample);
	struct pt_regs___kernel *regs = registers_user();
	struct truth_sample *sample = NULL;
	tally_seen(type);
	if (regs)
		sample = bpf_ringbuf_reserve(&truth_samples, sizeof(*sample), 0);
	if (!sample) {
		tally_dropped(type);
		bpf_send_signal(STOP_SIGNAL);
		return false;
	}
	truth_fill(&sample->event, type, key);
	registers_copy(sample->reg, (struct pt_regs *)sample->memory, regs);
	sample->bytes = sample_memory(sample, sample->reg[7] & ~7ULL);
	bpf_probe_read_user(sample->below, SAMPLE_BELOW,
			    (void *)((sample->reg[7] & ~7ULL) - SAMPLE_BELOW));
	sample_other(sample, sample->reg[7]);
	sample_returns(sample);
	bpf_ringbuf_submit(sample, BPF_RB_NO_WAKEUP);
	return true;
}

static __always_inline int truth_event(void)
{
	if (!target_current())
		return 0;
	stack_ref key = stack_take();
	if (sample_wanted() && truth_sample(key))
		return 0;
	struct truth_event *event = record_reserve(truth_event);
	if (!event)
		return 0;
	event->process_id = bpf_get_current_pid_tgid();
	event->key = key;
	record_submit(event);
	return 0;
}

SEC("perf_event")
int fault__1__page_faults_min(void *ctx)
{
	(void)ctx;
	return truth_event();
}

SEC("perf_event")
int fault__1__page_faults_maj(void *ctx)
{
	(void)ctx;
	return truth_event();
}

SEC("uprobe")
int malloc__1__malloc(struct pt_regs *ctx)
{
	(void)ctx;
	return truth_event();
}

SEC("tp_btf/sched_process_fork")
int task__1__fork(__u64 *ctx)
{
	struct task_struct *parent = (void *)ctx[0], *child = (void *)ctx[1];
	__u32 parent_tgid = BPF_CORE_READ(parent, tgid), tgid = BPF_CORE_READ(child, tgid);
	__u32 live = TARGET_LIVE;
	if (parent_tgid == tgid || !target_has(parent_tgid))
		return 0;
	if (bpf_map_update_elem(&shared_targets, &tgid, &live, BPF_ANY))
		tally_dropped(TALLY_MAP_FULL);
	struct truth_fork *fork = record_reserve(truth_fork);
	if (!fork)
		return 0;
	fork->parent_tgid = parent_tgid;
	fork->child_tgid = tgid;
	record_submit(fork);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int task__1__exit(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	__u32 tgid = BPF_CORE_READ(task, tgid);
	if (BPF_CORE_READ(task, signal, live.counter) == 0)
		bpf_map_delete_elem(&shared_targets, &tgid);
	return 0;
}
