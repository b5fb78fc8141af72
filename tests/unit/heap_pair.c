/*
 * The pairing of heap rows against histories that a simulated allocator makes: what became of every
 * block is known by construction. Blocks are handed from thread to thread; reallocs overlap with
 * allocations that get the address they gave up; rows of frees are lost; processes fork, exec and exit;
 * calls fail; two sessions are interleaved.
 */
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
	int64_t alloc, told, gone; /* its row, the row that tells its end, the row that took its address */
	unsigned end_thread;
	bool recorded;
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
	uint64_t values[] = { 0, process_id(process), thread_id(process, thread), op, addr, size, old,
			      0, stack };

	h->now += 1 + below(3);
	values[0] = (uint64_t)h->now;
	values[7] = op == HEAP_REALLOC ? (uint64_t)(h->now - began) : 0;
	for (int i = 0; i < 9; i++)
		h->columns[i][h->n_rows] = values[i];
	CHECK(++h->n_rows < ROWS);
	return h->now;
}

/* A row gave the address out: a recorded block that the rows still show as live there is displaced. */
static void displace(struct history *h, const struct block *young)
{
	for (int i = 0; i < h->n_blocks; i++) {
		struct block *old = &h->blocks[i];

		if (old != young && old->recorded && old->process == young->process &&
		    old->addr == young->addr && old->alloc < young->alloc &&
		    old->told > young->alloc && old->gone > young->alloc)
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
	};
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
	block_recorded(h, block, row(h, process, thread, op, block->addr, block->size, 0, 0,
				     block->stack));
}

/* The rows show the end of a block, by a free or a realloc. */
static void told(struct history *h, const struct slot *slot, unsigned thread, int64_t ts, int unknown)
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
		int64_t ts = by_realloc ? row(h, process, thread, HEAP_REALLOC, 0, 0, address(at),
					      h->now, 8) :
					  row(h, process, thread, HEAP_FREE, address(at), 0, 0, 0, 9);

		told(h, slot, thread, ts, by_realloc ? HEAP_UNKNOWN_REALLOC : HEAP_UNMATCHED_FREE);
	}
	slot->block = -1;
}

static void realloc_begin(struct history *h, unsigned process, unsigned thread)
{
	struct call *call = &h->calls[thread];
	int at = used_slot(&h->processes[process]), to = below(4) ? free_slot(&h->processes[process]) : at;
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
		process->slots[i].block = -1;
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
		h->processes[child].slots[i] = (struct slot){ h->processes[parent].slots[i].block, false, false };
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

/* ---- What the pairing says */

struct life {
	unsigned session;
	uint64_t process, stack, op, tid, addr, size, end_tid;
	int64_t alloc, end_ns;
	enum heap_life_end end;
};

struct lives {
	struct life lives[2 * BLOCKS];
	size_t n;
};

static int life_keep(void *context, const struct heap_life *life)
{
	struct lives *lives = context;

	CHECK(lives->n < 2 * BLOCKS);
	lives->lives[lives->n++] = (struct life){
		life->site->session, life->site->process_id, life->site->stack_id, life->site->op,
		life->site->tid,     life->addr,	     life->size_bytes,	   life->end_tid,
		life->alloc_ns,      life->end_ns,	     life->end,
	};
	return 0;
}

static int life_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct life));
}

static void feed(struct heap_pair *pair, struct history *h, size_t n)
{
	struct heap_rows rows = { .session = h->session, .rows = n };
	const uint64_t **columns[] = { &rows.ts_ns,	 &rows.process_id, &rows.tid,
				       &rows.op,	 &rows.addr,	   &rows.size_bytes,
				       &rows.old_addr, &rows.realloc_ns, &rows.stack_id };

	for (int i = 0; i < 9; i++)
		*columns[i] = h->columns[i] + h->fed;
	CHECK_EQUAL(heap_pair_rows(pair, &rows), 0);
	h->fed += n;
}

static void run(struct heap_pair *pair, struct history **histories)
{
	histories[0]->fed = histories[1]->fed = 0;
	for (int i = 0; i < 2; i++)
		for (size_t j = histories[i]->n_events; j--;)
			CHECK_EQUAL(heap_pair_event(pair, &histories[i]->events[j]), 0);
	for (;;) {
		struct history *h = histories[below(2)];
		size_t n = h->n_rows - h->fed, piece = 1 + below(1000);

		feed(pair, h, n < piece ? n : piece);
		if (histories[0]->fed == histories[0]->n_rows &&
		    histories[1]->fed == histories[1]->n_rows)
			break;
	}
	CHECK_EQUAL(heap_pair_finish(pair), 0);
}

static struct life life_expected(const struct history *h, const struct block *block)
{
	struct life life = {
		h->session,
		process_id(block->process),
		block->stack,
		block->op,
		thread_id(block->process, block->thread),
		block->addr,
		block->size,
		.alloc = block->alloc,
	};

	if (block->told != NEVER) {
		life.end = HEAP_FREED;
		life.end_tid = thread_id(block->process, block->end_thread);
		life.end_ns = block->told < block->gone ? block->told : block->gone;
	} else if (block->gone != NEVER) {
		life.end = HEAP_GONE;
		life.end_ns = block->gone;
	}
	return life;
}

static void check_lives(struct history **histories, struct lives *got)
{
	static struct lives wanted;
	size_t ends[3] = { 0 };

	wanted.n = 0;
	for (int i = 0; i < 2; i++)
		for (int j = 0; j < histories[i]->n_blocks; j++)
			if (histories[i]->blocks[j].recorded)
				wanted.lives[wanted.n++] =
					life_expected(histories[i], &histories[i]->blocks[j]);
	qsort(wanted.lives, wanted.n, sizeof(struct life), life_compare);
	qsort(got->lives, got->n, sizeof(struct life), life_compare);
	CHECK_EQUAL(got->n, wanted.n);
	for (size_t i = 0; i < wanted.n; i++) {
		if (memcmp(&wanted.lives[i], &got->lives[i], sizeof(struct life)))
			FAIL("life %zu of %#" PRIx64 " from %" PRId64 ": end %d at %" PRId64
			     ", not %d at %" PRId64,
			     i, wanted.lives[i].addr, wanted.lives[i].alloc, got->lives[i].end,
			     got->lives[i].end_ns, wanted.lives[i].end, wanted.lives[i].end_ns);
		ends[wanted.lives[i].end]++;
	}
	CHECK(ends[HEAP_HELD] > 50 && ends[HEAP_FREED] > 5000 && ends[HEAP_GONE] > 200);
}

static void check_notes(struct history **histories, const struct heap_pair *pair)
{
	uint64_t got[2][5] = { 0 };
	size_t n;
	const struct heap_note *notes = heap_pair_notes(pair, &n);

	for (size_t i = 0; i < n; i++)
		got[notes[i].session][notes[i].kind] += notes[i].n;
	for (int i = 0; i < 2; i++) {
		uint64_t displaced = 0;

		for (int j = 0; j < histories[i]->n_blocks; j++)
			displaced += histories[i]->blocks[j].told == NEVER &&
				     histories[i]->blocks[j].gone != NEVER;
		CHECK_EQUAL(got[i][HEAP_DISPLACED], displaced);
		CHECK_EQUAL(got[i][HEAP_FAILED], histories[i]->failed);
		for (int j = 0; j < 5; j++)
			if (j != HEAP_DISPLACED && j != HEAP_FAILED)
				CHECK_EQUAL(got[i][j], histories[i]->notes[j]);
		CHECK(got[i][HEAP_INHERITED_FREE] > 20 && got[i][HEAP_UNMATCHED_FREE] > 0);
	}
}

/* ---- Sites in a window */

static bool of_site(const struct history *h, const struct block *block, const struct heap_site *site)
{
	return h->session == site->session && block->recorded &&
	       process_id(block->process) == site->process_id && block->stack == site->stack_id &&
	       block->op == site->op;
}

static void check_site(const struct history *h, const struct heap_site *site, int64_t from, int64_t to)
{
	uint64_t allocs = 0, bytes = 0, frees = 0, freed_bytes = 0, displaced = 0, at_exit = 0;
	int64_t first = INT64_MAX, last = INT64_MIN;

	for (int i = 0; i < h->n_blocks; i++) {
		const struct block *block = &h->blocks[i];

		if (!of_site(h, block, site) || block->alloc < from || block->alloc > to)
			continue;
		allocs++;
		bytes += block->size;
		frees += block->told <= to;
		freed_bytes += block->told <= to ? block->size : 0;
		displaced += block->told > to && block->gone <= to;
		at_exit += block->told > to && block->gone > to &&
			   h->processes[block->process].ended <= to;
		first = block->alloc < first ? block->alloc : first;
		last = block->alloc > last ? block->alloc : last;
	}
	CHECK_EQUAL(site->allocs, allocs);
	CHECK_EQUAL(site->alloc_bytes, bytes);
	CHECK_EQUAL(site->frees, frees);
	CHECK_EQUAL(site->freed_bytes, freed_bytes);
	CHECK_EQUAL(site->displaced, displaced);
	CHECK_EQUAL(heap_site_held(site), allocs - frees - displaced);
	CHECK_EQUAL(site->held_at_exit, at_exit);
	if (!site->failed) {
		CHECK_EQUAL(site->first_ns, first);
		CHECK_EQUAL(site->last_ns, last);
	}
}

static uint64_t recorded_in(struct history **histories, int64_t from, int64_t to)
{
	uint64_t n = 0;

	for (int i = 0; i < 2; i++)
		for (int j = 0; j < histories[i]->n_blocks; j++)
			n += histories[i]->blocks[j].recorded && histories[i]->blocks[j].alloc >= from &&
			     histories[i]->blocks[j].alloc <= to;
	return n;
}

static void check_sites(struct history **histories, int64_t from, int64_t to)
{
	struct heap_pair_options options = { .from_ns = from, .to_ns = to };
	const struct heap_site *sites;
	struct heap_pair *pair;
	uint64_t allocs = 0;
	size_t n;

	CHECK_EQUAL(heap_pair_open(&options, &pair), 0);
	run(pair, histories);
	sites = heap_pair_sites(pair, &n);
	for (size_t i = 0; i < n; i++) {
		check_site(histories[sites[i].session], &sites[i], from, to);
		allocs += sites[i].allocs;
	}
	CHECK_EQUAL(allocs, recorded_in(histories, from, to));
	heap_pair_close(pair);
}

int main(void)
{
	static struct lives lives;

	for (unsigned seed = 1; seed <= 4; seed++) {
		struct heap_pair_options options = { INT64_MIN, INT64_MAX, life_keep, &lives };
		struct history *histories[2];
		struct heap_pair *pair;

		srandom(seed);
		histories[0] = history_make(0);
		histories[1] = history_make(1);
		lives.n = 0;
		CHECK_EQUAL(heap_pair_open(&options, &pair), 0);
		run(pair, histories);
		check_lives(histories, &lives);
		check_notes(histories, pair);
		heap_pair_close(pair);
		check_sites(histories, 0, NEVER - 1);
		for (int i = 0; i < 3; i++) {
			int64_t from = below((unsigned)histories[0]->now);

			check_sites(histories, from, from + below(20000));
		}
		free(histories[0]);
		free(histories[1]);
	}
	return 0;
}
