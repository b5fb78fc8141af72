#include "analyzer/heap_live.h"

#include <string.h>
#include <sys/mman.h>

enum { LIVE_MIN = 1 << 10, HUGE_PAGE = 2 << 20 };

/*
 * Every access of a great set is a cache miss; with small pages it is a TLB miss besides, which
 * costs more than the rest of the pairing.
 */
static struct live *slots_new(size_t n)
{
	size_t size = n * sizeof(struct live);
	struct live *slots;

	if (size < HUGE_PAGE)
		return calloc(n, sizeof(struct live));
	slots = aligned_alloc(HUGE_PAGE, size);
	if (!slots)
		return NULL;
	madvise(slots, size, MADV_HUGEPAGE);
	return memset(slots, 0, size);
}

void live_remove(struct live_set *set, struct live *slot)
{
	size_t hole = (size_t)(slot - set->slots);

	/* Later blocks of the run move back unless that would put them before their home. */
	for (size_t at = (hole + 1) & set->mask; set->slots[at].process;
	     at = (at + 1) & set->mask) {
		const struct live *block = &set->slots[at];
		size_t home = live_home(set, block->process, block->addr);

		if (((at - home) & set->mask) < ((at - hole) & set->mask))
			continue;
		set->slots[hole] = *block;
		hole = at;
	}
	set->slots[hole].process = 0;
	set->count--;
}

int live_resize(struct live_set *set, size_t room, bool (*keep)(void *, const struct live *),
		void *context)
{
	struct live_set old = *set, new = { .mask = LIVE_MIN - 1 };

	while (live_full(&new, room))
		new.mask = new.mask * 2 + 1;
	new.shift = (unsigned)__builtin_clzll(new.mask);
	new.slots = slots_new(new.mask + 1);
	if (!new.slots)
		return -ENOMEM;
	for (size_t i = 0; old.slots && i <= old.mask; i++)
		if (old.slots[i].process && keep(context, &old.slots[i]))
			live_add(&new, &old.slots[i]);
	free(old.slots);
	*set = new;
	return 0;
}

void live_free(struct live_set *set)
{
	free(set->slots);
	*set = (struct live_set){ 0 };
}

static uint64_t *former_chain(const struct former_ring *ring, uint32_t process, uint64_t addr)
{
	return &ring->chains[hash_pair(addr, process) % FORMER_MAX];
}

int former_open(struct former_ring *ring)
{
	ring->ring = calloc(FORMER_MAX, sizeof(*ring->ring));
	ring->chains = calloc(FORMER_MAX, sizeof(*ring->chains));
	return ring->ring && ring->chains ? 0 : -ENOMEM;
}

const struct former *former_oldest(const struct former_ring *ring)
{
	return ring->added < FORMER_MAX ? NULL : &ring->ring[ring->added % FORMER_MAX];
}

void former_add(struct former_ring *ring, const struct live *block, int64_t gone_ns)
{
	struct former *former = &ring->ring[ring->added % FORMER_MAX];
	uint64_t *chain = former_chain(ring, block->process, block->addr);

	*former = (struct former){ .block = *block, .gone_ns = gone_ns, .older = *chain };
	*chain = ++ring->added;
}

struct former *former_at(const struct former_ring *ring, uint32_t process, uint64_t addr,
			 int64_t ts_ns)
{
	uint64_t number = *former_chain(ring, process, addr);

	/* A number that the ring has overtaken ends the chain: all behind it are older still. */
	while (number && number + FORMER_MAX > ring->added) {
		struct former *former = &ring->ring[(number - 1) % FORMER_MAX];

		if (former->block.process == process && former->block.addr == addr &&
		    !former->claimed && former->block.alloc_ns <= ts_ns && former->gone_ns > ts_ns)
			return former;
		number = former->older;
	}
	return NULL;
}

void former_close(struct former_ring *ring)
{
	free(ring->ring);
	free(ring->chains);
	*ring = (struct former_ring){ 0 };
}
