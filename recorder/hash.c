#include <errno.h>
#include <stdlib.h>
#include "recorder/hash.h"

enum { HASH_SIZE_FIRST = 64 };

static size_t hash_first(uint64_t a, uint64_t b)
{
	uint64_t key = (a ^ b * 0xC2B2AE3D27D4EB4FULL) * 0x9E3779B97F4A7C15ULL;
	return key ^ key >> 32;
}

static struct hash_entry *hash_slot(const struct hash *hash, uint64_t a, uint64_t b)
{
	for (size_t i = hash_first(a, b);; i++) {
		struct hash_entry *entry = &hash->entries[i & (hash->size - 1)];
		if (!entry->value || (entry->a == a && entry->b == b))
			return entry;
	}
}

uint64_t hash_get(const struct hash *hash, uint64_t a, uint64_t b)
{
	return hash->size ? hash_slot(hash, a, b)->value : 0;
}

static int hash_grow(struct hash *hash)
{
	struct hash old = *hash, grown = { .size = old.size ? old.size * 2 : HASH_SIZE_FIRST };
	grown.entries = calloc(grown.size, sizeof(*grown.entries));
	if (!grown.entries)
		return -ENOMEM;
	for (size_t i = 0; i < old.size; i++)
		if (old.entries[i].value)
			*hash_slot(&grown, old.entries[i].a, old.entries[i].b) = old.entries[i];
	grown.used = old.used;
	*hash = grown;
	free(old.entries);
	return 0;
}

int hash_set(struct hash *hash, uint64_t a, uint64_t b, uint64_t value)
{
	if (hash->used * 2 >= hash->size && hash_grow(hash))
		return -ENOMEM;
	struct hash_entry *entry = hash_slot(hash, a, b);
	hash->used += !entry->value;
	*entry = (struct hash_entry){ a, b, value };
	return 0;
}

/* What stands behind the hole goes into it if its search begins at the hole or before it. */
void hash_remove(struct hash *hash, uint64_t a, uint64_t b)
{
	struct hash_entry *hole = hash->size ? hash_slot(hash, a, b) : NULL;
	if (!hole || !hole->value)
		return;
	size_t mask = hash->size - 1, at = (size_t)(hole - hash->entries);
	for (size_t i = at + 1; hash->entries[i & mask].value; i++) {
		const struct hash_entry *entry = &hash->entries[i & mask];
		if (((i - hash_first(entry->a, entry->b)) & mask) < i - at)
			continue;
		hash->entries[at & mask] = *entry;
		at = i;
	}
	hash->entries[at & mask] = (struct hash_entry){ 0 };
	hash->used--;
}

void hash_release(struct hash *hash)
{
	free(hash->entries);
	*hash = (struct hash){ 0 };
}
