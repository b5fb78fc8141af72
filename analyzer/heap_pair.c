#include "analyzer/heap_pair.h"

#include "analyzer/heap_books.h"
#include "analyzer/heap_events.h"
#include "analyzer/heap_live.h"

enum {
	CHUNK = 128,        /* rows whose slots are fetched ahead */
	DEAD_MIN = 1 << 16, /* blocks of ended processes that are not worth a sweep */
	FORKS_MAX = 256,    /* generations that a block is inherited over */
};

struct heap_pair {
	struct heap_pair_options options;
	struct heap_books books;
	struct live_set live;
	size_t dead; /* of them: of ended processes */
	struct former_ring displaced, freed;
	struct heap_events events;
	uint32_t last_process;
	int err;
};

struct row {
	int64_t ts_ns;
	uint64_t tid, addr, size_bytes, old_addr, stack_id;
	int64_t began_ns;
	uint32_t process, op;
	uint32_t site; /* a guess */
	uint64_t site_hash;
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
		.site = block->site,
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

int heap_pair_event(struct heap_pair *pair, const struct heap_event *event)
{
	return events_add(&pair->events, event);
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
static int events_apply(struct heap_pair *pair, unsigned session, int64_t ts_ns)
{
	const struct heap_event *event;
	int err = 0;

	while (!err && (event = events_next(&pair->events, session, ts_ns)))
		err = event_apply(pair, event);
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

static struct heap_site_key row_key(const struct heap_pair *pair, const struct row *row)
{
	return (struct heap_site_key){
		.stack_id = row->stack_id,
		.tid = pair->options.life ? row->tid : 0,
		.process = row->process,
		.op = row->op,
	};
}

static int row_alloc(struct heap_pair *pair, const struct row *row)
{
	struct heap_site_key key = row_key(pair, row);
	uint32_t at = books_site(&pair->books, &key, row->site_hash, row->site);
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

/* Makes room for a chunk. Blocks of ended processes go when they are most, or in passing. */
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

/* Takes a row and has its block, and the way to its site, fetched until it is paired. */
static int row_take(struct heap_pair *pair, const struct heap_rows *rows, size_t i, struct row *row)
{
	struct heap_site_key key;

	*row = (struct row){
		.ts_ns = (int64_t)cell(rows->ts_ns, i),
		.tid = cell(rows->tid, i),
		.op = (uint32_t)cell(rows->op, i),
		.addr = cell(rows->addr, i),
		.stack_id = cell(rows->stack_id, i),
		.process = row_process(pair, rows, i),
	};
	row->began_ns = row->ts_ns;
	live_prefetch(&pair->live, row->process, row->addr);
	if (row->op == HEAP_FREE)
		return row->process ? 0 : -ENOMEM;
	row->size_bytes = cell(rows->size_bytes, i);
	if (row->op == HEAP_REALLOC) {
		row->old_addr = cell(rows->old_addr, i);
		row->began_ns = (int64_t)((uint64_t)row->ts_ns - cell(rows->realloc_ns, i));
		live_prefetch(&pair->live, row->process, row->old_addr);
	}
	key = row_key(pair, row);
	row->site_hash = site_hash(&key);
	index_prefetch(&pair->books.by_site, row->site_hash);
	return row->process ? 0 : -ENOMEM;
}

/* The same for the site: the one that allocates or, probably, the one of what is freed. */
static void site_fetch(struct heap_pair *pair, struct row *row)
{
	if (row->op == HEAP_FREE)
		row->site = pair->live.slots[live_home(&pair->live, row->process, row->addr)].site;
	else
		row->site = books_site_guess(&pair->books, row->site_hash);
	if (row->site != INDEX_NONE)
		__builtin_prefetch(&pair->books.sites[row->site], 1);
}

static int chunk_pair(struct heap_pair *pair, const struct heap_rows *rows, size_t first, size_t n)
{
	struct row chunk[CHUNK];
	int err = live_reserve(pair);

	for (size_t i = 0; i < n && !err; i++)
		err = row_take(pair, rows, first + i, &chunk[i]);
	for (size_t i = 0; i < n && !err; i++)
		site_fetch(pair, &chunk[i]);
	for (size_t i = 0; i < n && !err; i++) {
		const struct row *row = &chunk[i];

		if (row->ts_ns < pair->options.from_ns || row->ts_ns > pair->options.to_ns)
			continue;
		err = events_apply(pair, rows->session, row->ts_ns);
		if (!err)
			err = row_pair(pair, row);
	}
	return err ? err : pair->err;
}

int heap_pair_rows(struct heap_pair *pair, const struct heap_rows *rows)
{
	int err = events_begin(&pair->events);

	for (size_t i = 0; i < rows->rows && !err; i += CHUNK)
		err = chunk_pair(pair, rows, i, rows->rows - i < CHUNK ? rows->rows - i : CHUNK);
	return err;
}

int heap_pair_finish(struct heap_pair *pair)
{
	const struct former_ring *ring = &pair->displaced;
	int err = events_begin(&pair->events);

	for (size_t i = 0; i < pair->events.n_queues && !err; i++)
		err = events_apply(pair, (unsigned)i, pair->options.to_ns);
	if (err)
		return err;
	for (size_t i = 0; i <= pair->live.mask; i++) {
		const struct live *block = &pair->live.slots[i];

		if (block->process && block_keep(pair, block))
			life_pass(pair, block, HEAP_HELD, 0, 0);
	}
	for (uint64_t i = ring->added < FORMER_MAX ? 0 : ring->added - FORMER_MAX; i < ring->added;
	     i++) {
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
	events_free(&pair->events);
	free(pair);
}
