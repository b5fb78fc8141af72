/*
 * How a struct that a BPF object fills becomes a row: its members are matched to the columns of the
 * table of the same name through the object's BTF. Plain integers are copied; references are
 * resolved by the name of their typedef.
 */
#ifndef RECORDER_COLUMNS_H
#define RECORDER_COLUMNS_H

#include <bpf/btf.h>
#include "format/table.h"

/*
 * What a typedef name stands for: turns the raw value into the column's. 0 or -errno. The table is
 * ended by a NULL name; `context` is the recorder's.
 */
struct reference {
	const char *typedef_name;
	int (*resolve)(void *context, uint64_t raw, uint64_t *value);
};

struct member {
	uint32_t offset, size;
	int column;
	bool is_signed;
	bool zero_is_null; /* the column has a NULL list: there 0 says "not known" */
	int (*resolve)(void *context, uint64_t raw, uint64_t *value);
};

/* A struct, or the key and value structs of a map, as members of one row. */
struct binding {
	const struct table *table;
	struct member members[COLUMNS_MAX];
	int count;
	uint32_t size; /* of the struct */
};

/*
 * Adds the members of struct `type_id` to the binding. 0; -EINVAL: an array, pointer or nested
 * struct, a member that is no column, twice the same column; *why names it.
 */
int binding_add(struct binding *, const struct btf *, uint32_t type_id,
		const struct reference *references, const char **why);

/* Whether every column has a member; ts_ns of a total is filled by the recorder. *why names one
 * without. */
int binding_complete(const struct binding *, const char **why);

/* Fills in the columns of a row from a struct. 0 or the error of a resolver. */
int binding_values(const struct binding *, const void *record, void *context, uint64_t *values,
		   uint32_t *nulls);

#endif
