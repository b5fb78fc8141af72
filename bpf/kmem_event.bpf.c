/*
 * Every allocation and free of the kernel with its stack: 0.1 us and the ring's room for each, and
 * 1 us more for a stack, so only on request. What costs little is counted in kmem.bpf.c.
 */
#include "bpf/kernel_stack.h"
#include "bpf/kmem_event.h"

OPT_IN(kmem_event);

struct kmem_event {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	__u32 tid;
	__u8 op;
	__u64 addr;
	__u64 size_bytes;
	__u64 gfp;
	kernel_stack_ref kernel_stack_id;
};

static __always_inline int kmem_event(void *ctx, enum kmem_op op, __u64 addr, __u64 size, __u64 gfp)
{
	bool frees = kmem_frees(op);
	if ((frees || op == KMEM_KMALLOC) && addr && addr <= ZERO_SIZE_PTR)
		return 0;
	if ((frees && !addr) || !recording())
		return 0;
	kernel_stack_ref stack = kernel_stack_take(ctx);
	struct kmem_event *event = record_reserve(kmem_event);
	if (!event)
		return 0;
	event->process_id = bpf_get_current_pid_tgid();
	event->tid = (__u32)bpf_get_current_pid_tgid();
	event->op = op;
	event->addr = addr;
	event->size_bytes = size;
	event->gfp = (__u32)gfp;
	event->kernel_stack_id = stack;
	record_submit(event);
	return 0;
}

KMEM_EVENTS(kmem_event)
