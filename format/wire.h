/* The wire format of protobuf: what a batch is made of. */
#ifndef FORMAT_WIRE_H
#define FORMAT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include "format/bytes.h"

enum wire_type { WIRE_VARINT, WIRE_64, WIRE_LENGTH, WIRE_GROUP, WIRE_GROUP_END, WIRE_32 };

enum {
	VARINT_MAX = 10,  /* bytes of one */
	VARINT_ROOM = 16, /* that wire_put may touch */
};

static inline unsigned varint_size(uint64_t value)
{
	return ((63 ^ __builtin_clzll(value | 1)) * 9 + 73) / 64;
}

static inline uint64_t zigzag(uint64_t value)
{
	return value << 1 ^ (uint64_t)((int64_t)value >> 63);
}

/*
 * Writes a varint and returns its end. One byte is what most columns hold in most rows; between two
 * and eight there is no branch: their lengths are as random as the values, and a mispredicted
 * branch costs more than all of this.
 */
static inline uint8_t *varint_put(uint8_t *at, uint64_t value)
{
	unsigned n;
	uint64_t x;

	if (value < 0x80) {
		*at = value;
		return at + 1;
	}
	if (value >> 56) {
		for (; value >= 0x80; value >>= 7)
			*at++ = value | 0x80;
		*at++ = value;
		return at;
	}
	n = varint_size(value);
	x = (value & 0x0fffffff) | (value & 0xfffffff0000000) << 4;
	x = (x & 0x00003fff00003fff) | (x & 0x0fffc0000fffc000) << 2;
	x = (x & 0x007f007f007f007f) | (x & 0x3f803f803f803f80) << 1;
	x |= 0x8080808080808080 & ((1ULL << 8 * (n - 1)) - 1);
	put64(at, x);
	return at + n;
}

static inline uint8_t *tag_put(uint8_t *at, uint32_t field, enum wire_type type)
{
	return varint_put(at, (uint64_t)field << 3 | type);
}

static inline unsigned tag_size(uint32_t field)
{
	return varint_size((uint64_t)field << 3);
}

/* Bytes that are left to read. */
struct wire {
	const uint8_t *at, *end;
};

static inline uint64_t unzigzag(uint64_t value)
{
	return value >> 1 ^ -(value & 1);
}

struct wire_field {
	uint32_t number;
	enum wire_type type;
	uint64_t value;    /* of WIRE_VARINT and WIRE_64, else 0 */
	struct wire bytes; /* of WIRE_LENGTH, else empty */
};

/* For values of 8 bytes and more, and near the end. */
const uint8_t *varint_get_slow(const uint8_t *at, const uint8_t *end, uint64_t *out);

/* Reads a varint and returns its end, or NULL. As varint_put. */
static inline const uint8_t *varint_get(const uint8_t *at, const uint8_t *end, uint64_t *out)
{
	uint64_t x, last;

	if (at < end && *at < 0x80) {
		*out = *at;
		return at + 1;
	}
	if (end - at < 8)
		return varint_get_slow(at, end, out);
	x = get64(at);
	last = ~x & 0x8080808080808080;
	if (!last)
		return varint_get_slow(at, end, out);
	at += __builtin_ctzll(last) / 8 + 1;
	x &= (last ^ (last - 1)) & 0x7f7f7f7f7f7f7f7f;
	x = (x & 0x007f007f007f007f) | (x & 0x7f007f007f007f00) >> 1;
	x = (x & 0x00003fff00003fff) | (x & 0x3fff00003fff0000) >> 2;
	*out = (x & 0x0fffffff) | (x & 0x0fffffff00000000) >> 4;
	return at;
}

/* Each returns whether it could be read; if not, `wire` is where it was. */
bool wire_varint(struct wire *wire, uint64_t *out);
bool wire_field(struct wire *wire, struct wire_field *out);

#endif
