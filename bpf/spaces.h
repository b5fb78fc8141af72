/*
 * Which mapping an address lies in, and which unwind table serves the file that is mapped there.
 * The mappings are found without a lock, so what was found is checked to contain the address; those
 * found last are remembered in the slot for as long as the kernel says that none has changed.
 */
#ifndef BPF_SPACES_H
#define BPF_SPACES_H

#include "bpf/registers.h"

/* By file. An entry without a table yet tells that the recorder was asked for it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct unwind_file);
	__type(value, struct unwind_object);
} shared_unwind_objects SEC(".maps");

/* Changes whenever a table is taken away. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} shared_unwind_sequence SEC(".maps");

/* Files that want a table: rare, and the recorder is woken for each. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} shared_unwind_wanted SEC(".maps");

/* ---- the kernel's mappings: a maple tree since 6.1, a red-black tree before */

enum { RB_DEPTH = 40, MAPLE_DEPTH = 8, MAPLE_LEAF = 1 };
enum { MAPLE_LEAF_PIVOTS = 15, MAPLE_ARANGE_PIVOTS = 9 }; /* include/linux/maple_tree.h, 64 bit */

static __always_inline __u64 space_find_rb(__u64 mm, __u64 addr)
{
	struct rb_node *node = NULL;
	node = BPF_CORE_READ((struct mm_struct___rb *)mm, mm_rb.rb_node);
	for (int i = 0; i < RB_DEPTH && node; i++) {
		__u64 vma = (__u64)node - bpf_core_field_offset(struct vm_area_struct___rb, vm_rb);
		if (addr < BPF_CORE_READ((struct vm_area_struct___rb *)vma, vm_end)) {
			if (addr >= BPF_CORE_READ((struct vm_area_struct___rb *)vma, vm_start))
				return vma;
			node = BPF_CORE_READ(node, rb_left);
		} else {
			node = BPF_CORE_READ(node, rb_right);
		}
	}
	return 0;
}

/*
 * How many pivots of a node count: it says so in a byte at its end, unless there is no room for
 * that because all do (ma_data_end(), lib/maple_tree.c). What stands behind them is stale.
 */
static __always_inline __u32 maple_end(const struct stack_slot *slot, bool leaf)
{
	if (!leaf)
		return (__u8)slot->node[1 + MAPLE_ARANGE_PIVOTS + 2 * (MAPLE_ARANGE_PIVOTS + 1)];
	return slot->node[MAPLE_LEAF_PIVOTS] ? MAPLE_LEAF_PIVOTS
					     : (__u8)slot->node[1 + 2 * MAPLE_LEAF_PIVOTS];
}

/* The child for an address of the node in the slot: the one before the first pivot that is not
 * below it. A node is the parent's address, the pivots, one more child than pivots. */
__noinline __u64 maple_child(__u32 index, bool leaf, __u64 addr)
{
	struct stack_slot *slot = stack_slot(index);
	if (!slot)
		return 0;
	__u32 i = 0, end = maple_end(slot, leaf);
	for (; i < MAPLE_LEAF_PIVOTS; i++)
		if (i >= end || addr <= slot->node[1 + i])
			break;
	i += 1 + (leaf ? MAPLE_LEAF_PIVOTS : MAPLE_ARANGE_PIVOTS);
	HIDE(i);
	return slot->node[i & (UNWIND_NODE_WORDS - 1)];
}

static __always_inline __u64 space_find_maple(__u32 index, struct stack_slot *slot, __u64 space,
					      __u64 addr)
{
	struct mm_struct___maple *mm = (void *)space;
	__u64 entry = (__u64)BPF_CORE_READ(mm, mm_mt.ma_root);
	for (int i = 0; i < MAPLE_DEPTH; i++) {
		bool leaf = (entry >> 3 & 15) == MAPLE_LEAF;
		if (entry < 4096 || bpf_probe_read_kernel(slot->node, sizeof(slot->node),
							  (void *)(entry & ~255ULL)))
			return 0;
		entry = maple_child(index, leaf, addr);
		if (leaf)
			return entry;
	}
	return 0;
}

/* The vm_area_struct of an address, to be checked that it is; 0: none was found. */
static __always_inline __u64 space_find(__u32 index, struct stack_slot *slot, __u64 mm, __u64 addr)
{
	if (bpf_core_field_exists(struct mm_struct___maple, mm_mt))
		return space_find_maple(index, slot, mm, addr);
	return space_find_rb(mm, addr);
}

/* ---- the file */

static __always_inline __u64 inode_modified(__u64 inode)
{
	struct inode *node = (void *)inode;
	if (bpf_core_field_exists(node->i_mtime_sec))
		return BPF_CORE_READ(node, i_mtime_sec) * 1000000000ULL +
		       BPF_CORE_READ(node, i_mtime_nsec);
	if (bpf_core_field_exists(struct inode___timespec, __i_mtime)) /* 6.7 to 6.10 */
		return BPF_CORE_READ((struct inode___timespec *)inode, __i_mtime.tv_sec) *
			       1000000000ULL +
		       BPF_CORE_READ((struct inode___timespec *)inode, __i_mtime.tv_nsec);
	return BPF_CORE_READ((struct inode___old *)inode, i_mtime.tv_sec) * 1000000000ULL +
	       BPF_CORE_READ((struct inode___old *)inode, i_mtime.tv_nsec);
}

static __always_inline void space_want(const struct unwind_file *file, struct unwind_range *range,
				       __u64 file_offset)
{
	struct unwind_object wanted = { .state = UNWIND_TABLE_WANTED };
	struct unwind_wanted record = {
		.file = *file,
		.tgid = bpf_get_current_pid_tgid() >> 32,
		.start = range->start,
		.end = range->end,
		.file_offset = file_offset,
	};
	range->object = wanted;
	if (bpf_map_update_elem(&shared_unwind_objects, file, &wanted, BPF_NOEXIST))
		return;
	if (bpf_ringbuf_output(&shared_unwind_wanted, &record, sizeof(record), BPF_RB_FORCE_WAKEUP))
		bpf_map_delete_elem(&shared_unwind_objects, file); /* the next one asks again */
}

/* The vdso is no file; it is the same in every process. */
static __always_inline bool space_is_vdso(__u64 mm, __u64 start)
{
	return (__u64)BPF_CORE_READ((struct mm_struct *)mm, context.vdso) == start;
}

static __always_inline bool space_file(__u64 mm, __u64 vma, struct unwind_file *file, __u64 start)
{
	__u64 mapped = (__u64)BPF_CORE_READ((struct vm_area_struct *)vma, vm_file);
	__u64 inode = mapped ? (__u64)BPF_CORE_READ((struct file *)mapped, f_inode) : 0;
	if (!inode)
		return space_is_vdso(mm, start);
	file->inode = BPF_CORE_READ((struct inode *)inode, i_ino);
	file->device = BPF_CORE_READ((struct inode *)inode, i_sb, s_dev);
	file->modified_ns = inode_modified(inode);
	return true;
}

/* Fills in the range that the address lies in; false if nothing is mapped there. */
static __always_inline bool space_fill(__u32 index, struct stack_slot *slot,
				       struct unwind_range *range, __u64 addr)
{
	struct unwind_file file = { 0 };
	__u64 found = space_find(index, slot, slot->mm, addr);
	struct vm_area_struct *vma = (void *)found;
	range->start = found ? BPF_CORE_READ(vma, vm_start) : 0;
	range->end = found ? BPF_CORE_READ(vma, vm_end) : 0;
	if (addr < range->start || addr >= range->end) {
		range->start = range->end = 0;
		return false;
	}
	__u64 file_offset = (__u64)BPF_CORE_READ(vma, vm_pgoff) << 12;
	range->base = range->start - file_offset;
	struct unwind_object none = { .state = UNWIND_TABLE_NONE };
	range->object = none;
	range->file = 0;
	if (!space_file(slot->mm, found, &file, range->start))
		return true;
	range->file = (__u32)stack_mix(stack_mix(file.inode, file.device), file.modified_ns);
	struct unwind_object *object = bpf_map_lookup_elem(&shared_unwind_objects, &file);
	if (!object) {
		space_want(&file, range, file_offset);
		return true;
	}
	object->used = 1;
	range->object = *object;
	return true;
}

/* Puts the mapping of an address into the slot's memory; its place there, or -1. */
__noinline int space_learn(__u32 index, __u64 addr)
{
	struct stack_slot *slot = stack_slot(index);
	if (!slot)
		return -1;
	__u32 place = slot->range_count % UNWIND_RANGES;
	HIDE(place);
	place &= UNWIND_RANGES - 1;
	slot->range_count++;
	return space_fill(index, slot, &slot->ranges[place], addr) ? (int)place : -1;
}

static __always_inline bool range_has(const struct unwind_range *range, __u64 addr)
{
	return addr - range->start < range->end - range->start;
}

static __always_inline struct unwind_range *slot_range(struct stack_slot *slot, __u32 place)
{
	HIDE(place);
	return &slot->ranges[place & (UNWIND_RANGES - 1)];
}

/* The mapping of an address, NULL if there is none. */
static __always_inline struct unwind_range *space_range(__u32 index, struct stack_slot *slot,
							__u64 addr)
{
	struct unwind_range *range = slot_range(slot, slot->range);
	/* One that waits for its table is asked for again each time. */
	if (range_has(range, addr) && range->object.state != UNWIND_TABLE_WANTED)
		return range;
	for (__u32 i = 0; i < UNWIND_RANGES; i++) {
		range = slot_range(slot, i);
		if (range_has(range, addr) && range->object.state != UNWIND_TABLE_WANTED) {
			slot->range = i;
			return range;
		}
	}
	int place = space_learn(index, addr);
	if (place < 0)
		return NULL;
	slot->range = (__u32)place;
	return slot_range(slot, (__u32)place);
}

/* Forgets some of the rows, for good. */
__noinline int slot_clear(__u32 index, __u32 first)
{
	struct stack_slot *slot = stack_slot(index);
	if (!slot)
		return 0;
	for (__u32 i = 0; i < UNWIND_MEMOS / 32; i++) {
		__u32 place = first + i;
		HIDE(place);
		slot->memos[place & (UNWIND_MEMOS - 1)].tag = 0;
	}
	return 0;
}

static __always_inline void slot_forget(__u32 index, struct stack_slot *slot)
{
	slot->memory += 1ULL << UNWIND_ADDR_BITS;
	if (!slot->memory) /* tags of long ago would be good again */
		for (__u32 i = 0; i < 32; i++)
			slot_clear(index, i * (UNWIND_MEMOS / 32));
	for (__u32 i = 0; i < UNWIND_RANGES; i++)
		slot->ranges[i].start = slot->ranges[i].end = 0;
}

/* How often the mappings have changed; odd: they are changing. 0: this kernel (before 6.4) does not
 * tell. */
static __always_inline __u32 space_sequence(struct mm_struct *mm)
{
	struct mm_struct___seqcount *counted = (void *)mm;
	if (bpf_core_field_exists(counted->mm_lock_seq.sequence))
		return counted->mm_lock_seq.sequence;
	return 0;
}

/* Begins the walk of the current task's stack: forgets mappings that may have changed. */
static __always_inline bool space_enter(__u32 index, struct stack_slot *slot, struct mm_struct *mm)
{
	__u32 zero = 0;
	__u64 *tables = bpf_map_lookup_elem(&shared_unwind_sequence, &zero);
	if (!mm || !tables)
		return false;
	__u64 space = TRUSTED_READ(HAS_HELPER(get_current_task_btf), mm, context.ctx_id);
	__u32 sequence = space_sequence(mm);
	if (!sequence || sequence & 1 || slot->space != space || slot->space_sequence != sequence ||
	    slot->tables_sequence != *tables)
		slot_forget(index, slot);
	slot->mm = (__u64)mm;
	slot->space = space;
	slot->space_sequence = sequence;
	slot->tables_sequence = *tables;
	return true;
}

#endif
