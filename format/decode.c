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

static void *allocate(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void leave(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

static size_t field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return *(const size_t *)((const char *)message + field->quantifier_offset);
}

static void *field_array(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return *(void *const *)((const char *)message + field->offset);
}

static int too_large(const char **why)
{
	*why = "a batch is too large";
	return -EBADMSG;
}

static int null_bitmap(struct decoder *decoder, const ProtobufCMessage *message,
		       const ProtobufCFieldDescriptor *field, uint64_t **out, const char **why)
{
	size_t n = field ? field_count(message, field) : 0;
	size_t bytes = (decoder->rows + 63) / 64 * sizeof(uint64_t);
	const uint64_t *list;

	*out = NULL;
	if (!n)
		return 0;
	*out = arena_alloc(&decoder->arena, bytes);
	if (!*out)
		return too_large(why);
	memset(*out, 0, bytes);
	list = field_array(message, field);
	for (size_t i = 0; i < n; i++) {
		if (list[i] >= decoder->rows) {
			*why = "a list of NULL rows has a row that is not there";
			return -EBADMSG;
		}
		(*out)[list[i] / 64] |= 1ULL << list[i] % 64;
	}
	return 0;
}

static bool is_null(const uint64_t *nulls, size_t row)
{
	return nulls && nulls[row / 64] >> row % 64 & 1;
}

static void sum_up(uint64_t *values, size_t rows)
{
	for (size_t i = 1; i < rows; i++)
		values[i] += values[i - 1];
}

/* So that nothing depends on what a writer left there. */
static void clear_nulls(const uint64_t *nulls, uint64_t *values, size_t rows)
{
	for (size_t i = 0; i < (rows + 63) / 64; i++)
		for (uint64_t left = nulls[i]; left; left &= left - 1)
			values[64 * i + __builtin_ctzll(left)] = 0;
}

static int texts_check(const ProtobufCFieldDescriptor *field, ProtobufCBinaryData *texts,
		       const uint64_t *nulls, size_t rows, const char **why)
{
	static uint8_t empty[1];

	for (size_t i = 0; i < rows; i++) {
		if (texts[i].len > TEXT_MAX) {
			*why = "a text is too long";
			return -EBADMSG;
		}
		if (field->type == PROTOBUF_C_TYPE_STRING &&
		    !utf8_valid(texts[i].data, texts[i].len)) {
			*why = "a text is not UTF-8";
			return -EBADMSG;
		}
		if (is_null(nulls, i) || !texts[i].len)
			texts[i] = (ProtobufCBinaryData){ 0, empty };
	}
	return 0;
}

static ProtobufCBinaryData *strings(struct decoder *decoder, char **strings)
{
	ProtobufCBinaryData *texts = arena_alloc(&decoder->arena, decoder->rows * sizeof(*texts));

	for (size_t i = 0; texts && i < decoder->rows; i++)
		texts[i] = (ProtobufCBinaryData){ strlen(strings[i]), (uint8_t *)strings[i] };
	return texts;
}

static int column_run(struct decoder *decoder, const ProtobufCMessage *message, int i,
		      const char **why)
{
	const struct column_info *info = &decoder->table->columns[i];
	struct decoded_column *column = &decoder->columns[i];
	size_t n = field_count(message, info->field);
	void *array = field_array(message, info->field);
	int err;

	*column = (struct decoded_column){ 0 };
	if (!n)
		return 0;
	if (n != decoder->rows) {
		*why = "a column is not as long as its batch";
		return -EBADMSG;
	}
	err = null_bitmap(decoder, message, info->null_field, &column->nulls, why);
	if (err)
		return err;
	if (info->kind == COLUMN_TEXT) {
		column->texts = info->field->type == PROTOBUF_C_TYPE_STRING
					? strings(decoder, array)
					: array;
		if (!column->texts)
			return too_large(why);
		return texts_check(info->field, column->texts, column->nulls, n, why);
	}
	column->values = array;
	if (info->kind == COLUMN_DELTA)
		sum_up(column->values, n);
	if (column->nulls)
		clear_nulls(column->nulls, column->values, n);
	return 0;
}

/* Absent columns point to zeros, so that who does not ask whether they are there reads something.
 */
static int zeros_reserve(struct decoder *decoder, size_t rows)
{
	size_t n = rows * sizeof(ProtobufCBinaryData) / sizeof(uint64_t);

	if (n <= decoder->n_zeros)
		return 0;
	free(decoder->zeros);
	decoder->zeros = calloc(n, sizeof(uint64_t));
	decoder->n_zeros = decoder->zeros ? n : 0;
	return decoder->zeros ? 0 : -ENOMEM;
}

static int columns_run(struct decoder *decoder, const ProtobufCMessage *message, const char **why)
{
	bool any = false, all = true;
	int err = 0;

	for (int i = 0; !err && i < decoder->table->n_columns; i++) {
		bool present = field_count(message, decoder->table->columns[i].field);

		err = column_run(decoder, message, i, why);
		any |= present;
		all &= present;
	}
	if (!err && !any) {
		*why = "a batch has rows but no column";
		return -EBADMSG;
	}
	return err || all ? err : zeros_reserve(decoder, decoder->rows);
}

int decoder_run(struct decoder *decoder, const struct table *table, const struct batch_view *view,
		const char **why)
{
	ProtobufCAllocator allocator = { allocate, leave, &decoder->arena };
	ProtobufCMessage *message;

	decoder->arena.limit = BLOCK_UNPACKED_MAX;
	arena_reset(&decoder->arena);
	decoder->table = table;
	if (view->rows > BATCH_ROWS_MAX) {
		*why = "a batch has too many rows";
		return -EBADMSG;
	}
	decoder->rows = view->rows;
	message = protobuf_c_message_unpack(table->message, &allocator,
					    view->body.end - view->body.at, view->body.at);
	if (!message) {
		*why = "a batch is no message of its table, or too large";
		return -EBADMSG;
	}
	decoder->unknown_columns = message->n_unknown_fields;
	return columns_run(decoder, message, why);
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
