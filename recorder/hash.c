#include <errno.h>
#include <stdlib.h>
#include "recorder/hash.h"

enum { HASH_SIZE_FIRST = 64 };

static struct hash_entry *hash_slot(const struct hash *hash, uint64_t a, uint64_t b)
{
	uint64_t key = (a ^ b * 0xC2B2AE3D27D4EB4FULL) * 0x9E3779B97F4A7C15ULL;
	for (size_t i = key ^ key >> 32;; i++) {
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

void hash_release(struct hash *hash)
{
	free(hash->entries);
	*hash = (struct hash){ 0 };
}
