/*
 * A simulated allocator that makes heap rows and knows what became of every block. Blocks are
 * handed from thread to thread; reallocs overlap with allocations that get the address they gave
 * up; rows of frees are lost; processes fork, exec and exit; calls fail.
 */
#ifndef TESTS_UNIT_HEAP_HISTORY_H
#define TESTS_UNIT_HEAP_HISTORY_H

#include <stdbool.h>
#include "analyzer/heap_pair.h"
#include "tests/check.h"

enum {
	ADDRESSES = 48,
	PROCESSES = 400,
	THREADS = 4,
	BLOCKS = 40000,
	ROWS = 100000,
	EVENTS = 2000,
	STEPS = 30000,
	NEVER = INT32_MAX,
};

/* What really happened to a block. Times are those of rows. */
struct block {
	unsigned process, thread, stack, op;
	uint64_t addr, size;
	int64_t alloc, told, gone; /* its row, that of its end, that which took its address */
	unsigned end_thread;
	bool recorded;
	int older; /* the one before it at its address, -1: none */
};

struct slot {
	int block; /* -1: free */
	bool own;  /* not inherited by fork */
	bool busy; /* of a realloc that has not returned: nobody knows it yet */
};

/* A realloc that runs: the old address is given up already. */
struct call {
	bool running;
	int old, new;
	bool own;
	int64_t began;
	unsigned process;
};

struct process {
	bool alive;
	int64_t ended;
	struct slot slots[ADDRESSES];
	int youngest[ADDRESSES]; /* block that ever was there */
};

struct history {
	unsigned session;
	struct process processes[PROCESSES];
	unsigned n_processes;
	struct call calls[THREADS];
	struct block blocks[BLOCKS];
	int n_blocks;
	uint64_t columns[9][ROWS]; /* ts, process, tid, op, addr, size, old, realloc_ns, stack */
	size_t n_rows, fed;
	struct heap_event events[EVENTS];
	size_t n_events;
	uint64_t notes[5], failed;
	int64_t now;
};

static unsigned below(unsigned n)
{
	return (unsigned)random() % n;
}

static uint64_t address(int slot)
{
	return 0x7f0000000000ULL + (uint64_t)slot * 16;
}

static uint64_t process_id(unsigned process)
{
	return 0xabcdef0000000000ULL + process;
}

static uint64_t thread_id(unsigned process, unsigned thread)
{
	return process * 100 + thread;
}

static int64_t row(struct history *h, unsigned process, unsigned thread, unsigned op, uint64_t addr,
		   uint64_t size, uint64_t old, int64_t began, unsigned stack)
{
	uint64_t values[] = {
		0, process_id(process), thread_id(process, thread), op, addr, size, old, 0, stack
	};

	h->now += 1 + below(3);
	values[0] = (uint64_t)h->now;
	values[7] = op == HEAP_REALLOC ? (uint64_t)(h->now - began) : 0;
	for (int i = 0; i < 9; i++)
		h->columns[i][h->n_rows] = values[i];
	CHECK(++h->n_rows < ROWS);
	return h->now;
}

/* A row gave the address out: a block that the rows still show as live there is displaced. */
static void displace(struct history *h, const struct block *young)
{
	for (int i = young->older; i >= 0; i = h->blocks[i].older) {
		struct block *old = &h->blocks[i];

		if (old->recorded && old->told > young->alloc && old->gone > young->alloc)
			old->gone = young->alloc;
	}
}

static int free_slot(const struct process *process)
{
	int slot = (int)below(ADDRESSES);

	for (int i = 0; i < ADDRESSES; i++, slot = (slot + 1) % ADDRESSES)
		if (process->slots[slot].block < 0)
			return slot;
	return -1;
}

static int used_slot(const struct process *process)
{
	int slot = (int)below(ADDRESSES);

	for (int i = 0; i < ADDRESSES; i++, slot = (slot + 1) % ADDRESSES)
		if (process->slots[slot].block >= 0 && !process->slots[slot].busy)
			return slot;
	return -1;
}

static int block_new(struct history *h, unsigned process, unsigned thread, unsigned op, int slot)
{
	CHECK(h->n_blocks < BLOCKS);
	h->blocks[h->n_blocks] = (struct block){
		.process = process,
		.thread = thread,
		.stack = 1 + below(6),
		.op = op,
		.addr = address(slot),
		.size = below(100),
		.told = NEVER,
		.gone = NEVER,
		.older = h->processes[process].youngest[slot],
	};
	h->processes[process].youngest[slot] = h->n_blocks;
	h->processes[process].slots[slot] = (struct slot){ h->n_blocks, true, false };
	return h->n_blocks++;
}

static void block_recorded(struct history *h, struct block *block, int64_t ts)
{
	block->alloc = ts;
	block->recorded = true;
	displace(h, block);
}

static void do_malloc(struct history *h, unsigned process, unsigned thread)
{
	static const unsigned ops[] = { HEAP_MALLOC, HEAP_CALLOC, HEAP_MEMALIGN };
	int slot = free_slot(&h->processes[process]);
	unsigned op = ops[below(3)];
	struct block *block;

	if (slot < 0 || !below(40)) {
		row(h, process, thread, op, 0, 10, 0, 0, 7);
		h->failed++;
		return;
	}
	block = &h->blocks[block_new(h, process, thread, op, slot)];
	block_recorded(h, block,
		       row(h, process, thread, op, block->addr, block->size, 0, 0, block->stack));
}

/* The rows show the end of a block, by a free or a realloc. */
static void told(struct history *h, const struct slot *slot, unsigned thread, int64_t ts,
		 int unknown)
{
	struct block *block = &h->blocks[slot->block];

	if (!block->recorded) {
		h->notes[unknown]++;
	} else if (!slot->own) {
		h->notes[HEAP_INHERITED_FREE]++;
	} else {
		block->told = ts;
		block->end_thread = thread;
	}
}

static void do_free(struct history *h, unsigned process, unsigned thread)
{
	int at = used_slot(&h->processes[process]);
	struct slot *slot;

	if (!below(50))
		row(h, process, thread, HEAP_FREE, 0, 0, 0, 0, 9);
	if (at < 0)
		return;
	slot = &h->processes[process].slots[at];
	if (below(12)) {
		bool by_realloc = !below(8);
		int64_t ts = by_realloc
				     ? row(h, process, thread, HEAP_REALLOC, 0, 0, address(at),
					   h->now, 8)
				     : row(h, process, thread, HEAP_FREE, address(at), 0, 0, 0, 9);

		told(h, slot, thread, ts, by_realloc ? HEAP_UNKNOWN_REALLOC : HEAP_UNMATCHED_FREE);
	}
	slot->block = -1;
}

static void realloc_begin(struct history *h, unsigned process, unsigned thread)
{
	struct call *call = &h->calls[thread];
	int at = used_slot(&h->processes[process]),
	    to = below(4) ? free_slot(&h->processes[process]) : at;
	struct slot old;

	if (at < 0 || to < 0)
		return;
	if (!below(10)) {
		row(h, process, thread, HEAP_REALLOC, 0, 20, address(at), h->now - 2, 8);
		h->failed++;
		return;
	}
	h->now++;
	old = h->processes[process].slots[at];
	h->processes[process].slots[at].block = -1;
	*call = (struct call){
		.running = true,
		.old = old.block,
		.own = old.own,
		.began = h->now,
		.process = process,
		.new = block_new(h, process, thread, HEAP_REALLOC, to),
	};
	h->processes[process].slots[to].busy = true;
	h->now++;
}

static void realloc_end(struct history *h, unsigned thread)
{
	struct call *call = &h->calls[thread];
	struct block *new = &h->blocks[call->new];
	struct slot old = { call->old, call->own, false };
	int64_t ts = row(h, call->process, thread, HEAP_REALLOC, new->addr, new->size,
			 h->blocks[call->old].addr, call->began, new->stack);

	told(h, &old, thread, ts, HEAP_UNKNOWN_REALLOC);
	block_recorded(h, new, ts);
	call->running = false;
	for (int i = 0; i < ADDRESSES; i++)
		if (h->processes[call->process].slots[i].block == call->new)
			h->processes[call->process].slots[i].busy = false;
}

static void process_quiet(struct history *h, unsigned process)
{
	for (unsigned i = 0; i < THREADS; i++)
		if (h->calls[i].running && h->calls[i].process == process)
			realloc_end(h, i);
}

static unsigned process_new(struct history *h, bool unrecorded_blocks)
{
	struct process *process = &h->processes[h->n_processes];

	CHECK(h->n_processes < PROCESSES);
	process->alive = true;
	process->ended = NEVER;
	for (int i = 0; i < ADDRESSES; i++)
		process->slots[i].block = process->youngest[i] = -1;
	for (int i = 0; unrecorded_blocks && i < ADDRESSES / 4; i++)
		block_new(h, h->n_processes, 0, HEAP_MALLOC, i * 3);
	return h->n_processes++;
}

static void event(struct history *h, enum heap_event_kind kind, unsigned process, unsigned other)
{
	CHECK(h->n_events < EVENTS);
	h->now += 2;
	h->events[h->n_events++] = (struct heap_event){
		.session = h->session,
		.kind = kind,
		.ts_ns = h->now,
		.process_id = process_id(process),
		.other_id = process_id(other),
	};
}

static void do_fork(struct history *h, unsigned parent)
{
	unsigned child;

	process_quiet(h, parent);
	child = process_new(h, false);
	for (int i = 0; i < ADDRESSES; i++)
		h->processes[child].slots[i] = (struct slot){ h->processes[parent].slots[i].block,
							      false, false };
	event(h, HEAP_FORK, parent, child);
}

static void do_end(struct history *h, unsigned process, bool exec)
{
	process_quiet(h, process);
	event(h, exec ? HEAP_EXEC : HEAP_EXIT, process, exec ? process_new(h, false) : 0);
	h->processes[process].alive = false;
	h->processes[process].ended = h->now;
}

/* One thing happens in one thread; thread i works in any process. */
static void step(struct history *h)
{
	unsigned thread = below(THREADS), process = below(h->n_processes), what = below(1000);

	if (h->calls[thread].running) {
		realloc_end(h, thread);
		return;
	}
	for (unsigned i = 0; i < h->n_processes && !h->processes[process].alive; i++)
		process = (process + 1) % h->n_processes;
	if (!h->processes[process].alive)
		process = process_new(h, true);
	if (what < 3 && h->n_processes < PROCESSES - 2)
		do_fork(h, process);
	else if (what < 6 && h->n_processes < PROCESSES - 2)
		do_end(h, process, what == 3);
	else if (what < 440)
		do_malloc(h, process, thread);
	else if (what < 700)
		do_free(h, process, thread);
	else
		realloc_begin(h, process, thread);
}

static struct history *history_make(unsigned session)
{
	struct history *h = calloc(1, sizeof(*h));

	CHECK(h);
	h->session = session;
	h->now = 1000;
	process_new(h, true);
	for (int i = 0; i < STEPS; i++)
		step(h);
	for (unsigned i = 0; i < h->n_processes; i++)
		process_quiet(h, i);
	return h;
}

#endif
