#include <stdint.h>
#include "format/utf8.h"

/* The length of the sequence that begins with `first`, 0 if none does; its least code point. */
static size_t sequence(uint8_t first, uint32_t *code, uint32_t *least)
{
	static const uint32_t leasts[] = { 0, 1, 0x80, 0x800, 0x10000 };
	size_t length;

	if (first < 0x80)
		length = 1;
	else if (first >= 0xc0 && first < 0xe0)
		length = 2;
	else if (first >= 0xe0 && first < 0xf0)
		length = 3;
	else if (first >= 0xf0 && first < 0xf8)
		length = 4;
	else
		return 0;
	*code = length == 1 ? first : first & (0x7f >> length);
	*least = leasts[length];
	return length;
}

bool utf8_valid(const void *text, size_t length)
{
	const uint8_t *at = text, *end = at + length;
	uint32_t code, least;

	while (at < end) {
		size_t n = sequence(*at, &code, &least);

		if (!n || (size_t)(end - at) < n)
			return false;
		for (size_t i = 1; i < n; i++) {
			if ((at[i] & 0xc0) != 0x80)
				return false;
			code = code << 6 | (at[i] & 0x3f);
		}
		if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			return false;
		at += n;
	}
	return true;
}
