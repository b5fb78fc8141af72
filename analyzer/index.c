#include "analyzer/index.h"

#include <string.h>

enum { SLOTS_MIN = 64 };

static void slot_put(uint64_t *slots, size_t mask, uint64_t at, uint64_t value)
{
	at &= mask;
	while (slots[at])
		at = (at + 1) & mask;
	slots[at] = value;
}

static int index_grow(struct index *index)
{
	size_t n = index->slots ? (index->mask + 1) * 2 : SLOTS_MIN;
	uint64_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; index->slots && i <= index->mask; i++)
		if (index->slots[i])
			slot_put(slots, n - 1, index->slots[i] >> 32, index->slots[i]);
	free(index->slots);
	index->slots = slots;
	index->mask = n - 1;
	return 0;
}

int index_add(struct index *index, uint64_t hash, uint32_t position)
{
	if (position >= INDEX_NONE - 1)
		return -ENOMEM;
	if (!index->slots || index->count * 2 > index->mask) {
		int err = index_grow(index);

		if (err)
			return err;
	}
	slot_put(index->slots, index->mask, (uint32_t)hash, hash << 32 | (position + 1));
	index->count++;
	return 0;
}

static size_t number_home(const struct number_set *set, uint64_t number)
{
	return hash_pair(number, 0) & set->mask;
}

bool number_set_has(const struct number_set *set, uint64_t number)
{
	if (!number)
		return set->zero;
	if (!set->slots)
		return false;
	for (size_t at = number_home(set, number); set->slots[at]; at = (at + 1) & set->mask)
		if (set->slots[at] == number)
			return true;
	return false;
}

static int number_set_grow(struct number_set *set)
{
	struct number_set old = *set;
	size_t n = old.slots ? (old.mask + 1) * 2 : SLOTS_MIN;
	uint64_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	set->slots = slots;
	set->mask = n - 1;
	for (size_t i = 0; old.slots && i <= old.mask; i++)
		if (old.slots[i])
			slot_put(slots, n - 1, number_home(set, old.slots[i]), old.slots[i]);
	free(old.slots);
	return 0;
}

int number_set_add(struct number_set *set, uint64_t number)
{
	if (number_set_has(set, number))
		return 0;
	if (!number) {
		set->zero = true;
		return 1;
	}
	if (!set->slots || set->count * 2 > set->mask) {
		int err = number_set_grow(set);

		if (err)
			return err;
	}
	slot_put(set->slots, set->mask, number_home(set, number), number);
	set->count++;
	return 1;
}

int array_grow(void *items, size_t *capacity, size_t n, size_t size)
{
	void *old, *new;
	size_t wanted = *capacity ? *capacity * 2 : 64;

	if (n < *capacity)
		return 0;
	memcpy(&old, items, sizeof(old));
	new = reallocarray(old, wanted, size);
	if (!new)
		return -ENOMEM;
	memcpy(items, &new, sizeof(new));
	*capacity = wanted;
	return 0;
}
