/*
 * The maps that all BPF objects share (their names begin with shared_), made once: the rings, the
 * targets, the stacks. Their sizes come from the objects' own declarations, but for the number of
 * rings and of slots.
 */
#ifndef RECORDER_SHARED_H
#define RECORDER_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <bpf/libbpf.h>

struct shared;

/*
 * Makes a ring for each CPU that is possible, at least a page each; rings and unwind tables
 * together get at most `memory` bytes, but tables at least 4 MiB. 0, -ENOMEM, or -errno of bpf(2).
 * On failure *out is NULL.
 */
int shared_open(size_t memory, struct shared **out);

/* Hands the maps to an object that is not loaded yet; makes those that are new. 0 or -errno. */
int shared_use(struct shared *, struct bpf_object *);

/* The descriptor of a map, which stays shared's; -ENOENT: no object has it. */
int shared_fd(const struct shared *, const char *name);

/*
 * Programs add to rings and totals between these two only: what happens else is not seen, and not
 * lost. So it does not matter that to load and attach them all, and to detach them, takes seconds.
 */
void shared_begin(const struct shared *);
void shared_end(const struct shared *); /* when it returns they have stopped */

/* Returns when every program that runs now has ended. */
void shared_wait(const struct shared *);

size_t shared_table_bytes(const struct shared *);
uint32_t shared_ring_count(const struct shared *);
size_t shared_ring_bytes(const struct shared *); /* of each ring */
int shared_ring_fd(const struct shared *, uint32_t ring);

/* Makes a process a target, or, if it has ended, no longer one. 0 or -errno; no object has targets:
 * -ENOENT. */
int shared_target(const struct shared *, uint32_t tgid, bool on);

/* Makes the kernel side send a stack again; where that fails, the next row that lacks it asks anew.
 */
void shared_forget_stack(const struct shared *, uint64_t key);

/* Accepts NULL. */
void shared_close(struct shared *);

#endif
