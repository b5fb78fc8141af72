/*
 * Where the arguments of a tracepoint stand. Kernels differ in their order, and a program that
 * assumes one loads and lies; so positions come from the names of the parameters in the kernel's
 * BTF: the function
 * __bpf_trace_EVENT has them (since 6.1), or that of the event's class, which is then found by its
 * types.
 */
#ifndef RECORDER_ARGUMENTS_H
#define RECORDER_ARGUMENTS_H

#include <bpf/btf.h>

/*
 * The position of argument `name` of tracepoint `event`, from 0; -ENOENT: there is no such event or
 * argument; -ENOTUNIQ: classes of the same types disagree.
 */
int argument_position(const struct btf *kernel, const char *event, const char *name);

#endif
