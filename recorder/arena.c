#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "recorder/arena.h"

static int arena_reserve(struct arena *arena)
{
	if (arena->place_count < arena->capacity)
		return 0;
	size_t capacity = arena->capacity ? 2 * arena->capacity : 64;
	struct arena_place *places = realloc(arena->places, capacity * sizeof(*places));
	if (!places)
		return -ENOMEM;
	arena->places = places;
	arena->capacity = capacity;
	return 0;
}

int arena_take(struct arena *arena, uint32_t count, void *owner, uint32_t *first)
{
	size_t i = 0;
	uint64_t free_from = 0;
	if (arena_reserve(arena))
		return -ENOMEM;
	for (; i < arena->place_count; i++) {
		if (arena->places[i].first - free_from >= count)
			break;
		free_from = (uint64_t)arena->places[i].first + arena->places[i].count;
	}
	if (free_from + count > arena->size)
		return -ENOSPC;
	memmove(arena->places + i + 1, arena->places + i,
		(arena->place_count - i) * sizeof(*arena->places));
	arena->places[i] = (struct arena_place){ (uint32_t)free_from, count, owner };
	arena->place_count++;
	*first = (uint32_t)free_from;
	return 0;
}

void arena_give_back(struct arena *arena, const void *owner)
{
	size_t kept = 0;
	for (size_t i = 0; i < arena->place_count; i++)
		if (arena->places[i].owner != owner)
			arena->places[kept++] = arena->places[i];
	arena->place_count = kept;
}

void arena_release(struct arena *arena)
{
	free(arena->places);
	*arena = (struct arena){ 0 };
}
