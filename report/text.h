/*
 * A text that grows, and the ways in which values of a recording become text. What a host called
 * its programs and files may be anything, so everything shown passes through text_escape: a
 * terminal that shows the result cannot be told to do something.
 *
 * A failed allocation is kept in `failed`, and what is added afterwards is dropped: check it once.
 */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *data; /* ends in a NUL that `length` does not count; NULL while empty */
	size_t length, room;
	bool failed;
};

void text_add(struct text *, const char *bytes, size_t length);
void text_puts(struct text *, const char *string);
void text_printf(struct text *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Adds bytes of unknown origin: control characters, direction overrides and what is no UTF-8 come
 * out as \n, \x1b, \u202e. Returns how many columns of a terminal that takes (a character one
 * column).
 */
size_t text_escape(struct text *, const char *bytes, size_t length);

/* The same, but for line ends and tabs, which stay. */
void text_escape_lines(struct text *, const char *bytes, size_t length);

/* Adds a JSON string with its quotes; what is no UTF-8 becomes U+FFFD. */
void text_json(struct text *, const char *bytes, size_t length);

/* Adds character data or an attribute's value of XML; what XML cannot hold becomes U+FFFD. */
void text_xml(struct text *, const char *bytes, size_t length);

/* Adds an integer with a comma between thousands. */
void text_thousands(struct text *, int64_t number);

/* The bytes that the first `characters` characters of a text take. */
size_t text_characters(const char *bytes, size_t length, size_t characters);

/* Empties it and keeps its room. */
void text_clear(struct text *);

void text_release(struct text *);

#endif
