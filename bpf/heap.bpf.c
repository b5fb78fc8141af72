/*
 * The C library's allocator, called by the targets: a row when an allocation returns, and one when
 * free is called. So the rows of one address are in the order in which it changed hands.
 *
 * The library calls itself (realloc(NULL) jumps to malloc, realloc(p, 0) to free): only the
 * outermost call is a row. A call lies inside another one if its stack pointer is not above the
 * other's.
 */
#include "bpf/stack.h"

enum heap_op { HEAP_MALLOC = 1, HEAP_CALLOC, HEAP_REALLOC, HEAP_FREE, HEAP_MEMALIGN, HEAP_ALIGNED };

struct heap {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	__u32 tid;
	__u8 op;
	__u64 addr;
	__u64 size_bytes;
	__u64 old_addr;
	__u64 realloc_ns;
	stack_ref stack_id;
};

/* The outermost call that a task is in. */
struct heap_call {
	__u64 op; /* 0: none */
	__u64 sp; /* at its entry, pointing to the return address */
	__u64 begin_ns;
	__u64 size_bytes;
	__u64 pointer; /* realloc: the old block; posix_memalign: where the result goes */
	stack_ref stack;
};

TASK_STATE(heap_calls, struct heap_call);

static __always_inline struct heap_call *heap_call(__u64 flags)
{
	struct heap_call none = {};
	return task_state(&heap_calls, &none, flags);
}

/*
 * Of a target's task; NULL if it is none. A task that has it is of a target, which saves a look at
 * the targets.
 */
static __always_inline struct heap_call *heap_call_of_target(void)
{
	struct heap_call *call = heap_call(0);
	if (call || !target_current())
		return call;
	call = heap_call(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call)
		tally_dropped(TALLY_STATE);
	return call;
}

static __always_inline bool heap_call_holds(const struct heap_call *call, __u64 sp)
{
	return call->op && sp <= call->sp;
}

/* Whether the call's return is wanted. */
static __always_inline bool heap_enter(struct pt_regs *ctx, __u64 op, __u64 size, __u64 pointer)
{
	struct heap_call *call = heap_call_of_target();
	if (!call || heap_call_holds(call, PT_REGS_SP(ctx)))
		return false;
	if (call->op) /* its return was missed */
		tally_dropped(TALLY_STATE);
	call->op = op;
	call->sp = PT_REGS_SP(ctx);
	call->size_bytes = size;
	call->pointer = pointer;
	call->stack = stack_take_entry(ctx);
	call->begin_ns = op == HEAP_REALLOC ? bpf_ktime_get_ns() : 0;
	return true;
}

static __always_inline void heap_emit(__u64 op, const struct heap_call *call, __u64 addr)
{
	struct heap *heap = record_reserve(heap);
	if (!heap)
		return;
	heap->process_id = bpf_get_current_pid_tgid();
	heap->tid = (__u32)heap->process_id;
	heap->op = op;
	heap->addr = addr;
	heap->size_bytes = call->size_bytes;
	heap->old_addr = op == HEAP_REALLOC ? call->pointer : 0;
	heap->realloc_ns = op == HEAP_REALLOC ? heap->ts_ns - call->begin_ns : 0;
	heap->stack_id = call->stack;
	record_submit(heap);
}

/* At the return the stack pointer is above where the return address was. */
static __always_inline void heap_leave(struct pt_regs *ctx, __u64 op)
{
	struct heap_call *call = heap_call(0);
	__u64 sp = PT_REGS_SP(ctx) - sizeof(__u64), addr = PT_REGS_RC(ctx);
	if (!call || !call->op || sp < call->sp || (sp == call->sp && op != call->op))
		return;
	if (sp == call->sp) {
		if (op == HEAP_MEMALIGN &&
		    (addr || bpf_probe_read_user(&addr, sizeof(addr), (void *)call->pointer)))
			addr = 0;
		heap_emit(op, call, addr);
	} else {
		tally_dropped(TALLY_STATE);
	}
	call->op = 0;
}

static __always_inline void heap_free(struct pt_regs *ctx)
{
	const struct heap_call *outer = PT_REGS_PARM1(ctx) ? heap_call_of_target() : NULL;
	if (!outer || heap_call_holds(outer, PT_REGS_SP(ctx)))
		return;
	struct heap_call call = { .stack = stack_take_caller(ctx) };
	heap_emit(HEAP_FREE, &call, PT_REGS_PARM1(ctx));
}

/*
 * The first way is one session for entry and return: two traps share a consumer, and a call whose
 * return is not wanted costs one trap. The second is a probe for each.
 */
#define HEAP_FUNCTION(name, op, size, pointer)                                                     \
	SEC("uprobe.session")                                                                      \
	int heap__1__##name(struct pt_regs *ctx)                                                   \
	{                                                                                          \
		if (!bpf_session_is_return())                                                      \
			return !heap_enter(ctx, op, size, pointer);                                \
		heap_leave(ctx, op);                                                               \
		return 0;                                                                          \
	}                                                                                          \
	SEC("uprobe")                                                                              \
	int heap__2__##name(struct pt_regs *ctx)                                                   \
	{                                                                                          \
		heap_enter(ctx, op, size, pointer);                                                \
		return 0;                                                                          \
	}                                                                                          \
	SEC("uretprobe")                                                                           \
	int heap__2__##name##__return(struct pt_regs *ctx)                                         \
	{                                                                                          \
		heap_leave(ctx, op);                                                               \
		return 0;                                                                          \
	}

HEAP_FUNCTION(malloc, HEAP_MALLOC, PT_REGS_PARM1(ctx), 0)
HEAP_FUNCTION(calloc, HEAP_CALLOC, PT_REGS_PARM1(ctx) * PT_REGS_PARM2(ctx), 0)
HEAP_FUNCTION(realloc, HEAP_REALLOC, PT_REGS_PARM2(ctx), PT_REGS_PARM1(ctx))
HEAP_FUNCTION(posix_memalign, HEAP_MEMALIGN, PT_REGS_PARM3(ctx), PT_REGS_PARM1(ctx))
HEAP_FUNCTION(aligned_alloc, HEAP_ALIGNED, PT_REGS_PARM2(ctx),
	      0) /* memalign is the same in glibc */

SEC("uprobe.session")
int heap__1__free(struct pt_regs *ctx)
{
	heap_free(ctx);
	return 1; /* no return */
}

SEC("uprobe")
int heap__2__free(struct pt_regs *ctx)
{
	heap_free(ctx);
	return 0;
}
