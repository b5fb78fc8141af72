/*
 * Places in a range of elements, each used by one owner.
 */
#ifndef RECORDER_ARENA_H
#define RECORDER_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena_place {
	uint32_t first, count;
	void *owner;
};

/* All zero but for `size`: empty. */
struct arena {
	uint32_t size;
	struct arena_place *places; /* in order */
	size_t place_count, capacity;
};

/* The first gap that is large enough becomes the owner's; *first says where. 0, -ENOSPC, -ENOMEM.
 */
int arena_take(struct arena *, uint32_t count, void *owner, uint32_t *first);

/* The owner's place becomes a gap. */
void arena_give_back(struct arena *, const void *owner);

void arena_release(struct arena *);

#endif
