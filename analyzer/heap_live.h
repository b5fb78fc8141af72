/*
 * Blocks by process and address: those that are live, and a bounded memory of former ones.
 */
#ifndef ANALYZER_HEAP_LIVE_H
#define ANALYZER_HEAP_LIVE_H

#include "analyzer/index.h"

/* A live block. Process and site are positions in arrays of the pairing; process 0 is nobody. */
struct live {
	uint64_t addr;
	int64_t alloc_ns;
	uint64_t size_bytes;
	uint32_t process, site;
};

struct live_set {
	struct live *slots;
	size_t mask, count;
	unsigned shift;
};

static inline size_t live_home(const struct live_set *set, uint32_t process, uint64_t addr)
{
	return hash_pair(addr, process) >> set->shift;
}

static inline void live_prefetch(const struct live_set *set, uint32_t process, uint64_t addr)
{
	__builtin_prefetch(&set->slots[live_home(set, process, addr)], 1);
}

/* The block, or NULL. */
static inline struct live *live_find(const struct live_set *set, uint32_t process, uint64_t addr)
{
	for (size_t at = live_home(set, process, addr);; at = (at + 1) & set->mask) {
		struct live *slot = &set->slots[at];

		if (!slot->process)
			return NULL;
		if (slot->addr == addr && slot->process == process)
			return slot;
	}
}

/* Whether the set is too full for `more` blocks: live_resize first. */
static inline bool live_full(const struct live_set *set, size_t more)
{
	return (set->count + more) * 8 > (set->mask + 1) * 5;
}

/* Adds a block that is not in it; the set must not be full. */
static inline void live_add(struct live_set *set, const struct live *block)
{
	size_t at = live_home(set, block->process, block->addr);

	while (set->slots[at].process)
		at = (at + 1) & set->mask;
	set->slots[at] = *block;
	set->count++;
}

/* Removes what live_find found; other pointers into the set are void then. */
void live_remove(struct live_set *set, struct live *slot);

/*
 * Moves the blocks that `keep` wants, `room` at most, into a table that is not full with `room`;
 * `set` may be all zero. 0; -ENOMEM: the set is as it was, and keep was not called.
 */
int live_resize(struct live_set *set, size_t room, bool (*keep)(void *, const struct live *),
		void *context);

void live_free(struct live_set *set);

/* A block that is no more. */
struct former {
	struct live block;
	int64_t gone_ns;
	uint64_t older; /* the one before it in its chain, by number from 1; 0: none */
	bool claimed;
};

/* The last FORMER_MAX former blocks. */
enum { FORMER_MAX = 1 << 16 };

struct former_ring {
	struct former *ring;
	uint64_t *chains; /* the youngest of each, by number */
	uint64_t added;
};

int former_open(struct former_ring *ring);

/* The one that the next former_add pushes out, or NULL. */
const struct former *former_oldest(const struct former_ring *ring);

void former_add(struct former_ring *ring, const struct live *block, int64_t gone_ns);

/* The unclaimed block that was live at that instant (allocated by then, gone later), or NULL. */
struct former *former_at(const struct former_ring *ring, uint32_t process, uint64_t addr,
			 int64_t ts_ns);

void former_close(struct former_ring *ring);

#endif
