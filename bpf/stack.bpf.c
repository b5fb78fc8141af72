/*
 * No source: loaded once, never attached, to learn whether a way to take stacks loads here.
 */
#include "bpf/stack.h"

SEC("perf_event")
int trial(void *ctx)
{
	(void)ctx;
	return stack_take() & 1;
}
