/*
 * Hash indexes over arrays that the caller keeps, and sets of 64-bit numbers. Hashes are fixed, so
 * the same trace gives the same order everywhere.
 */
#ifndef ANALYZER_INDEX_H
#define ANALYZER_INDEX_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define INDEX_NONE UINT32_MAX

static inline uint64_t hash_pair(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15ULL) *
				    (b ^ 0xd6e8feb86659fd93ULL);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The low half of a slot is a position + 1, the high half its hash; 0 is an empty slot. */
struct index {
	uint64_t *slots;
	size_t mask, count;
};

/*
 * The next position that has this hash, or INDEX_NONE: the caller compares. `step` counts the slots
 * tried and begins at 0.
 */
static inline uint32_t index_next(const struct index *index, uint64_t hash, size_t *step)
{
	if (!index->slots)
		return INDEX_NONE;
	for (;;) {
		uint64_t slot = index->slots[((uint32_t)hash + (*step)++) & index->mask];

		if (!slot)
			return INDEX_NONE;
		if (slot >> 32 == (uint32_t)hash)
			return (uint32_t)slot - 1;
	}
}

static inline void index_prefetch(const struct index *index, uint64_t hash)
{
	if (index->slots)
		__builtin_prefetch(&index->slots[(uint32_t)hash & index->mask]);
}

/* Adds a position that is not in it yet. 0, -ENOMEM. */
int index_add(struct index *index, uint64_t hash, uint32_t position);

static inline void index_free(struct index *index)
{
	free(index->slots);
	*index = (struct index){ 0 };
}

/* A set of 64-bit numbers. */
struct number_set {
	uint64_t *slots;
	size_t mask, count;
	bool zero;
};

bool number_set_has(const struct number_set *set, uint64_t number);

/* 1: added; 0: it was there; -ENOMEM. */
int number_set_add(struct number_set *set, uint64_t number);

static inline void number_set_free(struct number_set *set)
{
	free(set->slots);
	*set = (struct number_set){ 0 };
}

/* Makes room for one more behind `n` items of `size` bytes. 0; -ENOMEM: the array is as it was. */
int array_grow(void *items, size_t *capacity, size_t n, size_t size);

#endif
