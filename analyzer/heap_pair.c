#include "analyzer/heap_pair.h"

#include <limits.h>
#include "analyzer/heap_books.h"
#include "analyzer/heap_live.h"

enum {
	CHUNK = 128,        /* rows whose slots are fetched ahead */
	DEAD_MIN = 1 << 16, /* blocks of ended processes that are not worth a sweep */
	FORKS_MAX = 256,    /* generations that a block is inherited over */
};

struct ordered_event {
	struct heap_event event;
	size_t order;
};

/* The events of a session that are still to come. */
struct event_queue {
	size_t next, end;
};

struct heap_pair {
	struct heap_pair_options options;
	struct heap_books books;
	struct live_set live;
	size_t dead; /* of them: of ended processes */
	struct former_ring displaced, freed;
	struct ordered_event *events;
	struct event_queue *queues; /* by session */
	size_t n_events, event_capacity, n_queues;
	uint32_t last_process;
	int err;
};

struct row {
	int64_t ts_ns;
	uint64_t tid, op, addr, size_bytes, old_addr, stack_id;
	int64_t began_ns;
	uint32_t process;
};

int heap_pair_open(const struct heap_pair_options *options, struct heap_pair **out)
{
	struct heap_pair *pair = calloc(1, sizeof(*pair));
	int err;

	*out = NULL;
	if (!pair)
		return -ENOMEM;
	pair->options = *options;
	err = books_open(&pair->books);
	if (!err)
		err = former_open(&pair->displaced);
	if (!err)
		err = former_open(&pair->freed);
	if (!err)
		err = live_resize(&pair->live, 0, NULL, NULL);
	if (err) {
		heap_pair_close(pair);
		return err;
	}
	*out = pair;
	return 0;
}

static struct heap_process *process_at(struct heap_pair *pair, uint32_t at)
{
	return &pair->books.processes[at];
}

/* An error of the caller's sticks: it may come while the live set is moved. */
static void life_pass(struct heap_pair *pair, const struct live *block, enum heap_life_end end,
		      int64_t end_ns, uint64_t tid)
{
	struct heap_life life = {
		.site = &pair->books.sites[block->site],
		.addr = block->addr,
		.size_bytes = block->size_bytes,
		.alloc_ns = block->alloc_ns,
		.end_ns = end_ns,
		.end_tid = tid,
		.end = end,
	};

	if (pair->options.life && !pair->err)
		pair->err = pair->options.life(pair->options.context, &life);
}

/* ---- Life of processes */

int heap_pair_event(struct heap_pair *pair, const struct heap_event *event)
{
	size_t n = pair->n_events;
	int err = array_grow(&pair->events, &pair->event_capacity, n, sizeof(*pair->events));

	if (err)
		return err;
	pair->events[n] = (struct ordered_event){ .event = *event, .order = n };
	pair->n_events++;
	return 0;
}

static int event_compare(const void *left, const void *right)
{
	const struct ordered_event *a = left, *b = right;

	if (a->event.session != b->event.session)
		return a->event.session < b->event.session ? -1 : 1;
	if (a->event.ts_ns != b->event.ts_ns)
		return a->event.ts_ns < b->event.ts_ns ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* Sorts the events and tells the sessions apart. */
static int events_queue(struct heap_pair *pair)
{
	size_t n = pair->n_events;

	if (pair->queues || !n)
		return 0;
	qsort(pair->events, n, sizeof(*pair->events), event_compare);
	pair->n_queues = pair->events[n - 1].event.session + 1;
	pair->queues = calloc(pair->n_queues, sizeof(*pair->queues));
	if (!pair->queues)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct event_queue *queue = &pair->queues[pair->events[i].event.session];

		if (!queue->end)
			queue->next = i;
		queue->end = i + 1;
	}
	return 0;
}

static int event_apply(struct heap_pair *pair, const struct heap_event *event)
{
	uint32_t at = books_process(&pair->books, event->session, event->process_id), child;

	if (!at)
		return -ENOMEM;
	if (event->kind != HEAP_FORK) {
		struct heap_process *process = process_at(pair, at);

		if (!process->ended)
			pair->dead += process->live;
		process->ended = true;
		return 0;
	}
	child = books_process(&pair->books, event->session, event->other_id);
	if (!child)
		return -ENOMEM;
	process_at(pair, at)->last_fork_ns = event->ts_ns;
	process_at(pair, child)->parent = at;
	process_at(pair, child)->forked_ns = event->ts_ns;
	return 0;
}

/* Applies what happened in the session until then. */
static int events_until(struct heap_pair *pair, unsigned session, int64_t ts_ns)
{
	struct event_queue *queue;
	int err = 0;

	if (session >= pair->n_queues)
		return 0;
	queue = &pair->queues[session];
	while (!err && queue->next < queue->end && pair->events[queue->next].event.ts_ns <= ts_ns)
		err = event_apply(pair, &pair->events[queue->next++].event);
	return err;
}

/* ---- Blocks begin and end */

static void live_count(struct heap_pair *pair, uint32_t at, int n)
{
	struct heap_process *process = process_at(pair, at);

	process->live += (size_t)n;
	if (process->ended)
		pair->dead += (size_t)n;
}

static void block_free(struct heap_pair *pair, const struct live *block, int64_t end_ns,
		       uint64_t tid)
{
	struct heap_site *site = &pair->books.sites[block->site];

	/* A child forked while it was live may still free its copy. */
	if (block->alloc_ns <= process_at(pair, block->process)->last_fork_ns)
		former_add(&pair->freed, block, end_ns);
	site->frees++;
	site->freed_bytes += block->size_bytes;
	life_pass(pair, block, HEAP_FREED, end_ns, tid);
}

/* Takes the block out of the live ones. */
static void live_end(struct heap_pair *pair, struct live *slot, const struct row *row)
{
	struct live block = *slot;

	live_count(pair, block.process, -1);
	live_remove(&pair->live, slot);
	block_free(pair, &block, row->ts_ns, row->tid);
}

/* The displaced block is one that a realloc had taken: its end is known after all. */
static int displaced_claim(struct heap_pair *pair, struct former *former, const struct row *row)
{
	struct heap_site *site = &pair->books.sites[former->block.site];

	former->claimed = true;
	site->displaced--;
	site->displaced_bytes -= former->block.size_bytes;
	block_free(pair, &former->block, former->gone_ns, row->tid);
	return books_note(&pair->books, site->process, site->stack_id, HEAP_DISPLACED, -1);
}

static bool block_inherited(struct heap_pair *pair, uint32_t at, uint64_t addr)
{
	for (int i = 0; i < FORKS_MAX && process_at(pair, at)->parent; i++) {
		int64_t forked_ns = process_at(pair, at)->forked_ns;
		const struct live *live;

		at = process_at(pair, at)->parent;
		live = live_find(&pair->live, at, addr);
		if ((live && live->alloc_ns <= forked_ns) ||
		    former_at(&pair->freed, at, addr, forked_ns) ||
		    former_at(&pair->displaced, at, addr, forked_ns))
			return true;
	}
	return false;
}

/* Ends the block that was at the address when the call began. */
static int block_end(struct heap_pair *pair, const struct row *row, uint64_t addr)
{
	struct live *live = live_find(&pair->live, row->process, addr);
	struct former *former;
	enum heap_note_kind note;

	if (live && live->alloc_ns <= row->began_ns) {
		live_end(pair, live, row);
		return 0;
	}
	former = former_at(&pair->displaced, row->process, addr, row->began_ns);
	if (former)
		return displaced_claim(pair, former, row);
	note = row->op == HEAP_FREE ? HEAP_UNMATCHED_FREE : HEAP_UNKNOWN_REALLOC;
	if (block_inherited(pair, row->process, addr))
		note = HEAP_INHERITED_FREE;
	return books_note(&pair->books, row->process, row->stack_id, note, 1);
}

/* The block's address was given away at gone_ns, and nothing had ended it. */
static int block_displace(struct heap_pair *pair, const struct live *block, int64_t gone_ns)
{
	struct heap_site *site = &pair->books.sites[block->site];
	const struct former *oldest = former_oldest(&pair->displaced);

	if (oldest && !oldest->claimed)
		life_pass(pair, &oldest->block, HEAP_GONE, oldest->gone_ns, 0);
	former_add(&pair->displaced, block, gone_ns);
	site->displaced++;
	site->displaced_bytes += block->size_bytes;
	return books_note(&pair->books, site->process, site->stack_id, HEAP_DISPLACED, 1);
}

static int block_begin(struct heap_pair *pair, const struct row *row, uint32_t at)
{
	struct heap_site *site = &pair->books.sites[at];
	struct live *old = live_find(&pair->live, row->process, row->addr);
	struct live displaced, block = {
		.addr = row->addr,
		.alloc_ns = row->ts_ns,
		.size_bytes = row->size_bytes,
		.process = row->process,
		.site = at,
	};

	site->allocs++;
	site->alloc_bytes += row->size_bytes;
	/* A late row: the younger block stays. */
	if (old && old->alloc_ns > row->ts_ns)
		return block_displace(pair, &block, old->alloc_ns);
	if (!old) {
		live_add(&pair->live, &block);
		live_count(pair, row->process, 1);
		return 0;
	}
	displaced = *old;
	*old = block;
	return block_displace(pair, &displaced, row->ts_ns);
}

static int row_alloc(struct heap_pair *pair, const struct row *row)
{
	uint32_t at = books_site(&pair->books, row->process, row->stack_id, row->op,
				 pair->options.life ? row->tid : 0);
	struct heap_site *site;

	if (at == INDEX_NONE)
		return -ENOMEM;
	site = &pair->books.sites[at];
	if (row->ts_ns < site->first_ns)
		site->first_ns = row->ts_ns;
	if (row->ts_ns > site->last_ns)
		site->last_ns = row->ts_ns;
	if (row->addr)
		return block_begin(pair, row, at);
	site->failed++;
	return books_note(&pair->books, row->process, row->stack_id, HEAP_FAILED, 1);
}

static int row_realloc(struct heap_pair *pair, const struct row *row)
{
	bool freed = !row->addr && !row->size_bytes && row->old_addr;
	int err = 0;

	if (row->old_addr && (row->addr || freed))
		err = block_end(pair, row, row->old_addr);
	return err || freed ? err : row_alloc(pair, row);
}

static int row_pair(struct heap_pair *pair, const struct row *row)
{
	if (row->op == HEAP_REALLOC)
		return row_realloc(pair, row);
	if (row->op != HEAP_FREE)
		return row_alloc(pair, row);
	return row->addr ? block_end(pair, row, row->addr) : 0;
}

/* ---- Rows */

/* Whether the block's process lives on; if not, it is accounted for. */
static bool block_keep(void *context, const struct live *block)
{
	struct heap_pair *pair = context;
	struct heap_process *process = process_at(pair, block->process);

	if (!process->ended)
		return true;
	if (block->alloc_ns <= process->last_fork_ns)
		former_add(&pair->freed, block, INT64_MAX);
	pair->books.sites[block->site].held_at_exit++;
	life_pass(pair, block, HEAP_HELD, 0, 0);
	process->live--;
	pair->dead--;
	return false;
}

/* Makes room for a chunk. Blocks of ended processes go when they are the greater part, or in passing. */
static int live_reserve(struct heap_pair *pair)
{
	size_t live = pair->live.count - pair->dead;

	if (!live_full(&pair->live, CHUNK) && (pair->dead < DEAD_MIN || pair->dead < live))
		return 0;
	return live_resize(&pair->live, live + live / 2 + CHUNK, block_keep, pair);
}

static uint64_t cell(const uint64_t *column, size_t i)
{
	return column ? column[i] : 0;
}

static uint32_t row_process(struct heap_pair *pair, const struct heap_rows *rows, size_t i)
{
	const struct heap_process *last = process_at(pair, pair->last_process);
	uint64_t id = cell(rows->process_id, i);

	if (!pair->last_process || last->id != id || last->session != rows->session)
		pair->last_process = books_process(&pair->books, rows->session, id);
	return pair->last_process;
}

static struct row row_take(const struct heap_rows *rows, size_t i, uint32_t process)
{
	struct row row = {
		.ts_ns = (int64_t)cell(rows->ts_ns, i),
		.tid = cell(rows->tid, i),
		.op = cell(rows->op, i),
		.addr = cell(rows->addr, i),
		.size_bytes = cell(rows->size_bytes, i),
		.stack_id = cell(rows->stack_id, i),
		.process = process,
	};

	row.began_ns = row.ts_ns;
	if (row.op == HEAP_REALLOC) {
		row.old_addr = cell(rows->old_addr, i);
		row.began_ns = (int64_t)((uint64_t)row.ts_ns - cell(rows->realloc_ns, i));
	}
	return row;
}

static int chunk_pair(struct heap_pair *pair, const struct heap_rows *rows, size_t first, size_t n)
{
	uint32_t processes[CHUNK];
	int err = live_reserve(pair);

	for (size_t i = 0; i < n && !err; i++) {
		processes[i] = row_process(pair, rows, first + i);
		live_prefetch(&pair->live, processes[i], cell(rows->addr, first + i));
		if (cell(rows->old_addr, first + i))
			live_prefetch(&pair->live, processes[i], rows->old_addr[first + i]);
		err = processes[i] ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < n && !err; i++) {
		struct row row = row_take(rows, first + i, processes[i]);

		if (row.ts_ns < pair->options.from_ns || row.ts_ns > pair->options.to_ns)
			continue;
		err = events_until(pair, rows->session, row.ts_ns);
		if (!err)
			err = row_pair(pair, &row);
	}
	return err ? err : pair->err;
}

int heap_pair_rows(struct heap_pair *pair, const struct heap_rows *rows)
{
	int err = events_queue(pair);

	for (size_t i = 0; i < rows->rows && !err; i += CHUNK)
		err = chunk_pair(pair, rows, i, rows->rows - i < CHUNK ? rows->rows - i : CHUNK);
	return err;
}

int heap_pair_finish(struct heap_pair *pair)
{
	const struct former_ring *ring = &pair->displaced;
	int err = events_queue(pair);

	for (size_t i = 0; i < pair->n_queues && !err; i++)
		err = events_until(pair, (unsigned)i, pair->options.to_ns);
	if (err)
		return err;
	for (size_t i = 0; i <= pair->live.mask; i++) {
		const struct live *block = &pair->live.slots[i];

		if (block->process && block_keep(pair, block))
			life_pass(pair, block, HEAP_HELD, 0, 0);
	}
	for (uint64_t i = ring->added < FORMER_MAX ? 0 : ring->added - FORMER_MAX; i < ring->added; i++) {
		const struct former *former = &ring->ring[i % FORMER_MAX];

		if (!former->claimed)
			life_pass(pair, &former->block, HEAP_GONE, former->gone_ns, 0);
	}
	return pair->err;
}

const struct heap_site *heap_pair_sites(const struct heap_pair *pair, size_t *n)
{
	*n = pair->books.n_sites;
	return pair->books.sites;
}

const struct heap_note *heap_pair_notes(const struct heap_pair *pair, size_t *n)
{
	*n = pair->books.n_notes;
	return pair->books.notes;
}

void heap_pair_close(struct heap_pair *pair)
{
	if (!pair)
		return;
	books_close(&pair->books);
	live_free(&pair->live);
	former_close(&pair->displaced);
	former_close(&pair->freed);
	free(pair->events);
	free(pair->queues);
	free(pair);
}
