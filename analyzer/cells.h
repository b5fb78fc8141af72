/*
 * Values of batches as SQLite has them: integers, texts, NULL; a reference to nothing is NULL.
 */
#ifndef ANALYZER_CELLS_H
#define ANALYZER_CELLS_H

#include <sqlite3.h>
#include "format/reader.h"

static inline bool cell_null(const struct batch *batch, int column, size_t row)
{
	const struct column *values = &batch->columns[column];

	return column_null(values, row) ||
	       (batch->table->columns[column].refers && !values->values[row]);
}

void cell_result(sqlite3_context *context, const struct batch *batch, int column, size_t row);

/* Binds to the parameter of that number, from 1. The text stays the batch's. An SQLite code. */
int cell_bind(sqlite3_stmt *statement, int parameter, const struct batch *batch, int column,
	      size_t row);

/* Of the table and all values of a row; of `session` too. */
uint64_t row_hash(const struct batch *batch, size_t row, int64_t session);

/* "INTEGER" or "TEXT". */
const char *column_type(const struct column_info *column);

#endif
