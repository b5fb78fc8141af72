/*
 * The pairing of heap rows against simulated histories, two interleaved sessions each: every life,
 * note and site is known by construction, the sites in windows too.
 */
#include "tests/unit/heap_history.h"

struct life {
	uint64_t session, process, stack, op, tid, addr, size, end_tid;
	int64_t alloc, end_ns, end;
};

struct lives {
	struct life lives[2 * BLOCKS];
	size_t n;
	const struct heap_pair *pair;
};

static int life_keep(void *context, const struct heap_life *life)
{
	struct lives *lives = context;
	size_t n;
	const struct heap_site *site = heap_pair_sites(lives->pair, &n) + life->site;

	CHECK(lives->n < 2 * BLOCKS);
	lives->lives[lives->n++] = (struct life){
		site->session,  site->process_id, site->stack_id,   site->op,
		site->tid,      life->addr,       life->size_bytes, life->end_tid,
		life->alloc_ns, life->end_ns,     life->end,
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
	const uint64_t **columns[] = { &rows.ts_ns,    &rows.process_id, &rows.tid,
				       &rows.op,       &rows.addr,       &rows.size_bytes,
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
				wanted.lives[wanted.n++] = life_expected(histories[i],
									 &histories[i]->blocks[j]);
	qsort(wanted.lives, wanted.n, sizeof(struct life), life_compare);
	qsort(got->lives, got->n, sizeof(struct life), life_compare);
	CHECK_EQUAL(got->n, wanted.n);
	for (size_t i = 0; i < wanted.n; i++) {
		if (memcmp(&wanted.lives[i], &got->lives[i], sizeof(struct life)))
			FAIL("life %zu of %#" PRIx64 " from %" PRId64 ": end %" PRId64
			     " at %" PRId64 ", not %" PRId64 " at %" PRId64,
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

enum { STACKS = 8, OPS = 6 };

struct sites {
	struct heap_site sites[2][PROCESSES][STACKS][OPS];
	size_t n;
};

static void site_expect(struct sites *sites, const struct history *h, const struct block *block,
			int64_t from, int64_t to)
{
	struct heap_site *site = &sites->sites[h->session][block->process][block->stack][block->op];

	if (!block->recorded || block->alloc < from || block->alloc > to)
		return;
	sites->n += !site->allocs;
	site->first_ns = site->allocs && site->first_ns < block->alloc ? site->first_ns
								       : block->alloc;
	site->last_ns = site->last_ns > block->alloc ? site->last_ns : block->alloc;
	site->allocs++;
	site->alloc_bytes += block->size;
	site->frees += block->told <= to;
	site->freed_bytes += block->told <= to ? block->size : 0;
	site->displaced += block->told > to && block->gone <= to;
	site->displaced_bytes += block->told > to && block->gone <= to ? block->size : 0;
	site->held_at_exit += block->told > to && block->gone > to &&
			      h->processes[block->process].ended <= to;
}

static void check_site(const struct heap_site *site, const struct heap_site *wanted)
{
	CHECK_EQUAL(site->allocs, wanted->allocs);
	CHECK_EQUAL(site->alloc_bytes, wanted->alloc_bytes);
	CHECK_EQUAL(site->frees, wanted->frees);
	CHECK_EQUAL(site->freed_bytes, wanted->freed_bytes);
	CHECK_EQUAL(heap_site_held(site), wanted->allocs - wanted->frees - wanted->displaced);
	CHECK_EQUAL(heap_site_held_bytes(site),
		    wanted->alloc_bytes - wanted->freed_bytes - wanted->displaced_bytes);
	CHECK_EQUAL(site->held_at_exit, wanted->held_at_exit);
	CHECK_EQUAL(site->first_ns, wanted->first_ns);
	CHECK_EQUAL(site->last_ns, wanted->last_ns);
}

static void check_sites(struct history **histories, int64_t from, int64_t to)
{
	struct heap_pair_options options = { .from_ns = from, .to_ns = to };
	static struct sites wanted;
	const struct heap_site *sites;
	struct heap_pair *pair;
	size_t n, allocating = 0;

	memset(&wanted, 0, sizeof(wanted));
	for (int i = 0; i < 2; i++)
		for (int j = 0; j < histories[i]->n_blocks; j++)
			site_expect(&wanted, histories[i], &histories[i]->blocks[j], from, to);
	CHECK_EQUAL(heap_pair_open(&options, &pair), 0);
	run(pair, histories);
	sites = heap_pair_sites(pair, &n);
	for (size_t i = 0; i < n; i++) {
		unsigned process = (unsigned)(sites[i].process_id - process_id(0));

		CHECK(process < PROCESSES && sites[i].stack_id < 10);
		/* Stacks from 7 on only fail. */
		CHECK_EQUAL(sites[i].failed > 0, sites[i].stack_id >= 7);
		if (sites[i].stack_id >= 7)
			continue;
		allocating++;
		check_site(
			&sites[i],
			&wanted.sites[sites[i].session][process][sites[i].stack_id][sites[i].op]);
	}
	CHECK_EQUAL(allocating, wanted.n);
	CHECK(wanted.n > 10);
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
		lives.pair = pair;
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
