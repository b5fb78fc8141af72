/*
 * System calls about memory that the targets make: a row each when it returns, failed or not.
 *
 * Arguments are read when it returns: the kernel leaves the registers that they came in as they
 * were, and the context of a tracepoint with fewer arguments has no room for more. What the call
 * itself may change (the stack's mappings, the end of the heap, what a descriptor means) is taken
 * when it begins.
 *
 * Calls of the 32-bit kind are left out: their numbers and registers are others.
 */
#include <asm/mman.h>
#include <asm/unistd.h>
#include "bpf/files.h"
#include "bpf/stack.h"

struct vm_call {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	__u32 tid;
	__u8 op;
	__u64 addr;
	__u64 length_bytes;
	__u64 protection;
	__u64 flags;
	__u64 file_offset_bytes;
	__u64 new_addr;
	__u64 new_length_bytes;
	__s64 result;
	__u64 duration_ns;
	stack_ref stack_id;
	file_ref file_id;
};

struct brk {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	__u32 tid;
	__u64 requested_addr;
	__u64 before_addr;
	__u64 after_addr;
	__u64 duration_ns;
	stack_ref stack_id;
};

struct shm_call {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	__u32 tid;
	__u8 op;
	__u32 key;
	__s32 shmid;
	__u64 size_bytes;
	__u32 flags;
	__u32 command;
	__u64 addr;
	__s64 result;
	__u64 duration_ns;
	stack_ref stack_id;
};

struct memfd {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	__u32 tid;
	__u32 flags;
	__s64 result;
	__u64 duration_ns;
	stack_ref stack_id;
	file_ref file_id;
};

enum vm_op {
	VM_MMAP = 1,
	VM_MUNMAP,
	VM_MREMAP,
	VM_MADVISE,
	VM_MPROTECT,
	VM_MLOCK,
	VM_MUNLOCK,
	VM_MLOCKALL,
	VM_MUNLOCKALL,
	VM_PKEY_MPROTECT,
};

enum shm_op { SHM_GET = 1, SHM_AT, SHM_DT, SHM_CTL };

/* The call that a task is in. */
struct memory_call {
	__u64 begin_ns; /* 0: none */
	__u64 number;
	__u64 brk_addr;
	file_ref file;
	stack_ref stack;
};

TASK_STATE(memory_calls, struct memory_call);

#define REGISTER(regs, name) TRUSTED_READ(registers_trusted(), regs, name)

/* ---- the entry */

static __always_inline __u64 task_brk(void)
{
	struct mm_struct *mm = task_space();
	return mm ? TRUSTED_READ(HAS_HELPER(get_current_task_btf), mm, brk) : 0;
}

static __always_inline file_ref mmap_file(void)
{
	struct pt_regs___kernel *regs = registers_user();
	if (!regs || REGISTER(regs, r10) & MAP_ANONYMOUS)
		return 0;
	return file_take_open((__u32)REGISTER(regs, r8));
}

/* The clock is read last, so that a duration is the kernel's, without the stack's walk. */
static __always_inline int call_enter(__u64 number)
{
	struct memory_call none = {}, *call;
	if (!target_current())
		return 0;
	call = task_state(&memory_calls, &none, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call) {
		tally_dropped(TALLY_DETAIL);
		return 0;
	}
	call->number = number;
	call->brk_addr = number == __NR_brk ? task_brk() : 0;
	call->file = number == __NR_mmap ? mmap_file() : 0;
	call->stack = stack_take();
	call->begin_ns = bpf_ktime_get_ns();
	return 0;
}

/* ---- the return */

/* What all rows begin and end with. */
#define call_fill(row, call)                                                                       \
	do {                                                                                       \
		(row)->process_id = bpf_get_current_pid_tgid();                                    \
		(row)->tid = (__u32)bpf_get_current_pid_tgid();                                    \
		(row)->duration_ns = (call).begin_ns ? (row)->ts_ns - (call).begin_ns : 0;         \
		(row)->stack_id = (call).stack;                                                    \
	} while (0)

static __always_inline __u8 vm_op(__u64 number)
{
	switch (number) {
	case __NR_mmap:
		return VM_MMAP;
	case __NR_munmap:
		return VM_MUNMAP;
	case __NR_mremap:
		return VM_MREMAP;
	case __NR_madvise:
		return VM_MADVISE;
	case __NR_mprotect:
		return VM_MPROTECT;
	case __NR_mlock:
	case __NR_mlock2:
		return VM_MLOCK;
	case __NR_munlock:
		return VM_MUNLOCK;
	case __NR_mlockall:
		return VM_MLOCKALL;
	case __NR_munlockall:
		return VM_MUNLOCKALL;
	case __NR_pkey_mprotect:
		return VM_PKEY_MPROTECT;
	default:
		return 0;
	}
}

/* The arguments behind the address and the length. */
static __always_inline void vm_arguments(struct vm_call *row, struct pt_regs___kernel *regs,
					 __u64 number)
{
	switch (number) {
	case __NR_mmap:
		row->protection = REGISTER(regs, dx);
		row->flags = REGISTER(regs, r10);
		row->file_offset_bytes = REGISTER(regs, r9);
		break;
	case __NR_mremap:
		row->new_length_bytes = REGISTER(regs, dx);
		row->flags = REGISTER(regs, r10);
		row->new_addr = REGISTER(regs, r8);
		break;
	case __NR_mprotect:
		row->protection = REGISTER(regs, dx);
		break;
	case __NR_pkey_mprotect:
		row->protection = REGISTER(regs, dx);
		row->flags = (__u32)REGISTER(regs, r10);
		break;
	case __NR_madvise:
	case __NR_mlock2:
		row->flags = (__u32)REGISTER(regs, dx);
		break;
	}
}

static __always_inline void vm_emit(struct pt_regs___kernel *regs, __u64 number, __s64 result,
				    const struct memory_call *call)
{
	struct vm_call *row = record_reserve(vm_call);
	if (!row)
		return;
	call_fill(row, *call);
	row->op = vm_op(number);
	row->result = result;
	row->file_id = call->file;
	row->addr = row->length_bytes = row->protection = row->flags = 0;
	row->file_offset_bytes = row->new_addr = row->new_length_bytes = 0;
	if (number == __NR_mlockall) {
		row->flags = (__u32)REGISTER(regs, di);
	} else if (number != __NR_munlockall) {
		row->addr = REGISTER(regs, di);
		row->length_bytes = REGISTER(regs, si);
		vm_arguments(row, regs, number);
	}
	record_submit(row);
}

static __always_inline void brk_emit(struct pt_regs___kernel *regs, __s64 result,
				     const struct memory_call *call)
{
	struct brk *row = record_reserve(brk);
	if (!row)
		return;
	call_fill(row, *call);
	row->requested_addr = REGISTER(regs, di);
	row->before_addr = call->brk_addr;
	row->after_addr = result;
	record_submit(row);
}

static __always_inline void shm_emit(struct pt_regs___kernel *regs, __u64 number, __s64 result,
				     const struct memory_call *call)
{
	struct shm_call *row = record_reserve(shm_call);
	if (!row)
		return;
	call_fill(row, *call);
	row->result = result;
	row->shmid = (__s32)REGISTER(regs, di);
	row->key = row->flags = row->command = 0;
	row->size_bytes = row->addr = 0;
	if (number == __NR_shmget) {
		row->op = SHM_GET;
		row->key = (__u32)REGISTER(regs, di);
		row->shmid = result < 0 ? -1 : (__s32)result;
		row->size_bytes = REGISTER(regs, si);
		row->flags = (__u32)REGISTER(regs, dx);
	} else if (number == __NR_shmat) {
		row->op = SHM_AT;
		row->addr = REGISTER(regs, si);
		row->flags = (__u32)REGISTER(regs, dx);
	} else if (number == __NR_shmdt) {
		row->op = SHM_DT;
		row->shmid = -1;
		row->addr = REGISTER(regs, di);
	} else {
		row->op = SHM_CTL;
		row->command = (__u32)REGISTER(regs, si);
	}
	record_submit(row);
}

static __always_inline void memfd_emit(struct pt_regs___kernel *regs, __s64 result,
				       const struct memory_call *call)
{
	file_ref file = result < 0 ? 0 : file_take_open((__u32)result);
	struct memfd *row = record_reserve(memfd);
	if (!row)
		return;
	call_fill(row, *call);
	row->flags = (__u32)REGISTER(regs, si);
	row->result = result;
	row->file_id = file;
	record_submit(row);
}

static __always_inline int call_leave(__u64 number, __s64 result)
{
	struct memory_call begun = {};
	if (!target_current())
		return 0;
	struct memory_call *call = task_state(&memory_calls, NULL, 0);
	if (call && call->begin_ns && call->number == number) {
		begun = *call;
		call->begin_ns = 0;
	}
	struct pt_regs___kernel *regs = registers_user();
	if (!regs)
		return 0;
	if (vm_op(number))
		vm_emit(regs, number, result, &begun);
	else if (number == __NR_brk)
		brk_emit(regs, result, &begun);
	else if (number == __NR_memfd_create)
		memfd_emit(regs, result, &begun);
	else
		shm_emit(regs, number, result, &begun);
	return 0;
}

/* ---- the first way: the tracepoints of all calls, of which nearly all are none of these */

enum { THREAD_COMPAT = 2 }; /* TS_COMPAT, arch/x86/include/asm/thread_info.h */

static __always_inline bool call_is_compat(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	return BPF_CORE_READ(task, thread_info.status) & THREAD_COMPAT;
}

/* Their numbers as bits: nearly all calls end here. */
#define BIT_OF(word, number) ((number) / 64 == (word) ? 1ULL << (number) % 64 : 0)
#define BITS(w)                                                                                    \
	(BIT_OF(w, __NR_mmap) | BIT_OF(w, __NR_munmap) | BIT_OF(w, __NR_mremap) |                  \
	 BIT_OF(w, __NR_madvise) | BIT_OF(w, __NR_mprotect) | BIT_OF(w, __NR_pkey_mprotect) |      \
	 BIT_OF(w, __NR_mlock) | BIT_OF(w, __NR_mlock2) | BIT_OF(w, __NR_munlock) |                \
	 BIT_OF(w, __NR_mlockall) | BIT_OF(w, __NR_munlockall) | BIT_OF(w, __NR_brk) |             \
	 BIT_OF(w, __NR_shmget) | BIT_OF(w, __NR_shmat) | BIT_OF(w, __NR_shmdt) |                  \
	 BIT_OF(w, __NR_shmctl) | BIT_OF(w, __NR_memfd_create))

static __always_inline bool call_wanted(__u64 number)
{
	__u64 bits = number < 64    ? BITS(0)
		     : number < 128 ? BITS(1)
		     : number < 192 ? BITS(2)
		     : number < 256 ? BITS(3)
		     : number < 320 ? BITS(4)
		     : number < 384 ? BITS(5)
				    : 0;
	return bits >> (number & 63) & 1 && !call_is_compat();
}

ARG(sys_enter, id);
ARG(sys_exit, regs);
ARG(sys_exit, ret);

static __always_inline int any_enter(__u64 *ctx)
{
	__u64 number = arg(ctx, arg__sys_enter__id);
	return call_wanted(number) ? call_enter(number) : 0;
}

static __always_inline int any_exit(__u64 *ctx)
{
	const struct pt_regs___kernel *regs = (void *)arg(ctx, arg__sys_exit__regs);
	__u64 number = regs->orig_ax;
	return call_wanted(number) ? call_leave(number, (__s64)arg(ctx, arg__sys_exit__ret)) : 0;
}

SEC("tp_btf/sys_enter")
int memory_call__1__enter(__u64 *ctx)
{
	return any_enter(ctx);
}

SEC("tp_btf/sys_exit")
int memory_call__1__exit(__u64 *ctx)
{
	return any_exit(ctx);
}

/* ---- the second way: the tracepoints of these calls */

#define EVENTS(at)                                                                                 \
	"sys_" at "_mmap sys_" at "_munmap sys_" at "_mremap sys_" at "_madvise "                  \
	"sys_" at "_mprotect sys_" at "_pkey_mprotect sys_" at "_mlock sys_" at "_mlock2 "         \
	"sys_" at "_munlock sys_" at "_mlockall sys_" at "_munlockall sys_" at "_brk "             \
	"sys_" at "_shmget sys_" at "_shmat sys_" at "_shmdt sys_" at "_shmctl "                   \
	"sys_" at "_memfd_create"

struct call_event {
	__u64 common;
	int number;
	__s64 result; /* at the return only */
};

SEC("tp/syscalls/" EVENTS("enter"))
int memory_call__2__enter(const struct call_event *ctx)
{
	return call_enter((__u32)ctx->number);
}

SEC("tp/syscalls/" EVENTS("exit"))
int memory_call__2__exit(const struct call_event *ctx)
{
	return call_leave((__u32)ctx->number, ctx->result);
}
