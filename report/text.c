#include "report/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd";

static bool text_reserve(struct text *text, size_t more)
{
	size_t room = text->room ? text->room : 256;
	char *data;

	if (text->failed)
		return false;
	while (room - text->length <= more)
		room *= 2;
	if (room == text->room)
		return true;
	data = realloc(text->data, room);
	if (!data) {
		text->failed = true;
		return false;
	}
	text->data = data;
	text->room = room;
	return true;
}

void text_add(struct text *text, const char *bytes, size_t length)
{
	if (!text_reserve(text, length))
		return;
	if (length)
		memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void text_puts(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

/* Formats into the room that is there; whether it was enough. What is missing is reserved. */
static bool format_into(struct text *text, const char *format, va_list args)
{
	size_t room = text->room - text->length;
	int length = vsnprintf(text->data + text->length, room, format, args);

	if (length < 0)
		text->failed = true;
	else if ((size_t)length >= room)
		return !text_reserve(text, length);
	else
		text->length += length;
	return true;
}

void text_printf(struct text *text, const char *format, ...)
{
	bool done = !text_reserve(text, 0);

	while (!done) {
		va_list args;

		va_start(args, format);
		done = format_into(text, format, args);
		va_end(args);
	}
}

/* The length of the UTF-8 character at `at`, and its number; 0 if there is none. */
static size_t utf8_decode(const unsigned char *at, size_t left, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = at[0] < 0x80           ? 1
			: (at[0] >> 5) == 0x06 ? 2
			: (at[0] >> 4) == 0x0e ? 3
			: (at[0] >> 3) == 0x1e ? 4
					       : 0;
	uint32_t code;

	if (!length || length > left)
		return 0;
	code = length == 1 ? at[0] : at[0] & (0x7f >> length);
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*out = code;
	return length;
}

/* Whether a terminal takes the character for an order, or for one to show others in another order.
 */
static bool code_is_unsafe(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x061c || code == 0x200e ||
	       code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

/* How many bytes from the first on are printable ASCII and none of `except`: mostly all are. */
static size_t plain_run(const char *bytes, size_t length, const char *except)
{
	size_t n = 0;

	while (n < length && bytes[n] >= 0x20 && bytes[n] < 0x7f && !strchr(except, bytes[n]))
		n++;
	return n;
}

static void text_escape_code(struct text *text, uint32_t code)
{
	static const char controls[] = "\n\r\t", letters[] = "nrt";
	const char *at = code && code < 0x80 ? strchr(controls, (int)code) : NULL;

	if (at)
		text_printf(text, "\\%c", letters[at - controls]);
	else if (code < 0x80)
		text_printf(text, "\\x%02x", code);
	else
		text_printf(text, "\\u%04x", code);
}

/* What begins with no plain byte; returns the bytes that it takes. */
static size_t escape_one(struct text *text, const char *bytes, size_t length, const char *kept,
			 size_t *columns)
{
	size_t before = text->length, step;
	uint32_t code;

	step = utf8_decode((const unsigned char *)bytes, length, &code);
	if (step && (!code_is_unsafe(code) || (code && code < 0x80 && strchr(kept, (int)code)))) {
		text_add(text, bytes, step);
		++*columns;
		return step;
	}
	if (step)
		text_escape_code(text, code);
	else
		text_printf(text, "\\x%02x", (unsigned char)*bytes);
	*columns += text->length - before;
	return step ? step : 1;
}

static size_t escape(struct text *text, const char *bytes, size_t length, const char *kept)
{
	size_t columns = 0, i = 0;

	while (i < length) {
		size_t run = plain_run(bytes + i, length - i, "");

		text_add(text, bytes + i, run);
		columns += run;
		i += run;
		if (i < length)
			i += escape_one(text, bytes + i, length - i, kept, &columns);
	}
	return columns;
}

size_t text_escape(struct text *text, const char *bytes, size_t length)
{
	return escape(text, bytes, length, "");
}

void text_escape_lines(struct text *text, const char *bytes, size_t length)
{
	escape(text, bytes, length, "\n\r\t");
}

void text_json(struct text *text, const char *bytes, size_t length)
{
	size_t step;
	uint32_t code;

	text_puts(text, "\"");
	for (size_t i = 0; i < length; i += step ? step : 1) {
		size_t run = plain_run(bytes + i, length - i, "\"\\");

		text_add(text, bytes + i, run);
		i += run;
		if (i == length)
			break;
		step = utf8_decode((const unsigned char *)bytes + i, length - i, &code);
		if (!step)
			text_puts(text, replacement);
		else if (code == '"' || code == '\\')
			text_printf(text, "\\%c", (char)code);
		else if (code_is_unsafe(code))
			text_printf(text, "\\u%04x", code);
		else
			text_add(text, bytes + i, step);
	}
	text_puts(text, "\"");
}

void text_xml(struct text *text, const char *bytes, size_t length)
{
	size_t step;
	uint32_t code;

	for (size_t i = 0; i < length; i += step ? step : 1) {
		step = utf8_decode((const unsigned char *)bytes + i, length - i, &code);
		if (!step || code_is_unsafe(code) || code == 0xfffe || code == 0xffff)
			text_puts(text, replacement);
		else if (code < 0x80 && strchr("<>&\"'", (int)code))
			text_printf(text, "&#%u;", code);
		else
			text_add(text, bytes + i, step);
	}
}

void text_thousands(struct text *text, int64_t number)
{
	char digits[32];
	int length = snprintf(digits, sizeof(digits), "%" PRId64, number);
	int sign = number < 0;

	text_add(text, digits, sign);
	for (int i = sign; i < length; i++) {
		if (i > sign && (length - i) % 3 == 0)
			text_puts(text, ",");
		text_add(text, digits + i, 1);
	}
}

size_t text_characters(const char *bytes, size_t length, size_t characters)
{
	size_t i = 0, step;
	uint32_t code;

	while (i < length && characters--) {
		step = utf8_decode((const unsigned char *)bytes + i, length - i, &code);
		i += step ? step : 1;
	}
	return i;
}

void text_clear(struct text *text)
{
	text->length = 0;
	if (text->data)
		text->data[0] = '\0';
}

void text_release(struct text *text)
{
	free(text->data);
	*text = (struct text){ 0 };
}
