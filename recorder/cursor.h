/*
 * Reads numbers out of bytes that are not trusted: behind the end everything is 0, and bad is set.
 */
#ifndef RECORDER_CURSOR_H
#define RECORDER_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

static inline size_t cursor_left(const struct cursor *cursor)
{
	return cursor->end - cursor->at;
}

/* n: at most 8 bytes, little endian. */
static inline uint64_t cursor_number(struct cursor *cursor, size_t n)
{
	uint64_t value = 0;

	if (cursor_left(cursor) < n) {
		cursor->bad = true;
		cursor->at = cursor->end;
		return 0;
	}
	memcpy(&value, cursor->at, n);
	cursor->at += n;
	return value;
}

/* n: 1 to 8 bytes. */
static inline int64_t cursor_signed(struct cursor *cursor, size_t n)
{
	unsigned int shift = 64 - 8 * n;

	return (int64_t)(cursor_number(cursor, n) << shift) >> shift;
}

static inline uint8_t cursor_byte(struct cursor *cursor)
{
	return cursor_number(cursor, 1);
}

static inline void cursor_skip(struct cursor *cursor, uint64_t n)
{
	if (n > cursor_left(cursor)) {
		cursor->bad = true;
		n = cursor_left(cursor);
	}
	cursor->at += n;
}

/* LEB128; bits beyond 64 are dropped. */
static inline uint64_t cursor_leb(struct cursor *cursor, bool is_signed)
{
	unsigned int shift = 0;
	uint64_t value = 0;
	uint8_t byte;

	do {
		byte = cursor_byte(cursor);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (is_signed && byte & 0x40 && shift < 64)
		value |= UINT64_MAX << shift;
	return value;
}

static inline uint64_t cursor_uleb(struct cursor *cursor)
{
	return cursor_leb(cursor, false);
}

static inline int64_t cursor_sleb(struct cursor *cursor)
{
	return cursor_leb(cursor, true);
}

#endif
