/*
 * The pairing's bounded memories: blocks of ended processes are swept, displaced ones forgotten;
 * and what rows behind their time do.
 */
#include "analyzer/heap_live.h"
#include "analyzer/heap_pair.h"
#include "tests/check.h"

struct counts {
	uint64_t ends[3];
	int64_t end_sum;
};

static int life_count(void *context, const struct heap_life *life)
{
	struct counts *counts = context;

	counts->ends[life->end]++;
	counts->end_sum += life->end_ns;
	return 0;
}

static struct heap_pair *pair_new(struct counts *counts)
{
	struct heap_pair_options options = { INT64_MIN, INT64_MAX, life_count, counts };
	struct heap_pair *pair;

	*counts = (struct counts){ 0 };
	CHECK_EQUAL(heap_pair_open(&options, &pair), 0);
	return pair;
}

static void row(struct heap_pair *pair, uint64_t ts, uint64_t process, uint64_t op, uint64_t addr,
		uint64_t old, uint64_t duration)
{
	uint64_t size = 10;
	struct heap_rows rows = {
		.rows = 1,
		.ts_ns = &ts,
		.process_id = &process,
		.op = &op,
		.addr = &addr,
		.size_bytes = &size,
		.old_addr = &old,
		.realloc_ns = &duration,
	};

	CHECK_EQUAL(heap_pair_rows(pair, &rows), 0);
}

static uint64_t note_sum(const struct heap_pair *pair, enum heap_note_kind kind)
{
	size_t n;
	const struct heap_note *notes = heap_pair_notes(pair, &n);
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += notes[i].kind == kind ? notes[i].n : 0;
	return sum;
}

/* Each of many processes leaves blocks behind, more in all than are ever live together. */
static void check_sweep(void)
{
	enum { PROCESSES = 500, BLOCKS = 1000 };
	struct counts counts;
	struct heap_pair *pair = pair_new(&counts);
	const struct heap_site *sites;
	size_t n;

	for (uint64_t p = 1; p <= PROCESSES; p++) {
		struct heap_event event = { 0, HEAP_EXIT, (int64_t)(p * 10000 + 9999), p, 0 };

		CHECK_EQUAL(heap_pair_event(pair, &event), 0);
	}
	for (uint64_t p = 1; p <= PROCESSES; p++)
		for (uint64_t i = 0; i < BLOCKS; i++)
			row(pair, p * 10000 + i, p, HEAP_MALLOC, 16 + i * 16, 0, 0);
	CHECK(counts.ends[HEAP_HELD] > PROCESSES * BLOCKS / 2);
	CHECK_EQUAL(heap_pair_finish(pair), 0);
	CHECK_EQUAL(counts.ends[HEAP_HELD], PROCESSES * BLOCKS);
	sites = heap_pair_sites(pair, &n);
	CHECK_EQUAL(n, PROCESSES);
	for (size_t i = 0; i < n; i++)
		CHECK_EQUAL(sites[i].held_at_exit, BLOCKS);
	heap_pair_close(pair);
}

/* What is displaced longest ago is given up: its life ends, and no realloc finds it any more. */
static void check_forgotten(void)
{
	enum { N = FORMER_MAX + 100 };
	struct counts counts;
	struct heap_pair *pair = pair_new(&counts);

	for (uint64_t i = 0; i < N; i++)
		row(pair, 1000 + i * 2, 1, HEAP_MALLOC, 16 + i * 16, 0, 0);
	for (uint64_t i = 0; i < N; i++)
		row(pair, 1000000 + i * 2, 1, HEAP_MALLOC, 16 + i * 16, 0, 0);
	CHECK_EQUAL(counts.ends[HEAP_GONE], 100);
	CHECK_EQUAL(note_sum(pair, HEAP_DISPLACED), N);
	/* Both began before all displacements: the youngest is found, the oldest is not. */
	row(pair, 2000000, 1, HEAP_REALLOC, 8, 16 + (N - 1) * 16, 1000001);
	row(pair, 2000001, 1, HEAP_REALLOC, 9, 16, 1000002);
	CHECK_EQUAL(note_sum(pair, HEAP_DISPLACED), N - 1);
	CHECK_EQUAL(note_sum(pair, HEAP_UNKNOWN_REALLOC), 1);
	CHECK_EQUAL(heap_pair_finish(pair), 0);
	CHECK_EQUAL(counts.ends[HEAP_GONE], N - 1);
	CHECK_EQUAL(counts.ends[HEAP_FREED], 1);
	CHECK_EQUAL(counts.ends[HEAP_HELD], N + 2);
	heap_pair_close(pair);
}

/* Behind their time: a free, and an allocation with its free. Times decide, not the order. */
static void check_late(void)
{
	struct counts counts;
	struct heap_pair *pair = pair_new(&counts);

	row(pair, 10, 1, HEAP_MALLOC, 16, 0, 0);
	row(pair, 30, 1, HEAP_MALLOC, 16, 0, 0);
	row(pair, 20, 1, HEAP_FREE, 16, 0, 0);
	CHECK_EQUAL(counts.ends[HEAP_FREED], 1);
	CHECK_EQUAL(note_sum(pair, HEAP_DISPLACED), 0);
	row(pair, 24, 1, HEAP_MALLOC, 16, 0, 0);
	row(pair, 26, 1, HEAP_FREE, 16, 0, 0);
	CHECK_EQUAL(counts.ends[HEAP_FREED], 2);
	CHECK_EQUAL(note_sum(pair, HEAP_DISPLACED), 0);
	row(pair, 40, 1, HEAP_FREE, 16, 0, 0);
	CHECK_EQUAL(counts.ends[HEAP_FREED], 3);
	CHECK_EQUAL(counts.end_sum, 30 + 30 + 40);
	row(pair, 50, 1, HEAP_FREE, 16, 0, 0);
	CHECK_EQUAL(note_sum(pair, HEAP_UNMATCHED_FREE), 1);
	CHECK_EQUAL(heap_pair_finish(pair), 0);
	CHECK_EQUAL(counts.ends[HEAP_HELD], 0);
	heap_pair_close(pair);
}

/* A displaced block is not found by what began after it was gone, nor a second time. */
static void check_once(void)
{
	struct counts counts;
	struct heap_pair *pair = pair_new(&counts);

	row(pair, 10, 1, HEAP_MALLOC, 16, 0, 0);
	row(pair, 20, 1, HEAP_MALLOC, 16, 0, 0);
	row(pair, 30, 1, HEAP_FREE, 16, 0, 0);
	row(pair, 40, 1, HEAP_FREE, 16, 0, 0);
	CHECK_EQUAL(note_sum(pair, HEAP_UNMATCHED_FREE), 1);
	CHECK_EQUAL(note_sum(pair, HEAP_DISPLACED), 1);
	row(pair, 50, 1, HEAP_REALLOC, 32, 16, 35);
	CHECK_EQUAL(note_sum(pair, HEAP_DISPLACED), 0);
	row(pair, 60, 1, HEAP_REALLOC, 48, 16, 45);
	CHECK_EQUAL(note_sum(pair, HEAP_UNKNOWN_REALLOC), 1);
	CHECK_EQUAL(heap_pair_finish(pair), 0);
	CHECK_EQUAL(counts.ends[HEAP_FREED], 2);
	CHECK_EQUAL(counts.ends[HEAP_HELD], 2);
	heap_pair_close(pair);
}

static int life_refuse(void *context, const struct heap_life *life)
{
	(void)context;
	(void)life;
	return -ECANCELED;
}

/* What the caller's function returns comes out. */
static void check_error(void)
{
	struct heap_pair_options options = { INT64_MIN, INT64_MAX, life_refuse, NULL };
	uint64_t ts[] = { 1, 2 }, op[] = { HEAP_MALLOC, HEAP_FREE }, addr[] = { 16, 16 };
	struct heap_rows rows = { .rows = 2, .ts_ns = ts, .op = op, .addr = addr };
	struct heap_pair *pair;

	CHECK_EQUAL(heap_pair_open(&options, &pair), 0);
	CHECK_EQUAL(heap_pair_rows(pair, &rows), -ECANCELED);
	heap_pair_close(pair);
	heap_pair_close(NULL);
}

int main(void)
{
	check_sweep();
	check_forgotten();
	check_late();
	check_once();
	check_error();
	return 0;
}
