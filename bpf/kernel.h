/*
 * The few kernel types that the programs touch, with only the members they touch: CO-RE finds where
 * these lie in the running kernel. And the arguments of tracepoints, placed by name.
 */
#ifndef BPF_KERNEL_H
#define BPF_KERNEL_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	unsigned int val;
} kuid_t;

typedef struct {
	long counter;
} atomic_long_t;

/* struct pt_regs as the kernel names its members; <linux/ptrace.h> has user space's names. */
struct pt_regs___kernel {
	unsigned long ip, sp, bp;
	unsigned long di, si, dx, r10, r8, r9; /* the arguments of a system call */
	unsigned long orig_ax;                 /* its number */
};

typedef struct {
	__u64 ctx_id; /* never used again for another address space */
	void *vdso;
} mm_context_t;

struct mm_struct {
	mm_context_t context;
	unsigned long start_brk, brk, start_stack;
};

struct rb_node {
	struct rb_node *rb_left, *rb_right;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct maple_tree {
	void *ma_root;
};

struct mm_struct___rb { /* before 6.1 */
	struct rb_root mm_rb;
};

struct mm_struct___maple {
	struct maple_tree mm_mt;
};

struct mm_struct___seqcount { /* since 6.13, odd while the mappings change */
	struct {
		unsigned int sequence;
	} mm_lock_seq;
};

struct super_block {
	unsigned int s_dev;
	unsigned long s_magic;
};

struct inode {
	unsigned short i_mode;
	unsigned int i_generation;
	unsigned long i_ino;
	struct super_block *i_sb;
	long i_mtime_sec; /* since 6.11 */
	unsigned int i_mtime_nsec;
};

struct timespec64 {
	long tv_sec;
	long tv_nsec;
};

struct inode___timespec { /* 6.7 to 6.10 */
	struct timespec64 __i_mtime;
};

struct inode___old {
	struct timespec64 i_mtime;
};

struct qstr {
	__u64 hash_len;
	const char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	void *mnt_ns;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	unsigned int f_mode;
	struct inode *f_inode;
	struct path f_path;
};

/* Since 6.8: a file of the file system below an overlay, and where the process opened it. */
struct backing_file {
	struct file file;
	struct path user_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end, vm_flags, vm_pgoff;
	const void *vm_ops;
	struct file *vm_file;
};

struct vm_area_struct___rb {
	unsigned long vm_start, vm_end;
	struct rb_node vm_rb;
};

struct return_instance {
	struct return_instance *next;
	unsigned long stack, orig_ret_vaddr;
};

struct uprobe_task {
	struct return_instance *return_instances;
};

struct kmem_cache {
	unsigned int size, object_size;
	const char *name;
};

struct signal_struct {
	atomic_t live;
	unsigned long min_flt, maj_flt; /* of threads that have ended */
};

struct cred {
	kuid_t uid;
};

struct thread_info {
	__u32 status;
};

struct task_struct {
	struct thread_info thread_info;
	int pid;
	int tgid;
	int exit_code;
	__u64 start_boottime;
	__u64 self_exec_id;
	unsigned long min_flt;
	unsigned long maj_flt;
	void *stack;
	struct mm_struct *mm;
	struct files_struct *files;
	struct uprobe_task *utask;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	const struct cred *cred;
	struct signal_struct *signal;
	char comm[16];
	unsigned int in_execve : 1;
};

/* Tasks, their memory cgroup, and zones, as far as memory pressure is concerned. */

struct kernfs_node {
	__u64 id; /* the inode of the group's folder */
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
	struct cgroup_subsys_state *subsys[1];
};

struct signal_struct___pressure {
	short oom_score_adj;
};

struct task_struct___pressure {
	unsigned int flags;
	struct css_set *cgroups;
	struct signal_struct___pressure *signal;
};

struct page_counter {
	atomic_long_t usage;
	unsigned long max;
};

struct percpu_counter {
	__s64 count;
};

struct mm_rss_stat {
	atomic_long_t count[4];
};

struct mm_struct___percpu { /* since 6.2 */
	struct percpu_counter rss_stat[4];
};

struct mm_struct___atomic {
	struct mm_rss_stat rss_stat;
};

struct mm_struct___pressure {
	unsigned long total_vm;
	atomic_long_t pgtables_bytes;
	struct task_struct *owner; /* with memory cgroups only */
};

struct folio___sized { /* as long as flags is a plain number */
	unsigned long flags;
	unsigned int _folio_nr_pages; /* of a large one */
};

enum fault_flag {
	FAULT_FLAG_WRITE = 1,
};

struct vm_fault {
	enum fault_flag flags;
};

struct oom_control {
	struct mem_cgroup *memcg;
	unsigned int gfp_mask;
	int order;
	unsigned long totalpages;
};

struct pglist_data;

struct zone {
	unsigned long _watermark[3];
	struct pglist_data *zone_pgdat;
	atomic_long_t vm_stat[1];
};

struct zoneref {
	struct zone *zone;
};

struct zonelist {
	struct zoneref _zonerefs[1];
};

struct pglist_data {
	struct zone node_zones[1];
	struct zonelist node_zonelists[1];
	int node_id;
};

enum migrate_mode {
	MIGRATE_ASYNC,
};

struct compact_control {
	struct zone *zone;
	unsigned long total_migrate_scanned;
	unsigned long total_free_scanned;
	int order;
	enum migrate_mode mode;
	bool direct_compaction;
};

struct lruvec {
	struct pglist_data *pgdat;
};

struct mem_cgroup_per_node {
	struct lruvec lruvec;
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
	struct mem_cgroup_per_node *nodeinfo[1];
};

#pragma clang attribute pop

/* The running kernel's values come by CO-RE. */
enum cgroup_subsys_id {
	memory_cgrp_id = 1,
};

enum zone_stat_item {
	NR_FREE_PAGES = 1,
};

enum zone_type {
	ZONE_DMA = 1,
	ZONE_DMA32,
	ZONE_NORMAL,
	ZONE_HIGHMEM,
	ZONE_MOVABLE,
	ZONE_DEVICE,
};

enum compact_result {
	COMPACT_NOT_SUITABLE_ZONE = 1,
	COMPACT_SKIPPED,
	COMPACT_DEFERRED,
	COMPACT_NO_SUITABLE_PAGE,
	COMPACT_CONTINUE,
	COMPACT_COMPLETE,
	COMPACT_PARTIAL_SKIPPED,
	COMPACT_CONTENDED,
	COMPACT_SUCCESS,
};

enum vmscan_throttle_state {
	VMSCAN_THROTTLE_WRITEBACK = 1,
	VMSCAN_THROTTLE_ISOLATED,
	VMSCAN_THROTTLE_NOPROGRESS,
	VMSCAN_THROTTLE_CONGESTED,
};

enum pageflags {
	PG_swapbacked = 1,
	PG_head,
};

enum vm_event_item {
	PGFAULT = 1, /* the running kernel's value comes by CO-RE */
	PSWPIN,
	PSWPOUT,
	THP_FAULT_ALLOC,
	THP_COLLAPSE_ALLOC,
	THP_SWPOUT,
};

/* What handlers of faults return for those that are no fault in getrusage: failed, or to be tried
 * again. */
enum vm_fault_reason {
	VM_FAULT_OOM = 1, /* the running kernel's values come by CO-RE */
	VM_FAULT_SIGBUS,
	VM_FAULT_SIGSEGV,
	VM_FAULT_HWPOISON,
	VM_FAULT_HWPOISON_LARGE,
	VM_FAULT_FALLBACK,
	VM_FAULT_RETRY,
};

#define REASON(name) bpf_core_enum_value(enum vm_fault_reason, VM_FAULT_##name)

enum scan_result {
	SCAN_SUCCEED = 1,
};

/* The cache of the object at an address, of the kernel's own (6.13). NULL: it is in no slab. */
extern struct kmem_cache *bpf_get_kmem_cache(__u64 addr) __ksym __weak;

/* In a uprobe.session program (6.13): whether this is the function's return. */
extern bool bpf_session_is_return(void) __ksym __weak;

/*
 * An argument of a tracepoint by its position. The position is a read-only constant
 * `arg__EVENT__NAME` that the recorder sets from the names in the kernel's BTF, because it differs
 * between kernels (7.3 swapped order and gfp_flags of the reclaim events) and CO-RE does not see
 * that. Each load is its own instruction: the verifier refuses a context pointer plus a variable,
 * and the compiler would make one of a plain switch.
 */
#define ARG_LOAD(n)                                                                                \
	case n:                                                                                    \
		asm volatile("%0 = *(u64 *)(%1 + " #n " * 8)" : "=r"(value) : "r"(ctx));           \
		break

static __always_inline __u64 arg(const void *ctx, __u8 position)
{
	__u64 value = 0;
	switch (position) {
		ARG_LOAD(0);
		ARG_LOAD(1);
		ARG_LOAD(2);
		ARG_LOAD(3);
		ARG_LOAD(4);
		ARG_LOAD(5);
		ARG_LOAD(6);
		ARG_LOAD(7);
		ARG_LOAD(8);
		ARG_LOAD(9);
		ARG_LOAD(10);
		ARG_LOAD(11);
	}
	return value;
}

#define ARG(event, name) const volatile __u8 arg__##event##__##name = 255

#endif
