/*
 * Stacks of the kernel: what it is doing in the context of a program. A record holds a stack's key,
 * a kernel_stack_ref, the stack itself travels once, as those of user space do. The kernel walks
 * them itself, by its own tables: about 1 us.
 *
 * In a program of a tracepoint the innermost frames are those of the program and of the event; the
 * recorder, which knows their names, leaves them out. So nothing depends on how many there are,
 * which differs between kernels and kinds of programs.
 */
#ifndef BPF_KERNEL_STACK_H
#define BPF_KERNEL_STACK_H

#include "bpf/slot.h"
#include "bpf/stack_define.h"

enum { KERNEL_STACK_FRAMES = 127 }; /* sysctl kernel.perf_event_max_stack, by default */

static __always_inline kernel_stack_ref kernel_stack_walk(void *ctx,
							  struct stack_definition *definition)
{
	__u64 key = STACK_KERNEL;
	long bytes = bpf_get_stack(ctx, definition->ip_addr, KERNEL_STACK_FRAMES * 8, 0);
	if (bytes < 0)
		tally_dropped(TALLY_STACK);
	if (bytes <= 0)
		return 0;
	__u64 frames = (__u64)bytes / 8;
	for (__u32 i = 0; i < KERNEL_STACK_FRAMES && i < frames; i++)
		key = stack_mix(key, definition->ip_addr[i]);
	tally_seen(TALLY_WALKS + STACK_KERNEL);
	if (stack_is_recent(key))
		return key;
	definition->process_id = 0;
	definition->key = key;
	definition->end = STACK_KERNEL;
	definition->frames = frames;
	stack_define(definition);
	return key;
}

/*
 * The kernel's stack where the program runs. 0: there is none, because the event is user space's
 * (a software event or a probe there), or it could not be taken, which is counted.
 */
static __always_inline kernel_stack_ref kernel_stack_take(void *ctx)
{
	if (stack_way == STACKS_NONE)
		return 0;
	int index = stack_slot_take();
	struct stack_slot *slot = index < 0 ? NULL : stack_slot((__u32)index);
	if (!slot) {
		tally_dropped(TALLY_STACK);
		return 0;
	}
	kernel_stack_ref key = kernel_stack_walk(ctx, &slot->definition);
	stack_slot_release(slot);
	return key;
}

#endif
