/* Memory for one unpacked batch: bounded, given back all at once. */
#ifndef FORMAT_ARENA_H
#define FORMAT_ARENA_H

#include <stddef.h>
#include <stdint.h>

enum { ARENA_CHUNKS = 64 };

struct arena {
	size_t limit, used; /* bytes */
	int n_chunks;
	struct {
		uint8_t *bytes;
		size_t size, used;
	} chunks[ARENA_CHUNKS];
};

/* Aligned for anything; NULL: no memory, or over the limit. */
void *arena_alloc(struct arena *, size_t size);

/* Forgets what was allocated; keeps the memory up to a modest size. */
void arena_reset(struct arena *);

void arena_free(struct arena *);

#endif
