#include "analyzer/cells.h"

#include <string.h>
#include "analyzer/index.h"

void cell_result(sqlite3_context *context, const struct batch *batch, int column, size_t row)
{
	const struct column *values = &batch->columns[column];

	if (cell_null(batch, column, row))
		sqlite3_result_null(context);
	else if (batch->table->columns[column].kind == COLUMN_TEXT)
		sqlite3_result_text64(context, (const char *)values->texts[row].data,
				      values->texts[row].len, SQLITE_TRANSIENT, SQLITE_UTF8);
	else
		sqlite3_result_int64(context, (sqlite3_int64)values->values[row]);
}

int cell_bind(sqlite3_stmt *statement, int parameter, const struct batch *batch, int column,
	      size_t row)
{
	const struct column *values = &batch->columns[column];

	if (cell_null(batch, column, row))
		return sqlite3_bind_null(statement, parameter);
	if (batch->table->columns[column].kind == COLUMN_TEXT)
		return sqlite3_bind_text64(statement, parameter,
					   (const char *)values->texts[row].data,
					   values->texts[row].len, SQLITE_STATIC, SQLITE_UTF8);
	return sqlite3_bind_int64(statement, parameter, (sqlite3_int64)values->values[row]);
}

static uint64_t text_hash(uint64_t hash, const ProtobufCBinaryData *text)
{
	uint64_t word;

	for (size_t at = 0; at < text->len; at += sizeof(word)) {
		size_t left = text->len - at;

		word = 0;
		memcpy(&word, text->data + at, left < sizeof(word) ? left : sizeof(word));
		hash = hash_pair(hash, word);
	}
	return hash_pair(hash, text->len);
}

uint64_t row_hash(const struct batch *batch, size_t row, int64_t session)
{
	uint64_t hash = hash_pair(batch->table->number, (uint64_t)session);

	for (int i = 0; i < batch->table->n_columns; i++) {
		const struct column *column = &batch->columns[i];

		if (cell_null(batch, i, row))
			hash = hash_pair(hash, ~(uint64_t)i);
		else if (batch->table->columns[i].kind == COLUMN_TEXT)
			hash = text_hash(hash, &column->texts[row]);
		else
			hash = hash_pair(hash, column->values[row]);
	}
	return hash;
}

const char *column_type(const struct column_info *column)
{
	return column->kind == COLUMN_TEXT ? "TEXT" : "INTEGER";
}
