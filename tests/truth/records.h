/*
 * What the test's BPF object sends besides stacks: every event with the key of its stack, and of
 * some the registers and the stack's memory as they were in that event.
 */
#ifndef TESTS_TRUTH_RECORDS_H
#define TESTS_TRUTH_RECORDS_H

#include "bpf/definitions.h"

enum {
	SAMPLE_PAGE = 4096,
	SAMPLE_MAX = 128 << 10,  /* of the first thread's stack */
	SAMPLE_LEAST = 48 << 10, /* of any other */
	SAMPLE_SPAN = 64 << 20,  /* how large the first one may be */
	SAMPLE_OTHER_MAX = 32 << 10,
	SAMPLE_RETURNS = 16,
	/* The red zone: what was popped last is still there. gcc's rules for an epilogue say that
	 * rbp is saved at CFA - 16 when it has been popped and CFA is rsp + 8. */
	SAMPLE_BELOW = 128,
};

struct truth_event {
	record_ref record;
	time_ref ts_ns;
	task_ref process_id;
	stack_ref key;
};

/* A new process with a copy of its parent's mappings. */
struct truth_fork {
	record_ref record;
	time_ref ts_ns;
	__u64 parent_tgid;
	__u64 child_tgid;
};

struct truth_sample {
	struct truth_event event;
	__u64 reg[STACK_REGISTERS];
	__u64 bytes;       /* from reg[7] & ~7 upwards */
	__u64 other_top;   /* on a signal's own stack: where the first thread's ends */
	__u64 other_bytes; /* of it, at the end of `other` */
	__u64 returns; /* return addresses that probes have replaced: where, and what they were */
	__u64 return_at[SAMPLE_RETURNS], return_to[SAMPLE_RETURNS];
	__u64 below[SAMPLE_BELOW / 8];
	__u64 memory[SAMPLE_MAX / 8];
	__u64 other[SAMPLE_OTHER_MAX / 8];
};

#endif
