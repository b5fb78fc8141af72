/*
 * What the BPF programs and the recorder both must know by name: the records that are definitions
 * rather than rows, and the tallies. Everything else the recorder learns from the objects' BTF.
 */
#ifndef BPF_DEFINITIONS_H
#define BPF_DEFINITIONS_H

#include <linux/types.h>

typedef __u64 record_ref;       /* which record this is: object number << 32 | BTF type id */
typedef __u64 time_ref;         /* CLOCK_MONOTONIC, ns */
typedef __u64 task_ref;         /* tgid << 32 | tid: the process as it is at the record's time */
typedef __u64 task_before_ref;  /* likewise, as it was before its last exec */
typedef __u64 stack_ref;        /* the key of a stack definition, 0 none */
typedef __u64 kernel_stack_ref; /* likewise, of the kernel's frames */
typedef __u64 kernel_code_ref;  /* a return address in the kernel: a stack of that frame only */
typedef __u64 cache_ref;        /* a slab cache, or a size of kmalloc, 0 none */
typedef __u64 cgroup_ref;       /* the id of its kernfs node, 0 none */
typedef __u64 file_ref;         /* the key of a file definition, 0 none */

/* How stacks are taken: --stacks. */
enum stack_way { STACKS_NONE, STACKS_POINTERS, STACKS_TABLES };

enum {
	STACK_FRAMES_MAX = 511, /* a deeper stack is cut, and marked */
	STACK_SLOTS_PER_CPU = 4,
	STACK_COPY_MAX = 32 << 10, /* bytes */
	STACK_PAGE = 4096,
	STACK_REGISTERS = 17,
	STACK_RECENT = 16384, /* places of the keys sent last, by their low bits */
};

/* How a walk ended; from STACK_NEW on, user space can do better with a copy. */
enum stack_end {
	STACK_WHOLE = 1, /* it reached an outermost frame */
	STACK_DEEP,      /* more frames than STACK_FRAMES_MAX */
	STACK_LOST,      /* no way on: no information, or memory that cannot be read */
	STACK_GONE,      /* there is none: the program is being replaced */
	STACK_POINTERS,  /* by frame pointers: where it ended says nothing */
	STACK_KERNEL,    /* not a process's: the kernel's own, walked by itself */
	STACK_NEW,       /* code that no table is known for yet */
	STACK_COMPLEX,   /* a rule that rows cannot express */
	STACK_ENDS,
};

struct stack_definition {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	stack_ref key;
	__u64 end; /* enum stack_end */
	__u64 frames;
	/* Innermost first. All others are return addresses: the call is before them. So that this
	 * is true of a frame that a signal interrupted too, its address here is one more. */
	__u64 ip_addr[STACK_FRAMES_MAX + 1];
};

/* Registers and memory, where the kernel side could not walk: a stack that the recorder walks. */
struct stack_copy {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	stack_ref key; /* of this copy only */
	__u64 end;
	__u64 reg[STACK_REGISTERS]; /* in DWARF's order of x86-64: 7 rsp, 16 rip */
	__u64 bytes;
	__u64 memory[STACK_COPY_MAX / 8]; /* from rsp upwards */
};

/* What memory is, by its mapping. */
enum memory_class {
	MEMORY_FILE = 1,
	MEMORY_ANONYMOUS,
	MEMORY_HEAP, /* of brk(2) */
	MEMORY_STACK,
	MEMORY_SHMEM, /* tmpfs, memfd, System V, shared anonymous */
	MEMORY_HUGETLB,
	MEMORY_OTHER, /* devices, vdso */
};

/* What a file is, by its file system. */
enum file_kind { FILE_REGULAR = 1, FILE_SHMEM, FILE_HUGETLB, FILE_OTHER };

/* How the way from a file to the root ended. */
enum file_end {
	FILE_WHOLE = 1, /* at the root */
	FILE_CUT,       /* outer directories are missing */
	FILE_NAMELESS,  /* in no directory: a memfd, shared memory; the one name says what it is */
	FILE_ANONYMOUS, /* likewise, a descriptor of something that is no file (anon_inode) */
};

enum {
	FILE_NAMES_MAX = 4096, /* bytes */
	FILE_NAME_MAX = 256,
	FILE_STEPS_MAX = 64, /* directories and mounts */
};

struct file_definition {
	record_ref record;
	time_ref ts_ns;
	file_ref key;
	__u64 device, inode, generation;
	__u64 kind;    /* enum file_kind */
	__u64 end;     /* enum file_end */
	__u64 deleted; /* the name is in its directory no more */
	__u64 bytes;
	/* Names from the file upwards, each ended by a zero. */
	char names[FILE_NAMES_MAX + FILE_NAME_MAX];
};

/* The value of a map by cache_ref, which the recorder looks into: no ring can lose it. */
struct cache_definition {
	__u64 slot_bytes;
	__u64 object_bytes;
	char name[64]; /* "": kmalloc of this size */
};

/* A mapped file, as the kernel side sees it: nothing that user space would see differs from it. */
struct unwind_file {
	__u64 inode;
	__u64 device;
	__u64 modified_ns;
};

enum unwind_state { UNWIND_TABLE_NONE, UNWIND_TABLE_WANTED, UNWIND_TABLE };

/* The table of a file: its pages begin with the one that holds the offset `low` in the file. */
struct unwind_object {
	__u64 low;
	__u32 pages_at, pages;
	__u32 state;
	__u32 used; /* since the recorder looked last */
};

/* A file that has no table yet, and where it is mapped. */
struct unwind_wanted {
	struct unwind_file file;
	__u64 tgid;
	__u64 start, end;
	__u64 file_offset;
};

/* What a row of `process` is made from. */
struct task_definition {
	record_ref record;
	time_ref ts_ns;
	__u64 tgid;
	__u64 parent_tgid;
	__u64 start_boottime_ns;
	__u64 uid;
	cgroup_ref cgroup;
	__u64 moved;   /* it was there already and came into the recorded cgroup */
	__u64 faults;  /* of the task and of threads that have ended, so far */
	__u64 exec;    /* a new program in the process, else a new process */
	__u64 borrows; /* a new process in its parent's memory (vfork); a new program by another
			  thread than the first */
	char comm[16];
};

/* seen = records that came this far; dropped = those of them that found no room in the ring. */
struct tally {
	__u64 seen;
	__u64 dropped;
};

/* A row of table `exit`: the recorder also learns from it that a target is gone. */
struct exit {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	__u32 tid;
	__u32 code;
	__u64 last;
	__u64 minor_faults;
	__u64 major_faults;
};

/* What shared_targets says of a process. */
enum { TARGET_LIVE = 1, TARGET_ENDED };

/* Tallies of an object by type id of the record; the ids below belong to no struct of ours. */
enum {
	TALLY_INVOKED = 0,  /* seen: calls of perf_event programs, targets or not */
	TALLY_MAP_FULL = 1, /* dropped: totals, targets and stacks that found no room in a map */
	TALLY_STACK = 2,    /* dropped: stacks that could not be taken */
	TALLY_STATE = 3,    /* dropped: calls without room for their state */
	TALLY_FILE = 4,     /* dropped: files that could not be told */
	TALLY_DETAIL = 5,   /* dropped: what a row could not be told of its beginning */
	TALLY_WALKS = 6,    /* seen: stacks, by enum stack_end from here on */
	TALLY_GUESSED = TALLY_WALKS +
			STACK_ENDS, /* seen: stacks with frames by frame pointer only */
	TALLY_RECORDS,              /* the first that may be a record */
	TALLY_MAX = 1024,
};

#endif
