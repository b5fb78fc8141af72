#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "format/decode.h"
#include "format/utf8.h"

bool batch_view(struct wire bytes, struct batch_view *out)
{
	struct wire_field field;

	*out = (struct batch_view){ 0 };
	while (bytes.at < bytes.end) {
		if (!wire_field(&bytes, &field))
			return false;
		if (field.number == 1 && field.type == WIRE_VARINT) {
			out->rows = field.value;
		} else if (field.number > 1 && field.number < TABLES_MAX &&
			   field.type == WIRE_LENGTH) {
			if (out->number)
				return false;
			out->number = field.number;
			out->body = field.bytes;
		}
	}
	return true;
}

static int damaged(const char **why, const char *words)
{
	*why = words;
	return -EBADMSG;
}

/* The column that a field is, or whose list of NULLs it is; -1: a column that is not known. */
static int column_of(const struct decoder *decoder, uint32_t number, bool *null_list)
{
	const struct table *table = decoder->table;

	for (int i = 0; i < table->n_columns; i++) {
		const struct column_info *info = &table->columns[i];

		*null_list = info->null_field && info->null_field->id == number;
		if (*null_list || info->field->id == number)
			return i;
	}
	return -1;
}

static int values_varints(struct decoded_column *column, enum column_kind kind, size_t rows,
			  struct wire wire)
{
	const uint8_t *at = wire.at, *end = wire.end;
	uint64_t *to = column->values + column->n, *room = column->values + rows;
	uint64_t value, last = column->n ? to[-1] : 0;

	if (kind == COLUMN_DELTA) {
		for (; at < end && to < room && (at = varint_get(at, end, &value)); to++)
			*to = last += unzigzag(value);
	} else {
		for (; at < end && to < room && (at = varint_get(at, end, &value)); to++)
			*to = value;
	}
	column->n = to - column->values;
	return at == end ? 0 : -EBADMSG;
}

static int values_hashes(struct decoded_column *column, size_t rows, struct wire wire)
{
	size_t n = wire.end - wire.at;

	if (n % 8 || n / 8 > rows - column->n)
		return -EBADMSG;
	for (; wire.at < wire.end; wire.at += 8)
		column->values[column->n++] = get64(wire.at);
	return 0;
}

/* A column may come packed, or value by value, or as pieces of both. */
static int values_add(struct decoder *decoder, struct decoded_column *column, enum column_kind kind,
		      const struct wire_field *field, const char **why)
{
	static const char words[] = "a column is not as long as its batch, or broken";
	bool single = field->type == (kind == COLUMN_HASH ? WIRE_64 : WIRE_VARINT);
	int err;

	if (!single && field->type != WIRE_LENGTH)
		return damaged(why, "a column is of the wrong type");
	if (!column->values)
		column->values = arena_alloc(&decoder->arena,
					     decoder->rows * sizeof(*column->values));
	if (!column->values)
		return damaged(why, "a batch is too large");
	if (single) {
		uint64_t last = column->n ? column->values[column->n - 1] : 0;

		if (column->n == decoder->rows)
			return damaged(why, words);
		column->values[column->n++] = kind == COLUMN_DELTA ? last + unzigzag(field->value)
								   : field->value;
		return 0;
	}
	err = kind == COLUMN_HASH ? values_hashes(column, decoder->rows, field->bytes)
				  : values_varints(column, kind, decoder->rows, field->bytes);
	return err ? damaged(why, words) : 0;
}

static int text_add(struct decoder *decoder, struct decoded_column *column,
		    const ProtobufCFieldDescriptor *descriptor, const struct wire_field *field,
		    const char **why)
{
	size_t length = field->bytes.end - field->bytes.at;

	if (field->type != WIRE_LENGTH)
		return damaged(why, "a column is of the wrong type");
	if (length > TEXT_MAX)
		return damaged(why, "a text is too long");
	if (descriptor->type == PROTOBUF_C_TYPE_STRING && !utf8_valid(field->bytes.at, length))
		return damaged(why, "a text is not UTF-8");
	if (!column->texts)
		column->texts = arena_alloc(&decoder->arena,
					    decoder->rows * sizeof(*column->texts));
	if (!column->texts)
		return damaged(why, "a batch is too large");
	if (column->n == decoder->rows)
		return damaged(why, "a column is not as long as its batch, or broken");
	column->texts[column->n++] = (ProtobufCBinaryData){ length, (uint8_t *)field->bytes.at };
	return 0;
}

static bool bitmap_alloc(struct decoder *decoder, uint64_t **out)
{
	size_t bytes = (decoder->rows + 63) / 64 * sizeof(**out);

	*out = arena_alloc(&decoder->arena, bytes);
	if (*out)
		memset(*out, 0, bytes);
	return *out;
}

static bool null_add(struct decoder *decoder, struct decoded_column *column, uint64_t row)
{
	if (row >= decoder->rows)
		return false;
	column->nulls[row / 64] |= 1ULL << row % 64;
	return true;
}

static int nulls_add(struct decoder *decoder, struct decoded_column *column,
		     const struct wire_field *field, const char **why)
{
	static const char words[] = "a list of NULL rows has a row that is not there";
	struct wire wire = field->bytes;
	uint64_t row;

	if (!column->nulls && !bitmap_alloc(decoder, &column->nulls))
		return damaged(why, "a batch is too large");
	if (field->type == WIRE_VARINT)
		return null_add(decoder, column, field->value) ? 0 : damaged(why, words);
	if (field->type != WIRE_LENGTH)
		return damaged(why, "a column is of the wrong type");
	while (wire.at < wire.end)
		if (!wire_varint(&wire, &row) || !null_add(decoder, column, row))
			return damaged(why, words);
	return 0;
}

static int field_add(struct decoder *decoder, const struct wire_field *field, const char **why)
{
	bool null_list;
	int i = column_of(decoder, field->number, &null_list);
	const struct column_info *info;

	if (i < 0) {
		decoder->unknown_columns++;
		return 0;
	}
	info = &decoder->table->columns[i];
	if (null_list)
		return nulls_add(decoder, &decoder->columns[i], field, why);
	if (info->kind == COLUMN_TEXT)
		return text_add(decoder, &decoder->columns[i], info->field, field, why);
	return values_add(decoder, &decoder->columns[i], info->kind, field, why);
}

/* So that nothing depends on what a writer left in the place of a NULL. */
static void clear_nulls(struct decoded_column *column, size_t rows)
{
	for (size_t i = 0; i < (rows + 63) / 64; i++)
		for (uint64_t left = column->nulls[i]; left; left &= left - 1) {
			size_t row = 64 * i + __builtin_ctzll(left);

			if (column->values)
				column->values[row] = 0;
			if (column->texts)
				column->texts[row].len = 0;
		}
}

/* Absent columns point to zeros, so that who does not ask whether they are there reads something.
 */
static int zeros_reserve(struct decoder *decoder)
{
	size_t n = decoder->rows * sizeof(ProtobufCBinaryData) / sizeof(uint64_t);

	if (n <= decoder->n_zeros)
		return 0;
	free(decoder->zeros);
	decoder->zeros = calloc(n, sizeof(uint64_t));
	decoder->n_zeros = decoder->zeros ? n : 0;
	return decoder->zeros ? 0 : -ENOMEM;
}

static int columns_check(struct decoder *decoder, const char **why)
{
	int present = 0;

	for (int i = 0; i < decoder->table->n_columns; i++) {
		struct decoded_column *column = &decoder->columns[i];

		if (!column->n) {
			*column = (struct decoded_column){ 0 };
			continue;
		}
		if (column->n != decoder->rows)
			return damaged(why, "a column is not as long as its batch, or broken");
		if (column->nulls)
			clear_nulls(column, decoder->rows);
		present++;
	}
	if (!present)
		return damaged(why, "a batch has rows but no column");
	return present == decoder->table->n_columns ? 0 : zeros_reserve(decoder);
}

int decoder_run(struct decoder *decoder, const struct table *table, const struct batch_view *view,
		const char **why)
{
	struct wire body = view->body;
	struct wire_field field;

	arena_reset(&decoder->arena);
	decoder->arena.limit = BLOCK_UNPACKED_MAX;
	decoder->table = table;
	decoder->unknown_columns = 0;
	memset(decoder->columns, 0, sizeof(decoder->columns));
	if (view->rows > BATCH_ROWS_MAX)
		return damaged(why, "a batch has too many rows");
	if (view->rows > (uint64_t)(body.end - body.at))
		return damaged(why, "a batch has more rows than bytes");
	decoder->rows = view->rows;
	while (body.at < body.end) {
		int err;

		if (!wire_field(&body, &field))
			return damaged(why, "a batch is no message of its table");
		err = field_add(decoder, &field, why);
		if (err)
			return err;
	}
	return columns_check(decoder, why);
}

static bool bit(const uint64_t *bitmap, size_t i)
{
	return bitmap[i / 64] >> i % 64 & 1;
}

static void keep(struct decoded_column *column, size_t from, size_t to)
{
	if (column->values)
		column->values[to] = column->values[from];
	if (column->texts)
		column->texts[to] = column->texts[from];
	if (!column->nulls)
		return;
	if (bit(column->nulls, from))
		column->nulls[to / 64] |= 1ULL << to % 64;
	else
		column->nulls[to / 64] &= ~(1ULL << to % 64);
}

void decoder_keep(struct decoder *decoder, const uint64_t *bitmap)
{
	size_t kept = 0;

	for (size_t row = 0; row < decoder->rows; row++) {
		if (!bit(bitmap, row))
			continue;
		for (int i = 0; i < decoder->table->n_columns; i++)
			keep(&decoder->columns[i], row, kept);
		kept++;
	}
	decoder->rows = kept;
}

void decoder_finish(struct decoder *decoder)
{
	for (int i = 0; i < decoder->table->n_columns; i++) {
		struct decoded_column *column = &decoder->columns[i];
		bool text = decoder->table->columns[i].kind == COLUMN_TEXT;

		decoder->out[i] = (struct column){
			.absent = !column->values && !column->texts,
			.values = column->values,
			.texts = column->texts,
			.nulls = column->nulls,
		};
		if (!decoder->out[i].absent)
			continue;
		if (text)
			decoder->out[i].texts = (ProtobufCBinaryData *)decoder->zeros;
		else
			decoder->out[i].values = decoder->zeros;
	}
}

void decoder_free(struct decoder *decoder)
{
	arena_free(&decoder->arena);
	free(decoder->zeros);
	decoder->zeros = NULL;
	decoder->n_zeros = 0;
}
