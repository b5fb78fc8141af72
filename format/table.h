/*
 * The tables of a trace as data, made once from the descriptors of trace.proto. Everything generic
 * (columns of the recorder, writer, reader, SQL) works from these and knows no table by name.
 */
#ifndef FORMAT_TABLE_H
#define FORMAT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>
#include "format/limits.h"

enum column_kind {
	COLUMN_DELTA, /* sint64: signed; difference to the row before on the wire */
	COLUMN_UINT,  /* uint64 */
	COLUMN_HASH,  /* fixed64 */
	COLUMN_TEXT,  /* bytes or string */
};

enum stream { STREAM_DEFINITIONS, STREAM_EVENTS, STREAM_SNAPSHOTS, STREAMS };

struct column_info {
	const char *name;
	enum column_kind kind;
	const ProtobufCFieldDescriptor *field;
	const ProtobufCFieldDescriptor *null_field; /* its X_null, or NULL: never NULL row by row */
	const struct table *refers;                 /* X_id: the table X; else NULL */
	const char *class; /* of a text: "path", "comm", "host", ...; else NULL */
	bool identity;     /* part of a definition's content hash */
};

struct table {
	const char *name; /* of the field in Batch; the SQL name */
	unsigned number;  /* of the field in Batch */
	enum stream stream;
	bool bulk; /* rows too many for a database */
	int rank;  /* above that of every other table that it refers to; from 0 */
	const ProtobufCMessageDescriptor *message;
	const struct column_info *columns;
	int n_columns;
	int id;         /* column of that name, or -1 */
	int ts_ns;      /* likewise */
	int process_id; /* likewise */
};

/*
 * All tables by ascending number; *n gets their count. The first call makes them; it fails (NULL)
 * if trace.proto breaks its own rules, and *why says how.
 */
const struct table *tables(size_t *n, const char **why);

/* The table of that name or number, or NULL. */
const struct table *table_named(const char *name);
const struct table *table_numbered(unsigned number);

/* The column's index, or -1. */
int table_column(const struct table *table, const char *name);

/* A set of tables, by number. */
struct table_set {
	uint64_t bits[TABLES_MAX / 64];
};

static inline void table_set_add(struct table_set *set, unsigned number)
{
	set->bits[number / 64] |= 1ULL << number % 64;
}

static inline bool table_set_has(const struct table_set *set, unsigned number)
{
	return number < TABLES_MAX && set->bits[number / 64] >> number % 64 & 1;
}

#endif
