/*
 * What the BPF programs and the recorder both must know by name: the records that are definitions
 * rather than rows, and the tallies. Everything else the recorder learns from the objects' BTF.
 */
#ifndef BPF_DEFINITIONS_H
#define BPF_DEFINITIONS_H

#include <linux/types.h>

typedef __u64 record_ref;      /* which record this is: object number << 32 | BTF type id */
typedef __u64 time_ref;        /* CLOCK_MONOTONIC, ns */
typedef __u64 task_ref;        /* tgid << 32 | tid: the process as it is at the record's time */
typedef __u64 task_before_ref; /* likewise, as it was before its last exec */
typedef __u64 stack_ref;       /* the key of a stack definition, 0 none */

enum { STACK_FRAMES_MAX = 127, STACK_SLOTS_PER_CPU = 4 };

struct stack_definition {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	stack_ref key;
	__u64 frames;
	__u64 ip_addr[STACK_FRAMES_MAX]; /* innermost first */
};

/* What a row of `process` is made from. */
struct task_definition {
	record_ref record;
	time_ref ts_ns;
	__u64 tgid;
	__u64 parent_tgid;
	__u64 start_boottime_ns;
	__u64 uid;
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
	TALLY_RECORDS = 4,  /* the first that may be a record */
	TALLY_MAX = 1024,
};

#endif
