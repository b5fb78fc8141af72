#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "recorder/hash.h"
#include "recorder/totals.h"

enum { VALUES_MAX = 16, KEY_MAX = 16 };

/* A map; `before` holds the values that were dumped last, by the key's first 16 bytes and the
 * member. */
struct total {
	int fd;
	struct binding key, value;
	struct hash before;
};

struct totals {
	struct records *records;
	struct writer *writer;
	struct total all[SOURCES_MAX * 2];
	int count;
};

static bool is_total(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);
	size_t n = strlen(name);
	return n > 6 && !strcmp(name + n - 6, "_total") && table_named(name);
}

static int total_bind(struct total *total, const struct btf *btf, const struct bpf_map *map)
{
	const char *why;
	total->fd = bpf_map__fd(map);
	total->key.table = total->value.table = table_named(bpf_map__name(map));
	int error = binding_add(&total->key, btf, bpf_map__btf_key_type_id(map), record_references,
				&why);
	if (!error)
		error = binding_add(&total->value, btf, bpf_map__btf_value_type_id(map),
				    record_references, &why);
	if (!error &&
	    (total->key.size > KEY_MAX || total->value.size > VALUES_MAX * sizeof(uint64_t) ||
	     total->key.count + total->value.count + 1 != total->key.table->n_columns))
		error = -EINVAL;
	return error;
}

int totals_open(const struct ladder *ladder, struct records *records, struct writer *writer,
		struct totals **out)
{
	struct totals *totals = *out = calloc(1, sizeof(*totals));
	struct bpf_map *map;
	if (!totals)
		return -ENOMEM;
	totals->records = records;
	totals->writer = writer;
	for (int i = 0; i < ladder->object_count; i++) {
		if (!ladder->objects[i].bpf)
			continue;
		bpf_object__for_each_map(map, ladder->objects[i].bpf) {
			if (!is_total(map) || totals->count == SOURCES_MAX * 2)
				continue;
			int error = total_bind(&totals->all[totals->count++],
					       bpf_object__btf(ladder->objects[i].bpf), map);
			if (error)
				return error;
		}
	}
	return 0;
}

/* Turns the values into what was added since the last time; 1 if anything was. */
static int total_since(struct total *total, const uint64_t key[2], uint64_t *values)
{
	uint64_t any = 0;
	for (size_t i = 0; i < total->value.size / sizeof(*values); i++) {
		uint64_t now = values[i], place = key[1] ^ (i + 1) << 56;
		values[i] -= hash_get(&total->before, key[0], place);
		any |= values[i];
		if (values[i] && hash_set(&total->before, key[0], place, now))
			return -ENOMEM;
	}
	return any != 0;
}

static int total_row(struct totals *totals, struct total *total, const void *key,
		     const void *values, int64_t ts_ns)
{
	const struct table *table = total->key.table;
	uint64_t row[COLUMNS_MAX] = { 0 };
	uint32_t nulls = 0;
	int error = binding_values(&total->key, key, totals->records, row, &nulls);
	if (!error)
		error = binding_values(&total->value, values, totals->records, row, &nulls);
	row[table->ts_ns] = (uint64_t)ts_ns;
	return error ? error : writer_add(totals->writer, table, row, nulls);
}

static int total_dump(struct totals *totals, struct total *total, int64_t ts_ns)
{
	uint64_t key[2] = { 0 }, values[VALUES_MAX];
	void *before = NULL;
	while (!bpf_map_get_next_key(total->fd, before, key)) {
		before = key;
		if (bpf_map_lookup_elem(total->fd, key, values))
			continue;
		int changed = total_since(total, key, values);
		if (changed > 0)
			changed = total_row(totals, total, key, values, ts_ns);
		if (changed < 0)
			return changed;
	}
	return 0;
}

int totals_dump(struct totals *totals, int64_t ts_ns)
{
	int error = 0;
	for (int i = 0; i < totals->count && !error; i++)
		error = total_dump(totals, &totals->all[i], ts_ns);
	return error;
}

void totals_close(struct totals *totals)
{
	if (!totals)
		return;
	for (int i = 0; i < totals->count; i++)
		hash_release(&totals->all[i].before);
	free(totals);
}
