#include "format/wire.h"

const uint8_t *varint_get_slow(const uint8_t *at, const uint8_t *end, uint64_t *out)
{
	uint64_t value = 0;

	for (int shift = 0; shift < 7 * VARINT_MAX && at < end; shift += 7) {
		value |= (uint64_t)(*at & 0x7f) << shift;
		if (!(*at++ & 0x80)) {
			*out = value;
			return at;
		}
	}
	return NULL;
}

bool wire_varint(struct wire *wire, uint64_t *out)
{
	const uint8_t *end = varint_get(wire->at, wire->end, out);

	if (end)
		wire->at = end;
	return end;
}

static bool skip(struct wire *wire, uint64_t n)
{
	if (n > (uint64_t)(wire->end - wire->at))
		return false;
	wire->at += n;
	return true;
}

/* Groups are not among the types: no version of the format has any. */
static bool value(struct wire *wire, struct wire_field *out)
{
	uint64_t length;

	switch (out->type) {
	case WIRE_VARINT:
		return wire_varint(wire, &out->value);
	case WIRE_64:
		if (wire->end - wire->at < 8)
			return false;
		out->value = get64(wire->at);
		wire->at += 8;
		return true;
	case WIRE_32:
		return skip(wire, 4);
	case WIRE_LENGTH:
		if (!wire_varint(wire, &length))
			return false;
		out->bytes.at = wire->at;
		if (!skip(wire, length))
			return false;
		out->bytes.end = wire->at;
		return true;
	default:
		return false;
	}
}

bool wire_field(struct wire *wire, struct wire_field *out)
{
	struct wire rest = *wire;
	uint64_t tag;

	*out = (struct wire_field){ 0 };
	if (!wire_varint(&rest, &tag) || tag >> 3 == 0 || tag >> 32)
		return false;
	out->number = tag >> 3;
	out->type = tag & 7;
	if (!value(&rest, out))
		return false;
	*wire = rest;
	return true;
}
