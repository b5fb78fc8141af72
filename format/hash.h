/*
 * The content hash of definitions, as FORMAT.md defines it: ids of the same thing are equal in
 * every trace, so it must never change.
 */
#ifndef FORMAT_HASH_H
#define FORMAT_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The finalizer of MurmurHash3. */
static inline uint64_t hash_mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccd;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53;
	return x ^ x >> 33;
}

/* FNV-1a. */
static inline uint64_t hash_text(const void *text, size_t n)
{
	const uint8_t *bytes = text;
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	return hash;
}

/* Takes the value of an identity column into a definition's hash. */
static inline uint64_t hash_add(uint64_t hash, uint32_t field, uint64_t value)
{
	return hash_mix(hash ^ hash_mix(value + field * 0x9e3779b97f4a7c15));
}

#endif
