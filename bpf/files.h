/*
 * Files. A record holds a file's key (file_ref); what it is and its path travel once, as a
 * file_definition, before the first record with that key. The key mixes what the file is (device,
 * inode, the inode's generation) with where it is found, so one that is renamed, deleted, or opened
 * by a second name travels again.
 *
 * The path is that from the root of the mount namespace: what d_path() says, without a lock. While
 * somebody renames directories it may be made of old and new names.
 */
#ifndef BPF_FILES_H
#define BPF_FILES_H

#include "bpf/slot.h"

/* Files that are in the trace already. Least recently used ones are forgotten and travel again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, file_ref);
	__type(value, __u8);
} shared_files SEC(".maps");

enum { INODE_TYPE = 0170000, INODE_REGULAR = 0100000 };

enum { MAGIC_SHMEM = 0x01021994, MAGIC_ANON_INODE = 0x09041934, MAGIC_SECRET = 0x5345434d };
static const __u64 magic_hugetlb = 0x958458f6; /* include/uapi/linux/magic.h */

static __always_inline bool dentry_is_root(__u64 dentry)
{
	return (__u64)BPF_CORE_READ((struct dentry *)dentry, d_parent) == dentry;
}

/* Where a file was found. */
struct file_place {
	__u64 dentry, mount;
};

enum { FILE_BACKING_BITS = 3 << 24, ERROR_MAX = 4095 };

/*
 * A file below an overlay, which the overlay keeps in a backing_file with the path that the process
 * knows. FMODE_BACKING says so, but is bit 24 since 6.14 and 25 before, which is another flag now.
 * So it must also be in a directory of a mount that is no part of any namespace (MNT_NS_INTERNAL).
 */
static __always_inline bool file_is_backing(__u64 file, const struct file_place *place)
{
	__u64 at = place->mount - bpf_core_field_offset(struct mount, mnt);
	return bpf_core_field_exists(((struct backing_file *)0)->user_path) &&
	       BPF_CORE_READ((struct file *)file, f_mode) & FILE_BACKING_BITS &&
	       (__u64)BPF_CORE_READ((struct mount *)at, mnt_ns) >= -(__u64)ERROR_MAX &&
	       !dentry_is_root(place->dentry);
}

static __always_inline bool file_find(__u64 file, struct file_place *place)
{
	place->dentry = (__u64)BPF_CORE_READ((struct file *)file, f_path.dentry);
	place->mount = (__u64)BPF_CORE_READ((struct file *)file, f_path.mnt);
	if (place->mount && file_is_backing(file, place)) {
		__u64 at = file - bpf_core_field_offset(struct backing_file, file);
		struct backing_file *backing = (void *)at;
		place->dentry = (__u64)BPF_CORE_READ(backing, user_path.dentry);
		place->mount = (__u64)BPF_CORE_READ(backing, user_path.mnt);
	}
	return place->dentry && place->mount;
}

static __always_inline bool dentry_is_deleted(__u64 dentry)
{
	return !BPF_CORE_READ((struct dentry *)dentry, d_hash.pprev) && !dentry_is_root(dentry);
}

static __always_inline file_ref file_key(__u64 inode, const struct file_place *place)
{
	__u64 dentry = place->dentry, mount = place->mount;
	struct inode *node = (void *)inode;
	struct dentry *name = (void *)dentry;
	__u64 key = stack_mix(BPF_CORE_READ(node, i_ino), BPF_CORE_READ(node, i_sb, s_dev));
	key = stack_mix(key, BPF_CORE_READ(node, i_generation));
	key = stack_mix(stack_mix(key, dentry), mount);
	key = stack_mix(key, BPF_CORE_READ(name, d_name.hash_len));
	key = stack_mix(key, (__u64)BPF_CORE_READ(name, d_parent));
	return stack_mix(key, !BPF_CORE_READ(name, d_hash.pprev)) | 1;
}

static __always_inline enum file_kind inode_kind(__u64 inode)
{
	struct inode *node = (void *)inode;
	__u64 magic = BPF_CORE_READ(node, i_sb, s_magic);
	if ((BPF_CORE_READ(node, i_mode) & INODE_TYPE) != INODE_REGULAR)
		return FILE_OTHER;
	return magic == MAGIC_SHMEM                                 ? FILE_SHMEM
	       : magic == magic_hugetlb                             ? FILE_HUGETLB
	       : magic == MAGIC_ANON_INODE || magic == MAGIC_SECRET ? FILE_OTHER
								    : FILE_REGULAR;
}

static __always_inline bool inode_is_anonymous(__u64 inode)
{
	return BPF_CORE_READ((struct inode *)inode, i_sb, s_magic) == MAGIC_ANON_INODE;
}

/* ---- the path */

static __always_inline int file_add_name(struct file_walk *walk)
{
	struct dentry *dentry = (void *)walk->dentry;
	__u64 at = walk->definition.bytes;
	if (at >= FILE_NAMES_MAX)
		return 0;
	HIDE(at);
	at &= FILE_NAMES_MAX - 1;
	long n = bpf_probe_read_kernel_str(walk->definition.names + at, FILE_NAME_MAX,
					   BPF_CORE_READ(dentry, d_name.name));
	if (n <= 0)
		return 0;
	walk->definition.bytes = at + n;
	return 1;
}

/* What is mounted on nothing is the root. */
static __always_inline int file_leave_mount(struct file_walk *walk)
{
	__u64 at = walk->mount - bpf_core_field_offset(struct mount, mnt);
	struct mount *mount = (void *)at;
	__u64 parent = (__u64)BPF_CORE_READ(mount, mnt_parent);
	if (parent == at || !parent) {
		walk->definition.end = FILE_WHOLE;
		return 0;
	}
	walk->dentry = (__u64)BPF_CORE_READ(mount, mnt_mountpoint);
	walk->mount = parent + bpf_core_field_offset(struct mount, mnt);
	return 1;
}

/* One name or mount further; whether there is more. */
__noinline int file_step(__u32 index)
{
	struct stack_slot *slot = stack_slot(index);
	if (!slot)
		return 0;
	struct file_walk *walk = &slot->file;
	struct vfsmount *mount = (void *)walk->mount;
	__u64 dentry = walk->dentry;
	if (dentry == (__u64)BPF_CORE_READ(mount, mnt_root))
		return file_leave_mount(walk);
	if (dentry_is_root(dentry)) {
		if (!walk->definition.bytes && file_add_name(walk))
			walk->definition.end = FILE_NAMELESS;
		return 0;
	}
	if (!file_add_name(walk))
		return 0;
	walk->dentry = (__u64)BPF_CORE_READ((struct dentry *)dentry, d_parent);
	return 1;
}

static __always_inline void file_send(struct file_definition *definition)
{
	__u32 type = bpf_core_type_id_local(struct file_definition);
	__u8 seen = 1;
	definition->record = object_number << 32 | type;
	definition->ts_ns = bpf_ktime_get_ns();
	__u64 size = offsetof(struct file_definition, names) + definition->bytes;
	void *ring = ring_here();
	if (!ring)
		return;
	tally_seen(type);
	if (size > sizeof(*definition) ||
	    bpf_ringbuf_output(ring, definition, size, BPF_RB_NO_WAKEUP)) {
		tally_dropped(type);
		return;
	}
	/* Behind the definition: so no record refers to a file that was never sent. */
	if (bpf_map_update_elem(&shared_files, &definition->key, &seen, BPF_ANY))
		tally_dropped(TALLY_MAP_FULL);
}

static __always_inline void file_define(__u32 index, struct stack_slot *slot, __u64 inode,
					file_ref key)
{
	struct file_definition *definition = &slot->file.definition;
	struct inode *node = (void *)inode;
	definition->key = key;
	definition->device = BPF_CORE_READ(node, i_sb, s_dev);
	definition->inode = BPF_CORE_READ(node, i_ino);
	definition->generation = BPF_CORE_READ(node, i_generation);
	definition->kind = inode_kind(inode);
	definition->end = FILE_CUT;
	definition->bytes = 0;
	__u64 dentry = slot->file.dentry;
	definition->deleted = dentry_is_deleted(dentry);
	for (int i = 0; i < FILE_STEPS_MAX; i++)
		if (!file_step(index))
			break;
	if (definition->end == FILE_NAMELESS && inode_is_anonymous(inode))
		definition->end = FILE_ANONYMOUS;
	file_send(definition);
}

/* A function of its own to the verifier. */
__noinline __u64 file_take_at(__u64 file)
{
	__u64 inode = (__u64)BPF_CORE_READ((struct file *)file, f_inode);
	struct file_place place;
	if (!inode || !file_find(file, &place)) {
		tally_dropped(TALLY_FILE);
		return 0;
	}
	file_ref key = file_key(inode, &place);
	if (bpf_map_lookup_elem(&shared_files, &key))
		return key;
	int index = stack_slot_take();
	struct stack_slot *slot = index < 0 ? NULL : stack_slot((__u32)index);
	if (!slot) {
		tally_dropped(TALLY_FILE);
		return 0;
	}
	slot->file.dentry = place.dentry;
	slot->file.mount = place.mount;
	file_define((__u32)index, slot, inode, key);
	stack_slot_release(slot);
	return key;
}

/* ---- for programs */

/* An open file, as the member of type file_ref of a record; 0 for NULL, and where it could not be
 * told, counted. Any pointer will do: it is not followed but by helpers. */
static __always_inline file_ref file_take(const struct file *file)
{
	return file ? file_take_at((__u64)file) : 0;
}

/* The current task's open file of that number; 0 if there is none. */
static __always_inline file_ref file_take_open(__u32 number)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file *file = NULL;
	if (!table || number >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + number);
	return file_take(file);
}

#endif
