/*
 * What is mapped at an address of the current task: which class of memory, and which file. Found
 * without a lock, as in spaces.h, and remembered in a slot for as long as the kernel says that no
 * mapping has changed. The heap and the stack are told as /proc/PID/maps tells them.
 */
#ifndef BPF_MAPPINGS_H
#define BPF_MAPPINGS_H

#include "bpf/files.h"
#include "bpf/spaces.h"

enum { VMA_GROWS_DOWN = 0x100, VMA_HUGETLB = 0x400000 }; /* include/linux/mm.h */

/* What lies at an address, for a record. */
struct memory {
	__u64 class; /* enum memory_class; 0: nothing is mapped there */
	file_ref file;
	__u64 page; /* in the file */
};

static __always_inline __u64 mapping_anonymous_class(__u64 vma_at, __u64 mm_at)
{
	struct vm_area_struct *vma = (void *)vma_at;
	struct mm_struct *mm = (void *)mm_at;
	__u64 start = BPF_CORE_READ(vma, vm_start), end = BPF_CORE_READ(vma, vm_end);
	__u64 stack = BPF_CORE_READ(mm, start_stack);
	if (BPF_CORE_READ(vma, vm_flags) & VMA_GROWS_DOWN || (start <= stack && stack <= end))
		return MEMORY_STACK;
	if (start < BPF_CORE_READ(mm, brk) && end > BPF_CORE_READ(mm, start_brk))
		return MEMORY_HEAP;
	return MEMORY_ANONYMOUS;
}

static __always_inline __u64 mapping_class(__u64 vma_at, __u64 mm, __u64 file)
{
	struct vm_area_struct *vma = (void *)vma_at;
	if (BPF_CORE_READ(vma, vm_flags) & VMA_HUGETLB)
		return MEMORY_HUGETLB;
	if (!BPF_CORE_READ(vma, vm_ops)) /* vma_is_anonymous() */
		return mapping_anonymous_class(vma_at, mm);
	if (!file)
		return MEMORY_OTHER;
	switch (inode_kind((__u64)BPF_CORE_READ((struct file *)file, f_inode))) {
	case FILE_REGULAR:
		return MEMORY_FILE;
	case FILE_SHMEM:
		return MEMORY_SHMEM;
	default:
		return MEMORY_OTHER;
	}
}

static __always_inline struct mapping *slot_mapping(struct stack_slot *slot, __u32 place)
{
	HIDE(place);
	return &slot->mappings[place & (SLOT_MAPPINGS - 1)];
}

static __always_inline bool mapping_has(const struct mapping *mapping, __u64 addr)
{
	return addr - mapping->start < mapping->end - mapping->start;
}

/* Puts the mapping of an address into the slot's memory; its place there, or -1. */
__noinline int mapping_learn(__u32 index, __u64 addr)
{
	struct stack_slot *slot = stack_slot(index);
	if (!slot)
		return -1;
	__u32 place = slot->mapping_count++ % SLOT_MAPPINGS;
	struct mapping *mapping = slot_mapping(slot, place);
	__u64 mm = slot->mapping_mm, found = space_find(index, slot, mm, addr);
	struct vm_area_struct *vma = (void *)found;
	mapping->start = found ? BPF_CORE_READ(vma, vm_start) : 0;
	mapping->end = found ? BPF_CORE_READ(vma, vm_end) : 0;
	if (!mapping_has(mapping, addr)) {
		mapping->start = mapping->end = 0;
		return -1;
	}
	__u64 file = (__u64)BPF_CORE_READ(vma, vm_file);
	mapping->base = mapping->start - (BPF_CORE_READ(vma, vm_pgoff) << 12);
	mapping->class = mapping_class(found, mm, file);
	mapping->file = file ? file_take_at(file) : 0;
	return (int)place;
}

/* Begins to look: forgets mappings that may have changed. */
static __always_inline void mappings_enter(struct stack_slot *slot, struct mm_struct *mm)
{
	__u64 space = TRUSTED_READ(HAS_HELPER(get_current_task_btf), mm, context.ctx_id);
	__u32 sequence = space_sequence(mm);
	if (!sequence || sequence & 1 || slot->mapping_space != space ||
	    slot->mapping_sequence != sequence)
		for (__u32 i = 0; i < SLOT_MAPPINGS; i++)
			slot->mappings[i].start = slot->mappings[i].end = 0;
	slot->mapping_space = space;
	slot->mapping_sequence = sequence;
	slot->mapping_mm = (__u64)mm;
}

static __always_inline struct mapping *mapping_at(__u32 index, struct stack_slot *slot, __u64 addr)
{
	struct mapping *mapping = slot_mapping(slot, slot->mapping);
	if (mapping_has(mapping, addr))
		return mapping;
	for (__u32 i = 0; i < SLOT_MAPPINGS; i++) {
		mapping = slot_mapping(slot, i);
		if (mapping_has(mapping, addr)) {
			slot->mapping = i;
			return mapping;
		}
	}
	int place = mapping_learn(index, addr);
	if (place < 0)
		return NULL;
	slot->mapping = (__u32)place;
	return slot_mapping(slot, (__u32)place);
}

/* What lies at an address of the current task. */
static __always_inline void memory_find(__u64 addr, struct memory *memory)
{
	struct mm_struct *mm = task_space();
	int index = mm ? stack_slot_take() : -1;
	struct stack_slot *slot = index < 0 ? NULL : stack_slot((__u32)index);
	*memory = (struct memory){ 0 };
	if (!slot)
		return;
	mappings_enter(slot, mm);
	struct mapping *mapping = mapping_at((__u32)index, slot, addr);
	if (mapping) {
		memory->class = mapping->class;
		memory->file = mapping->file;
		memory->page = mapping->file ? (addr - mapping->base) >> 12 : 0;
	}
	stack_slot_release(slot);
}

#endif
