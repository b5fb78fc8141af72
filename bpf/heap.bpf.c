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

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct heap_call);
} heap_calls SEC(".maps");

static __always_inline struct heap_call *heap_call(__u64 flags)
{
	return bpf_task_storage_get(&heap_calls, bpf_get_current_task_btf(), 0, flags);
}

static __always_inline bool heap_call_holds(const struct heap_call *call, __u64 sp)
{
	return call && call->op && sp <= call->sp;
}

static __always_inline int heap_enter(struct pt_regs *ctx, __u64 op, __u64 size, __u64 pointer)
{
	if (!target_current())
		return 0;
	struct heap_call *call = heap_call(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call) {
		tally_dropped(TALLY_STATE);
		return 0;
	}
	if (heap_call_holds(call, PT_REGS_SP(ctx)))
		return 0;
	if (call->op) /* its return was missed */
		tally_dropped(TALLY_STATE);
	call->op = op;
	call->sp = PT_REGS_SP(ctx);
	call->size_bytes = size;
	call->pointer = pointer;
	call->stack = stack_take_entry(ctx);
	call->begin_ns = op == HEAP_REALLOC ? bpf_ktime_get_ns() : 0;
	return 0;
}

static __always_inline void heap_emit(__u64 op, const struct heap_call *call, __u64 addr)
{
	struct heap *heap = record_reserve(heap);
	if (!heap)
		return;
	heap->process_id = bpf_get_current_pid_tgid();
	heap->tid = (__u32)bpf_get_current_pid_tgid();
	heap->op = op;
	heap->addr = addr;
	heap->size_bytes = call->size_bytes;
	heap->old_addr = op == HEAP_REALLOC ? call->pointer : 0;
	heap->realloc_ns = op == HEAP_REALLOC ? heap->ts_ns - call->begin_ns : 0;
	heap->stack_id = call->stack;
	record_submit(heap);
}

/* At the return the stack pointer is above where the return address was. */
static __always_inline int heap_leave(struct pt_regs *ctx, __u64 op)
{
	struct heap_call *call = heap_call(0);
	__u64 sp = PT_REGS_SP(ctx) - sizeof(__u64), addr = PT_REGS_RC(ctx);
	if (!call || !call->op || sp < call->sp || (sp == call->sp && op != call->op))
		return 0;
	if (sp == call->sp) {
		if (op == HEAP_MEMALIGN &&
		    (addr || bpf_probe_read_user(&addr, sizeof(addr), (void *)call->pointer)))
			addr = 0;
		heap_emit(op, call, addr);
	} else {
		tally_dropped(TALLY_STATE);
	}
	call->op = 0;
	return 0;
}

SEC("uprobe")
int heap__1__malloc(struct pt_regs *ctx)
{
	return heap_enter(ctx, HEAP_MALLOC, PT_REGS_PARM1(ctx), 0);
}

SEC("uretprobe")
int heap__1__malloc__return(struct pt_regs *ctx)
{
	return heap_leave(ctx, HEAP_MALLOC);
}

SEC("uprobe")
int heap__1__calloc(struct pt_regs *ctx)
{
	return heap_enter(ctx, HEAP_CALLOC, PT_REGS_PARM1(ctx) * PT_REGS_PARM2(ctx), 0);
}

SEC("uretprobe")
int heap__1__calloc__return(struct pt_regs *ctx)
{
	return heap_leave(ctx, HEAP_CALLOC);
}

SEC("uprobe")
int heap__1__realloc(struct pt_regs *ctx)
{
	return heap_enter(ctx, HEAP_REALLOC, PT_REGS_PARM2(ctx), PT_REGS_PARM1(ctx));
}

SEC("uretprobe")
int heap__1__realloc__return(struct pt_regs *ctx)
{
	return heap_leave(ctx, HEAP_REALLOC);
}

SEC("uprobe")
int heap__1__posix_memalign(struct pt_regs *ctx)
{
	return heap_enter(ctx, HEAP_MEMALIGN, PT_REGS_PARM3(ctx), PT_REGS_PARM1(ctx));
}

SEC("uretprobe")
int heap__1__posix_memalign__return(struct pt_regs *ctx)
{
	return heap_leave(ctx, HEAP_MEMALIGN);
}

/* memalign is the same function in glibc. */
SEC("uprobe")
int heap__1__aligned_alloc(struct pt_regs *ctx)
{
	return heap_enter(ctx, HEAP_ALIGNED, PT_REGS_PARM2(ctx), 0);
}

SEC("uretprobe")
int heap__1__aligned_alloc__return(struct pt_regs *ctx)
{
	return heap_leave(ctx, HEAP_ALIGNED);
}

SEC("uprobe")
int heap__1__free(struct pt_regs *ctx)
{
	if (!target_current() || !PT_REGS_PARM1(ctx))
		return 0;
	if (heap_call_holds(heap_call(0), PT_REGS_SP(ctx)))
		return 0;
	struct heap_call call = { .stack = stack_take_caller(ctx) };
	heap_emit(HEAP_FREE, &call, PT_REGS_PARM1(ctx));
	return 0;
}
