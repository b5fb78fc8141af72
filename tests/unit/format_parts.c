/* The small parts of the format: varints, UTF-8, ranges of sequence numbers, ids, the arena. */
#include <errno.h>
#include "format/arena.h"
#include "format/ids.h"
#include "format/pids.h"
#include "format/seen.h"
#include "format/utf8.h"
#include "format/wire.h"
#include "tests/check.h"

static uint8_t *plain_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = value | 0x80;
	*at++ = value;
	return at;
}

static void check_varint(uint64_t value)
{
	uint8_t got[VARINT_ROOM], wanted[VARINT_ROOM];
	uint8_t *end = varint_put(got, value), *plain = plain_varint(wanted, value);
	struct wire wire = { got, end };
	uint64_t back;

	CHECK_EQUAL(end - got, plain - wanted);
	CHECK_EQUAL(end - got, varint_size(value));
	CHECK(!memcmp(got, wanted, end - got));
	CHECK(wire_varint(&wire, &back) && back == value && wire.at == end);
	wire = (struct wire){ got, end - 1 };
	CHECK(!wire_varint(&wire, &back) && wire.at == got);
}

static void test_varints(void)
{
	static const uint8_t endless[11] = {
		255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255
	};
	struct wire wire = { endless, endless + 11 };
	uint64_t x = 88172645463325252, value;

	CHECK(!wire_varint(&wire, &value));
	for (int bit = 0; bit < 64; bit++)
		for (int add = -1; add < 2; add++)
			check_varint((1ULL << bit) + add);
	for (int i = 0; i < 200000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		check_varint(x >> i % 64);
	}
	CHECK(zigzag(0) == 0 && zigzag(-1) == 1 && zigzag(1) == 2);
	CHECK(zigzag(1ULL << 63) == UINT64_MAX);
}

static void test_utf8(void)
{
	static const char *const good[] = { "",
					    "plain",
					    "\xc2\x80",
					    "\xdf\xbf",
					    "\xe0\xa0\x80",
					    "\xed\x9f\xbf",
					    "\xee\x80\x80",
					    "\xef\xbf\xbf",
					    "\xf0\x90\x80\x80",
					    "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80",
					   "\xc0\x80",
					   "\xc1\xbf",
					   "\xe0\x9f\xbf",
					   "\xed\xa0\x80",
					   "\xed\xbf\xbf",
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80",
					   "\xf8\x88\x80\x80\x80",
					   "a\xc3",
					   "\xe2\x82",
					   "\xc3(" };

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		CHECK(utf8_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(!utf8_valid(bad[i], strlen(bad[i])));
	CHECK(!utf8_valid("a\0b", 3));
}

/* Against an array of what was added, in every order of a few numbers. */
static void test_seen(void)
{
	enum { SPAN = 40 };
	uint64_t x = 12345;

	for (int round = 0; round < 500; round++) {
		struct seen seen = { 0 };
		bool added[SPAN] = { 0 };

		for (int i = 0; i < 30; i++) {
			int n, first = SPAN, last = -1, count = 0;

			x = x * 6364136223846793005 + 1442695040888963407;
			n = (x >> 33) % SPAN;
			CHECK_EQUAL(seen_has(&seen, n), added[n]);
			if (!added[n])
				CHECK_EQUAL(seen_add(&seen, n), 0);
			added[n] = true;
			for (int k = 0; k < SPAN; k++) {
				CHECK_EQUAL(seen_has(&seen, k), added[k]);
				count += added[k];
				last = added[k] ? k : last;
				first = added[k] && k < first ? k : first;
			}
			CHECK_EQUAL(seen.missing, last - first + 1 - count);
		}
		seen_free(&seen);
	}
}

static void test_seen_limits(void)
{
	struct seen seen = { 0 };

	CHECK_EQUAL(seen_add(&seen, UINT64_MAX), 0);
	CHECK_EQUAL(seen_add(&seen, 0), 0);
	CHECK(seen.missing == UINT64_MAX - 1);
	CHECK(seen_has(&seen, 0) && seen_has(&seen, UINT64_MAX) && !seen_has(&seen, 5));
	for (uint64_t i = 2; i < 2 * SEEN_MAX + 100; i += 2)
		CHECK_EQUAL(seen_add(&seen, i), 0);
	CHECK_EQUAL(seen.n, SEEN_MAX);
	CHECK(!seen_has(&seen, 2 * SEEN_MAX + 98));
	seen_free(&seen);
}

static void test_ids(void)
{
	struct ids ids = { 0 };
	size_t pages = 0;

	CHECK_EQUAL(ids_get(&ids, 8, 1), 0);
	CHECK_EQUAL(ids_set(&ids, &pages, 8, 1, 11), 0);
	CHECK_EQUAL(ids_set(&ids, &pages, 8, 511, 12), 0);
	CHECK_EQUAL(pages, 1);
	CHECK_EQUAL(ids_set(&ids, &pages, 8, DEFINITIONS_MAX - 1, 13), 0);
	CHECK_EQUAL(ids_set(&ids, &pages, 8, DEFINITIONS_MAX, 14), -E2BIG);
	CHECK_EQUAL(ids_set(&ids, &pages, 63, 1, 15), 0);
	CHECK_EQUAL(pages, 3);
	CHECK_EQUAL(ids_get(&ids, 8, 1), 11);
	CHECK_EQUAL(ids_get(&ids, 8, 511), 12);
	CHECK_EQUAL(ids_get(&ids, 8, 512), 0);
	CHECK_EQUAL(ids_get(&ids, 8, DEFINITIONS_MAX - 1), 13);
	CHECK_EQUAL(ids_get(&ids, 8, UINT64_MAX), 0);
	CHECK_EQUAL(ids_get(&ids, 63, 1), 15);
	pages = IDS_PAGES_MAX;
	CHECK_EQUAL(ids_set(&ids, &pages, 9, 1, 1), -E2BIG);
	CHECK_EQUAL(ids_set(&ids, &pages, 8, 2, 1), 0);
	pages = 3;
	ids_clear(&ids, &pages);
	CHECK_EQUAL(pages, 0);
	CHECK_EQUAL(ids_get(&ids, 8, 1), 0);
}

static void test_pids(void)
{
	struct pids pids = { 0 };

	CHECK_EQUAL(pids_get(&pids, 5), 0);
	CHECK_EQUAL(pids_note(&pids, 5, 55), 0);
	CHECK_EQUAL(pids_note(&pids, 5000, 56), 0);
	CHECK_EQUAL(pids_note(&pids, UINT64_MAX, 57), 0);
	CHECK_EQUAL(pids_get(&pids, 5), 55);
	CHECK_EQUAL(pids_get(&pids, 5000), 56);
	CHECK_EQUAL(pids_get(&pids, 4999), 0);
	CHECK_EQUAL(pids_get(&pids, UINT64_MAX), 0);
	pids_clear(&pids);
	CHECK_EQUAL(pids_get(&pids, 5), 0);
	pids_free(&pids);
}

static void test_arena(void)
{
	struct arena arena = { .limit = 10 << 20 };

	for (int round = 0; round < 3; round++) {
		size_t total = 0;

		for (size_t size = 1;; size = size * 3 % 100000) {
			uint8_t *memory = arena_alloc(&arena, size);

			if (!memory)
				break;
			CHECK_EQUAL((uintptr_t)memory % 16, 0);
			memset(memory, round, size);
			total += size;
		}
		CHECK(total > 9 << 20 && total <= arena.limit);
		CHECK(!arena_alloc(&arena, SIZE_MAX) && !arena_alloc(&arena, SIZE_MAX - 8));
		arena_reset(&arena);
		CHECK(arena_alloc(&arena, 9 << 20));
		CHECK(!arena_alloc(&arena, 2 << 20));
		arena_reset(&arena);
	}
	arena_free(&arena);
}

int main(void)
{
	test_varints();
	test_utf8();
	test_seen();
	test_seen_limits();
	test_ids();
	test_pids();
	test_arena();
	return 0;
}
