#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "recorder/hash.h"
#include "recorder/totals.h"

enum { VALUES_MAX = 16, KEY_MAX = 16 };

/* What a map said of a key. */
struct entry {
	uint64_t key[KEY_MAX / sizeof(uint64_t)];
	uint64_t values[VALUES_MAX];
};

/* A map; `before` holds the values that were dumped last, by the key's first 16 bytes and the
 * member. */
struct total {
	int fd;
	int cpus; /* that have values of their own, to be added up */
	struct binding key, value;
	struct hash before;
	struct entry *entries; /* as they were read last */
	size_t entry_count, entry_size;
};

struct totals {
	struct records *records;
	struct writer *writer;
	struct total all[SOURCES_MAX * 2];
	int count;
	uint64_t *values; /* of each CPU */
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
	total->cpus = bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_HASH ? libbpf_num_possible_cpus()
								     : 1;
	total->key.table = total->value.table = table_named(bpf_map__name(map));
	int error = binding_add(&total->key, btf, bpf_map__btf_key_type_id(map), record_references,
				&why);
	if (!error)
		error = binding_add(&total->value, btf, bpf_map__btf_value_type_id(map),
				    record_references, &why);
	if (!error && (total->key.size > KEY_MAX ||
		       total->value.size > VALUES_MAX * sizeof(uint64_t) || total->cpus < 1 ||
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
	int cpus = libbpf_num_possible_cpus();
	totals->records = records;
	totals->writer = writer;
	totals->values = calloc(cpus > 0 ? (size_t)cpus : 1, VALUES_MAX * sizeof(uint64_t));
	if (!totals->values)
		return -ENOMEM;
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

/* The values of a key, of all CPUs together. False: it is gone. */
static bool total_read(const struct totals *totals, const struct total *total, const void *key,
		       uint64_t *sum)
{
	size_t count = total->value.size / sizeof(*sum);
	if (bpf_map_lookup_elem(total->fd, key, totals->values))
		return false;
	memset(sum, 0, total->value.size);
	for (size_t i = 0; i < count * (size_t)total->cpus; i++)
		sum[i % count] += totals->values[i];
	return true;
}

static int total_keep(struct total *total, const struct entry *entry)
{
	if (total->entry_count == total->entry_size) {
		size_t size = total->entry_size ? 2 * total->entry_size : 64;
		struct entry *entries = realloc(total->entries, size * sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		total->entries = entries;
		total->entry_size = size;
	}
	total->entries[total->entry_count++] = *entry;
	return 0;
}

static int total_read_all(const struct totals *totals, struct total *total)
{
	struct entry entry = { 0 };
	void *before = NULL;
	int error = 0;
	total->entry_count = 0;
	while (!error && !bpf_map_get_next_key(total->fd, before, entry.key)) {
		before = entry.key;
		if (total_read(totals, total, entry.key, entry.values))
			error = total_keep(total, &entry);
	}
	return error;
}

int totals_read(struct totals *totals)
{
	int error = 0;
	for (int i = 0; i < totals->count && !error; i++)
		error = total_read_all(totals, &totals->all[i]);
	return error;
}

static int total_write(struct totals *totals, struct total *total, int64_t ts_ns)
{
	for (size_t i = 0; i < total->entry_count; i++) {
		struct entry *entry = &total->entries[i];
		int changed = total_since(total, entry->key, entry->values);
		if (changed > 0)
			changed = total_row(totals, total, entry->key, entry->values, ts_ns);
		if (changed < 0)
			return changed;
	}
	return 0;
}

int totals_write(struct totals *totals, int64_t ts_ns)
{
	int error = 0;
	for (int i = 0; i < totals->count && !error; i++)
		error = total_write(totals, &totals->all[i], ts_ns);
	return error;
}

void totals_close(struct totals *totals)
{
	if (!totals)
		return;
	for (int i = 0; i < totals->count; i++) {
		free(totals->all[i].entries);
		hash_release(&totals->all[i].before);
	}
	free(totals->values);
	free(totals);
}
