/* The arena against a map of single elements: what is taken is free and the first such place. */
#include <errno.h>
#include "recorder/arena.h"
#include "tests/check.h"

enum { SIZE = 1000, OWNERS = 200, STEPS = 20000 };

struct oracle {
	int owner[SIZE]; /* 0: free */
};

static uint64_t noise_state = 1;

static uint64_t noise(uint64_t below)
{
	noise_state ^= noise_state << 13;
	noise_state ^= noise_state >> 7;
	noise_state ^= noise_state << 17;
	return noise_state % below;
}

/* -1: there is none. */
static int first_gap(const struct oracle *oracle, uint32_t count)
{
	for (uint32_t first = 0; first + count <= SIZE; first++) {
		uint32_t n = 0;
		while (n < count && !oracle->owner[first + n])
			n++;
		if (n == count)
			return (int)first;
	}
	return -1;
}

static void take(struct arena *arena, struct oracle *oracle, int *owner, uint32_t count)
{
	int wanted = first_gap(oracle, count);
	uint32_t first = 12345;
	int error = arena_take(arena, count, owner, &first);

	if (wanted < 0) {
		CHECK_EQUAL(error, -ENOSPC);
		CHECK_EQUAL(first, 12345);
		return;
	}
	CHECK_EQUAL(error, 0);
	CHECK_EQUAL(first, wanted);
	for (uint32_t i = 0; i < count; i++)
		oracle->owner[first + i] = *owner;
}

static void give_back(struct arena *arena, struct oracle *oracle, const int *owner)
{
	arena_give_back(arena, owner);
	for (int i = 0; i < SIZE; i++)
		if (oracle->owner[i] == *owner)
			oracle->owner[i] = 0;
}

/* The list that the arena keeps: in order, and nothing else than what is taken. */
static void check_places(const struct arena *arena, const struct oracle *oracle)
{
	uint32_t at = 0;

	for (size_t i = 0; i < arena->place_count; i++) {
		const struct arena_place *place = &arena->places[i];
		CHECK(place->first >= at);
		for (; at < place->first; at++)
			CHECK(!oracle->owner[at]);
		for (; at < place->first + place->count; at++)
			CHECK_EQUAL(oracle->owner[at], *(const int *)place->owner);
	}
	for (; at < SIZE; at++)
		CHECK(!oracle->owner[at]);
}

static void check_random(void)
{
	static struct oracle oracle;
	static int owners[OWNERS];
	struct arena arena = { .size = SIZE };

	for (int i = 0; i < OWNERS; i++)
		owners[i] = i + 1;
	for (int i = 0; i < STEPS; i++) {
		int *owner = &owners[noise(OWNERS)];
		give_back(&arena, &oracle, owner);
		/* By turns small ones, so that the list grows, and large ones. */
		if (noise(4))
			take(&arena, &oracle, owner,
			     1 + (uint32_t)noise(i / 1000 % 2 ? 5 : SIZE / 4));
		check_places(&arena, &oracle);
	}
	arena_release(&arena);
	CHECK(!arena.places && !arena.size);
}

static void check_ends(void)
{
	struct arena arena = { .size = UINT32_MAX };
	int a, b, c;
	uint32_t first;

	CHECK_EQUAL(arena_take(&arena, UINT32_MAX - 1, &a, &first), 0);
	CHECK_EQUAL(arena_take(&arena, 2, &b, &first), -ENOSPC);
	CHECK_EQUAL(arena_take(&arena, 1, &b, &first), 0);
	CHECK_EQUAL(first, UINT32_MAX - 1);
	CHECK_EQUAL(arena_take(&arena, 1, &c, &first), -ENOSPC);
	arena_give_back(&arena, &c); /* has none */
	arena_give_back(&arena, &a);
	CHECK_EQUAL(arena_take(&arena, UINT32_MAX, &c, &first), -ENOSPC);
	CHECK_EQUAL(arena_take(&arena, UINT32_MAX - 1, &c, &first), 0);
	CHECK_EQUAL(first, 0);
	arena_release(&arena);
}

int main(void)
{
	check_random();
	check_ends();
	return 0;
}
