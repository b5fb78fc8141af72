/*
 * Texts of procfs, sysfs and cgroup files, taken apart by the names that stand in them. A parser
 * yields rows; what columns they have, schema.sql declares. What a text does not say is NULL, never
 * 0; so is what is no number where one should be, and that is counted.
 *
 * Formats and what a column declares behind its name:
 *
 * keys      One row. KEY [N]: the N-th word (1) behind the word KEY that begins a line.
 * words N   A row per line behind the first N ones. N: the N-th word.
 * matrix N  A row per word behind the first N ones of a line. N: likewise; .index from 0, .value.
 * pairs     A row per line. 1: the first word; KEY: the value of a word KEY=VALUE.
 * stat      One row. N: the field of /proc/PID/stat, whose second one may hold anything.
 * maps      A row per mapping of smaps. .start .end .mode .offset .device .inode .path; KEY.
 * zones     A row per counter of zoneinfo. .node .zone .name .value; zone is NULL for a node's own.
 *
 * A last word `text`, `real` or `rest` (of the line) gives the type; without it, it is an integer.
 */
#ifndef ANALYZER_PROCFS_PARSER_H
#define ANALYZER_PROCFS_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum procfs_type { PROCFS_INTEGER, PROCFS_REAL, PROCFS_TEXT, PROCFS_REST };

struct procfs_column {
	char *name, *key;
	size_t key_length;
	int position; /* from 1; 0: the key is not a number */
	enum procfs_type type;
};

struct slice {
	const char *begin, *end;
};

struct procfs_value {
	enum { VALUE_NULL, VALUE_INTEGER, VALUE_REAL, VALUE_TEXT } kind;
	int64_t integer;
	double real;
	struct slice text;
};

struct procfs_parser {
	const struct procfs_column *columns;
	int n_columns;
	int option; /* the format's number */
	bool (*next)(struct procfs_parser *);
	struct procfs_value *values; /* of the row, as many as columns */
	struct slice rest;
	uint64_t odd_lines; /* of this text so far */
	/* Between two rows of a text. */
	struct slice line, words, node, zone;
	int64_t index;
	bool begun, node_stats, skipping;
};

/* Sets ->next by the format's name; false: there is none. */
bool procfs_format(struct procfs_parser *, const char *name);

/* Begins another text, which must outlive its rows. */
void procfs_begin(struct procfs_parser *, const char *text, size_t length);

/* The next row's values; false: there is none. */
static inline bool procfs_next(struct procfs_parser *parser)
{
	return parser->next(parser);
}

#endif
