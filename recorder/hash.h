/*
 * A map from two integers to one: open addressing, linear probing, doubling at half load.
 * Values are not 0: 0 means absent.
 */
#ifndef RECORDER_HASH_H
#define RECORDER_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_entry {
	uint64_t a, b, value;
};

struct hash {
	struct hash_entry *entries;
	size_t used, size; /* size: a power of two, or 0 */
};

/* The value, or 0. */
uint64_t hash_get(const struct hash *, uint64_t a, uint64_t b);

/* Sets the value of a key. 0 or -ENOMEM. */
int hash_set(struct hash *, uint64_t a, uint64_t b, uint64_t value);

/* A key that is absent is none the less. */
void hash_remove(struct hash *, uint64_t a, uint64_t b);

void hash_release(struct hash *);

#endif
