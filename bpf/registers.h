/*
 * The current task: its registers in user mode, its address space, what its stacks' keys begin
 * with. Helpers that some kernels lack are looked for by CO-RE, and each has a way around it (5.10
 * has none of them).
 */
#ifndef BPF_REGISTERS_H
#define BPF_REGISTERS_H

#include "bpf/slot.h"

#define HAS_HELPER(name) bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_##name)

/* Reads a member of a kernel struct: as a plain load where the pointer is one that the verifier
 * knows, else by a helper. */
#define TRUSTED_READ(trusted, pointer, member)                                                     \
	((trusted) ? (pointer)->member : BPF_CORE_READ(pointer, member))

/* The key of no frames yet. */
static __always_inline __u64 stack_key(void)
{
	__u64 exec;
	if (HAS_HELPER(get_current_task_btf))
		exec = bpf_get_current_task_btf()->self_exec_id;
	else
		exec = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), self_exec_id);
	return stack_mix(bpf_get_current_pid_tgid() >> 32, exec);
}

static __always_inline struct mm_struct *task_space(void)
{
	if (HAS_HELPER(get_current_task_btf))
		return bpf_get_current_task_btf()->mm;
	return BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), mm);
}

/*
 * Where the current task's registers were saved when it entered the kernel, for programs that run
 * on top of kernel code as for probes. Without the helper: at the top of its kernel stack (16 KiB,
 * THREAD_SIZE of arch/x86/include/asm/page_64_types.h; KASAN kernels have 32).
 */
static __always_inline struct pt_regs___kernel *registers_user(void)
{
	if (HAS_HELPER(task_pt_regs) && HAS_HELPER(get_current_task_btf))
		return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct task_struct *task = (void *)bpf_get_current_task();
	return BPF_CORE_READ(task, stack) + (16 << 10) - sizeof(struct pt_regs);
}

static __always_inline bool registers_trusted(void)
{
	return HAS_HELPER(task_pt_regs) && HAS_HELPER(get_current_task_btf);
}

static __always_inline __u64 registers_ip(struct pt_regs___kernel *regs)
{
	return TRUSTED_READ(registers_trusted(), regs, ip);
}

static __always_inline __u64 registers_sp(struct pt_regs___kernel *regs)
{
	return TRUSTED_READ(registers_trusted(), regs, sp);
}

static __always_inline __u64 registers_fp(struct pt_regs___kernel *regs)
{
	return TRUSTED_READ(registers_trusted(), regs, bp);
}

/* Calls of the current task whose return a probe waits for, innermost first. */
static __always_inline struct return_instance *task_returns(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	return BPF_CORE_READ(task, utask, return_instances);
}

/* All of them, in DWARF's order; `all` is scratch memory, too large for the BPF stack. */
static __always_inline void registers_copy(__u64 *to, struct pt_regs *all,
					   struct pt_regs___kernel *regs)
{
	bpf_probe_read_kernel(all, sizeof(*all), regs); /* the layout is the same in all kernels */
	to[0] = all->rax;
	to[1] = all->rdx;
	to[2] = all->rcx;
	to[3] = all->rbx;
	to[4] = all->rsi;
	to[5] = all->rdi;
	to[6] = all->rbp;
	to[7] = all->rsp;
	to[8] = all->r8;
	to[9] = all->r9;
	to[10] = all->r10;
	to[11] = all->r11;
	to[12] = all->r12;
	to[13] = all->r13;
	to[14] = all->r14;
	to[15] = all->r15;
	to[16] = all->rip;
}

#endif
