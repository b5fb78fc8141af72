/*
 * Pairs allocations with what ended them. Rows of table heap go in, in the order of the file (in
 * time order but for late rows); what each site allocated, freed and still holds comes out, and on
 * request every single life.
 *
 * Times are truth. A row of malloc, calloc or posix_memalign is the block's beginning; a row of
 * free is its end; a row of realloc, made at its return, ends the old block (somewhere in its
 * duration) and begins the new one. A block may be looked for as it was live at an instant: for
 * free at its time, for realloc when it began. So a realloc whose old address another thread was
 * given again while it still ran finds the block that it meant and not the younger one.
 *
 * - An allocation at the address of a live block displaces that: its end was not seen. A displaced
 *   block is not held. Among the last FORMER_MAX displaced ones a realloc (or a late row) that
 * began earlier may still claim its own.
 * - A block belongs to the process that made it. A child that frees what its parent (or a parent's
 *   parent) had live when it forked has freed an inherited block; that does not touch the parent's.
 *   For that, what a parent freed after forking or had when it ended is remembered, the last
 * FORMER_MAX blocks. A child that frees an inherited block twice is counted twice. After vfork both
 * share one memory; that is taken for a fork.
 * - exec and the end of the last thread end a process: what it has live stays held, "at exit".
 *
 * Memory is bounded by the live blocks, sites, processes and life events, not by the rows.
 */
#ifndef ANALYZER_HEAP_PAIR_H
#define ANALYZER_HEAP_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_pair;

enum heap_op { HEAP_MALLOC = 1, HEAP_CALLOC, HEAP_REALLOC, HEAP_FREE, HEAP_MEMALIGN };

/* Columns of table heap; NULL: 0 in every row. */
struct heap_rows {
	unsigned session;
	size_t rows;
	const uint64_t *ts_ns, *process_id, *tid, *op, *addr, *size_bytes, *old_addr, *realloc_ns;
	const uint64_t *stack_id;
};

enum heap_event_kind { HEAP_FORK, HEAP_EXEC, HEAP_EXIT };

/* A fork (other_id: the child), an exec (process_id: before) or the end of a process. */
struct heap_event {
	unsigned session;
	enum heap_event_kind kind;
	int64_t ts_ns;
	uint64_t process_id, other_id;
};

/* What a stack of a process allocated by one call; where lives are passed on, by one thread. */
struct heap_site {
	/* A cache line of what every row reads or changes. */
	uint64_t stack_id, tid;
	uint32_t op, process; /* process: internal */
	uint64_t allocs, alloc_bytes, frees, freed_bytes;
	int64_t last_ns;

	int64_t first_ns;
	uint64_t process_id, displaced, displaced_bytes, failed;
	uint64_t held_at_exit; /* of those neither freed nor displaced */
	unsigned session;
};

static inline uint64_t heap_site_held(const struct heap_site *site)
{
	return site->allocs - site->frees - site->displaced;
}

static inline uint64_t heap_site_held_bytes(const struct heap_site *site)
{
	return site->alloc_bytes - site->freed_bytes - site->displaced_bytes;
}

enum heap_note_kind {
	HEAP_UNMATCHED_FREE,
	HEAP_INHERITED_FREE,
	HEAP_DISPLACED,
	HEAP_FAILED,
	HEAP_UNKNOWN_REALLOC,
};

struct heap_note {
	unsigned session;
	uint64_t process_id, stack_id;
	enum heap_note_kind kind;
	uint64_t n;       /* 0 where all were explained later */
	uint32_t process; /* internal */
};

enum heap_life_end { HEAP_HELD, HEAP_FREED, HEAP_GONE };

/*
 * A block's life: held; freed at end_ns by end_tid; gone: displaced at end_ns. Lives at one address
 * of a process do not overlap.
 */
struct heap_life {
	uint32_t site; /* position in heap_pair_sites() */
	enum heap_life_end end;
	uint64_t addr, size_bytes, end_tid;
	int64_t alloc_ns, end_ns;
};

struct heap_pair_options {
	int64_t from_ns, to_ns; /* rows outside are ignored, both ends belong to it */

	/* Gets every block that is live no more, at the end the others. 0, -errno. Or NULL. */
	int (*life)(void *context, const struct heap_life *);
	void *context;
};

/* 0, -ENOMEM. */
int heap_pair_open(const struct heap_pair_options *options, struct heap_pair **out);

/* All events come before the first rows, in any order. 0, -ENOMEM. */
int heap_pair_event(struct heap_pair *, const struct heap_event *);

/* 0, -ENOMEM, or what the call of `life` returned. */
int heap_pair_rows(struct heap_pair *, const struct heap_rows *);

/* After the last rows: accounts for what is live. As heap_pair_rows. */
int heap_pair_finish(struct heap_pair *);

/* In the order of their first row; they live as long as the pairing. */
const struct heap_site *heap_pair_sites(const struct heap_pair *, size_t *n);
const struct heap_note *heap_pair_notes(const struct heap_pair *, size_t *n);

/* Accepts NULL. */
void heap_pair_close(struct heap_pair *);

#endif
