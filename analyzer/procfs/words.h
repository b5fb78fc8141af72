/*
 * Lines and words of a text; what the formats share.
 */
#ifndef ANALYZER_PROCFS_WORDS_H
#define ANALYZER_PROCFS_WORDS_H

#include <string.h>
#include "analyzer/procfs/parser.h"

static inline bool slice_empty(struct slice slice)
{
	return slice.begin >= slice.end;
}

static inline bool slice_is(struct slice slice, const char *text)
{
	size_t length = (size_t)(slice.end - slice.begin);
	return strlen(text) == length && !memcmp(slice.begin, text, length);
}

/* Takes the next line off; false: there is none. */
bool line_take(struct slice *rest, struct slice *line);

/* Takes the next word off, without the colon or comma at its end; false: there is none. */
bool word_take(struct slice *line, struct slice *word);

/* Sets the value of a column from a word; the rest of the line is for PROCFS_REST. */
void value_set(struct procfs_parser *, int column, struct slice word, struct slice rest);

void value_integer(struct procfs_parser *, int column, int64_t);
void values_clear(struct procfs_parser *);

/* Sets every column whose key is this, from the words behind it. */
void key_set(struct procfs_parser *, struct slice key, struct slice words);

/* Sets every column whose key is a number, from the words of a line. */
void positions_set(struct procfs_parser *, struct slice line);

/* The column of that key (".node"), or -1. */
int column_keyed(const struct procfs_parser *, const char *key);

/* Numbers in hexadecimal; false: it is none. */
bool hex_parse(struct slice word, uint64_t *out);

bool maps_next(struct procfs_parser *);
bool zones_next(struct procfs_parser *);

#endif
