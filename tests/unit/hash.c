/*
 * The map gives what a plain array gives, whatever the keys, also while some are removed.
 */
#include "recorder/hash.h"
#include "tests/check.h"

enum { ENTRIES_MAX = 3000 };

struct oracle {
	struct hash_entry entries[ENTRIES_MAX];
	size_t count;
};

static uint64_t noise_state = 1;

static uint64_t noise(uint64_t below)
{
	noise_state ^= noise_state << 13;
	noise_state ^= noise_state >> 7;
	noise_state ^= noise_state << 17;
	return noise_state % below;
}

static struct hash_entry *oracle_find(struct oracle *oracle, uint64_t a, uint64_t b)
{
	for (size_t i = 0; i < oracle->count; i++)
		if (oracle->entries[i].a == a && oracle->entries[i].b == b)
			return &oracle->entries[i];
	return NULL;
}

static void both_set(struct hash *hash, struct oracle *oracle, uint64_t a, uint64_t b,
		     uint64_t value)
{
	struct hash_entry *entry = oracle_find(oracle, a, b);

	CHECK_EQUAL(hash_get(hash, a, b), entry ? entry->value : 0);
	CHECK_EQUAL(hash_set(hash, a, b, value), 0);
	if (!entry) {
		CHECK(oracle->count < ENTRIES_MAX);
		entry = &oracle->entries[oracle->count++];
	}
	*entry = (struct hash_entry){ a, b, value };
	CHECK_EQUAL(hash->used, oracle->count);
	CHECK(hash->used < hash->size && !(hash->size & (hash->size - 1)));
}

static void both_remove(struct hash *hash, struct oracle *oracle, uint64_t a, uint64_t b)
{
	struct hash_entry *entry = oracle_find(oracle, a, b);

	hash_remove(hash, a, b);
	if (entry)
		*entry = oracle->entries[--oracle->count];
	CHECK_EQUAL(hash->used, oracle->count);
	CHECK_EQUAL(hash_get(hash, a, b), 0);
}

static void check_all(const struct hash *hash, const struct oracle *oracle)
{
	size_t used = 0;

	for (size_t i = 0; i < oracle->count; i++) {
		const struct hash_entry *entry = &oracle->entries[i];
		CHECK_EQUAL(hash_get(hash, entry->a, entry->b), entry->value);
	}
	for (size_t i = 0; i < hash->size; i++)
		used += hash->entries[i].value != 0;
	CHECK_EQUAL(used, oracle->count);
}

/* Keys of a shape that makes them meet in few slots, were they not mixed. */
static uint64_t key(int shape)
{
	switch (shape) {
	case 0:
		return noise(40);
	case 1:
		return noise(40) << 48;
	case 2:
		return 0x7f0000000000 + noise(40) * 4096;
	default:
		return UINT64_MAX - noise(40);
	}
}

static void check_shape(int a, int b)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));
	struct hash hash = { 0 };

	CHECK(oracle);
	CHECK_EQUAL(hash_get(&hash, 0, 0), 0);
	for (int i = 0; i < 4000; i++) {
		uint64_t value = noise(8) ? 1 + noise(1000) : UINT64_MAX;
		both_set(&hash, oracle, key(a), key(b), value);
	}
	CHECK(oracle->count > 1000);
	check_all(&hash, oracle);
	CHECK_EQUAL(hash_get(&hash, 12345, 12345), 0);
	for (int i = 0; i < 2000; i++) {
		both_remove(&hash, oracle, key(a), key(b));
		if (!(i % 100))
			check_all(&hash, oracle);
	}
	check_all(&hash, oracle);
	while (oracle->count)
		both_remove(&hash, oracle, oracle->entries[0].a, oracle->entries[0].b);
	check_all(&hash, oracle);
	hash_release(&hash);
	hash_remove(&hash, 1, 1);
	CHECK_EQUAL(hash_get(&hash, key(a), key(b)), 0);
	hash_release(&hash);
	free(oracle);
}

/* A key is two numbers, not their sum. */
static void check_order_of_key(void)
{
	struct hash hash = { 0 };

	CHECK_EQUAL(hash_set(&hash, 1, 2, 12), 0);
	CHECK_EQUAL(hash_get(&hash, 2, 1), 0);
	CHECK_EQUAL(hash_set(&hash, 2, 1, 21), 0);
	CHECK_EQUAL(hash_set(&hash, 0, 0, 100), 0);
	CHECK_EQUAL(hash_get(&hash, 1, 2), 12);
	CHECK_EQUAL(hash_get(&hash, 2, 1), 21);
	CHECK_EQUAL(hash_get(&hash, 0, 0), 100);
	hash_release(&hash);
}

int main(void)
{
	check_order_of_key();
	for (int a = 0; a < 4; a++)
		for (int b = 0; b < 4; b++)
			check_shape(a, b);
	return 0;
}
