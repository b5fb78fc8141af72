#include <errno.h>
#include <string.h>
#include "format/hash.h"
#include "format/translate.h"

static bool is_null(const struct decoded_column *column, size_t row)
{
	return column->nulls && column->nulls[row / 64] >> row % 64 & 1;
}

/* Takes an identity column into the hash. False: it refers to what is not defined. */
static bool identity_add(const struct column_info *info, struct decoded_column *column,
			 const struct ids *ids, size_t row, uint64_t *hash)
{
	uint64_t value;

	if (is_null(column, row))
		return true;
	if (info->kind == COLUMN_TEXT) {
		value = hash_text(column->texts[row].data, column->texts[row].len);
	} else {
		value = column->values[row];
		if (info->refers) {
			if (!value)
				return true;
			value = ids_get(ids, info->refers->number, value);
			column->values[row] = value;
			if (!value)
				return false;
		}
	}
	*hash = hash_add(*hash, info->field->id, value);
	return true;
}

/* The content hash of a row, its identity references translated; 0: it has none. */
static uint64_t row_hash(struct decoder *decoder, const struct ids *ids, uint64_t seed, size_t row)
{
	const struct table *table = decoder->table;
	uint64_t hash = seed;

	for (int i = 0; i < table->n_columns; i++) {
		struct decoded_column *column = &decoder->columns[i];

		if (!table->columns[i].identity || (!column->values && !column->texts))
			continue;
		if (!identity_add(&table->columns[i], column, ids, row, &hash))
			return 0;
	}
	return hash ? hash : 1;
}

/* An id column of zeros where the batch has none. */
static bool id_column(struct decoder *decoder, struct decoded_column *column)
{
	size_t bytes = decoder->rows * sizeof(*column->values);

	if (column->values)
		return true;
	column->values = arena_alloc(&decoder->arena, bytes);
	if (column->values)
		memset(column->values, 0, bytes);
	return column->values;
}

static int define(struct decoder *decoder, struct session *session, size_t *pages, bool *undefined)
{
	const struct table *table = decoder->table;
	struct decoded_column *id = &decoder->columns[table->id];
	size_t words = (decoder->rows + 63) / 64;
	uint64_t *whole = arena_alloc(&decoder->arena, words * sizeof(*whole));
	uint64_t seed = hash_text(table->name, strlen(table->name));
	bool all = true;

	if (!whole || !id_column(decoder, id))
		return -EBADMSG;
	memset(whole, 0, words * sizeof(*whole));
	for (size_t row = 0; row < decoder->rows; row++) {
		uint64_t hash = row_hash(decoder, &session->ids, seed, row);
		uint64_t wire = id->values[row];
		int err = 0;

		if (hash && wire)
			err = ids_set(&session->ids, pages, table->number, wire, hash);
		if (err == -ENOMEM)
			return err;
		id->values[row] = hash;
		whole[row / 64] |= (uint64_t)(hash != 0) << row % 64;
		all &= hash && !err;
	}
	if (!all) {
		decoder_keep(decoder, whole);
		*undefined = true;
	}
	return 0;
}

/* Rows of a time have few different references: the one before is asked first. */
static void refer(struct decoder *decoder, const struct ids *ids, int i, bool *undefined)
{
	unsigned table = decoder->table->columns[i].refers->number;
	uint64_t *values = decoder->columns[i].values, last = 0, hash = 0;
	bool missing = false;

	for (size_t row = 0; row < decoder->rows; row++) {
		if (values[row] != last) {
			last = values[row];
			hash = ids_get(ids, table, last);
			missing |= last && !hash;
		}
		values[row] = hash;
	}
	*undefined |= missing;
}

int translate(struct decoder *decoder, struct session *session, size_t *pages, bool *undefined)
{
	const struct table *table = decoder->table;
	bool defines = table->id >= 0;
	int err;

	*undefined = false;
	if (defines) {
		err = define(decoder, session, pages, undefined);
		if (err)
			return err;
	}
	for (int i = 0; i < table->n_columns; i++) {
		const struct column_info *info = &table->columns[i];

		if (!info->refers || !decoder->columns[i].values || (defines && info->identity))
			continue;
		refer(decoder, &session->ids, i, undefined);
	}
	return 0;
}
