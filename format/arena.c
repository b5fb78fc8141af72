#include <stdlib.h>
#include "format/arena.h"

enum { CHUNK_MIN = 1 << 20, KEEP = 16 << 20, ALIGN = 16 };

/* Chunks grow with what is used, so that a few suffice for any limit. */
static int chunk_add(struct arena *arena, size_t size)
{
	uint8_t *bytes;

	if (arena->n_chunks == ARENA_CHUNKS)
		return -1;
	if (size < CHUNK_MIN)
		size = CHUNK_MIN;
	if (size < arena->used / 2)
		size = arena->used / 2;
	bytes = malloc(size);
	if (!bytes)
		return -1;
	arena->chunks[arena->n_chunks].bytes = bytes;
	arena->chunks[arena->n_chunks].size = size;
	arena->chunks[arena->n_chunks].used = 0;
	arena->n_chunks++;
	return 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	void *memory;

	if (size > arena->limit)
		return NULL;
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (arena->used + size > arena->limit)
		return NULL;
	for (int i = arena->n_chunks - 1;; i--) {
		if (i < 0) {
			if (chunk_add(arena, size))
				return NULL;
			i = arena->n_chunks - 1;
		}
		if (arena->chunks[i].size - arena->chunks[i].used < size)
			continue;
		memory = arena->chunks[i].bytes + arena->chunks[i].used;
		arena->chunks[i].used += size;
		arena->used += size;
		return memory;
	}
}

void arena_reset(struct arena *arena)
{
	size_t kept = 0;
	int n = 0;

	for (int i = 0; i < arena->n_chunks; i++) {
		if (kept + arena->chunks[i].size > KEEP) {
			free(arena->chunks[i].bytes);
			continue;
		}
		kept += arena->chunks[i].size;
		arena->chunks[n] = arena->chunks[i];
		arena->chunks[n++].used = 0;
	}
	arena->n_chunks = n;
	arena->used = 0;
}

void arena_free(struct arena *arena)
{
	for (int i = 0; i < arena->n_chunks; i++)
		free(arena->chunks[i].bytes);
	arena->n_chunks = 0;
	arena->used = 0;
}
