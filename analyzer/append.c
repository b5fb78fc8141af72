#include "analyzer/append.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "analyzer/index.h"
#include "format/reader.h"

struct row_copy {
	const struct table *table; /* NULL: none */
	struct cell cells[COLUMNS_MAX];
};

/* What is known of a session when all its blocks have come by. */
struct session_end {
	struct writer_options options;
	struct row_copy session, clock;
};

struct ends {
	struct session_end *all; /* by the session's number in the file */
	size_t n, capacity;
	size_t last;
};

static void row_free(struct row_copy *row)
{
	for (int i = 0; row->table && i < row->table->n_columns; i++)
		free((char *)row->cells[i].text);
	row->table = NULL;
}

static int row_take(struct row_copy *copy, const struct batch *batch, size_t row)
{
	row_free(copy);
	memset(copy->cells, 0, sizeof(copy->cells));
	copy->table = batch->table;
	for (int i = 0; i < batch->table->n_columns; i++) {
		const struct column *column = &batch->columns[i];
		struct cell *cell = &copy->cells[i];

		cell->null = column_null(column, row);
		if (cell->null)
			continue;
		if (batch->table->columns[i].kind != COLUMN_TEXT) {
			cell->number = column->values[row];
			continue;
		}
		cell->length = column->texts[row].len;
		cell->text = malloc(cell->length + 1);
		if (!cell->text)
			return -ENOMEM;
		memcpy((char *)cell->text, column->texts[row].data, cell->length);
	}
	return 0;
}

static int end_get(struct ends *ends, const struct batch *batch, struct session_end **out)
{
	while (ends->n <= batch->session_number) {
		if (array_grow(&ends->all, &ends->capacity, ends->n, sizeof(*ends->all)))
			return -ENOMEM;
		ends->all[ends->n++] = (struct session_end){ .options.level = 3 };
	}
	*out = &ends->all[batch->session_number];
	memcpy((*out)->options.session, batch->session, sizeof(batch->session));
	ends->last = batch->session_number;
	return 0;
}

static uint64_t value(const struct batch *batch, const char *column, size_t row)
{
	const struct column *values = &batch->columns[table_column(batch->table, column)];

	return column_null(values, row) ? 0 : values->values[row];
}

static void block_note(struct writer_options *options, const struct batch *batch, size_t row)
{
	uint64_t epoch = value(batch, "epoch", row), stream = value(batch, "stream", row);
	uint64_t sequence = value(batch, "sequence", row), lost = value(batch, "lost_rows", row);

	if (stream >= STREAMS)
		return;
	if (epoch >= options->epoch && epoch < UINT32_MAX)
		options->epoch = (uint32_t)epoch + 1;
	if (sequence >= options->sequence[stream])
		options->sequence[stream] = sequence + 1;
	if (lost > options->lost_rows)
		options->lost_rows = lost;
}

static int batch_note(struct ends *ends, const struct batch *batch)
{
	struct session_end *end;
	int err = end_get(ends, batch, &end);

	if (err || !batch->rows)
		return err;
	if (!strcmp(batch->table->name, "session"))
		return end->session.table ? 0 : row_take(&end->session, batch, 0);
	if (!strcmp(batch->table->name, "clock"))
		return row_take(&end->clock, batch, batch->rows - 1);
	for (size_t row = 0; row < batch->rows; row++)
		block_note(&end->options, batch, row);
	return 0;
}

static int ends_read(struct ends *ends, const char *path, char *why, size_t why_size)
{
	struct reader_selection selection = { .all_times = true };
	struct reader *reader = NULL;
	struct batch batch;
	int err = reader_open(path, &reader), got;

	table_set_add(&selection.tables, table_named("block")->number);
	table_set_add(&selection.tables, table_named("session")->number);
	table_set_add(&selection.tables, table_named("clock")->number);
	if (!err)
		reader_select(reader, &selection);
	while (!err && (got = reader_next(reader, &batch)))
		err = got < 0 ? got : batch_note(ends, &batch);
	if (!err && !ends->n)
		err = -ENODATA;
	if (err)
		snprintf(why, why_size, "%s", reader ? reader_why(reader) : strerror(-err));
	reader_close(reader);
	return err;
}

static void ends_free(struct ends *ends)
{
	for (size_t i = 0; i < ends->n; i++) {
		row_free(&ends->all[i].session);
		row_free(&ends->all[i].clock);
	}
	free(ends->all);
}

static int row_write(struct writer *writer, const struct row_copy *row)
{
	return row->table ? writer_add_cells(writer, row->table, row->cells) : 0;
}

int append_open(const char *path, int fd, struct writer **out, char *why, size_t why_size)
{
	struct ends ends = { 0 };
	int err = ends_read(&ends, path, why, why_size);
	const struct session_end *end = err ? NULL : &ends.all[ends.last];

	*out = NULL;
	if (end)
		err = writer_open(fd, &end->options, out);
	if (!*out)
		close(fd);
	if (end && !err)
		err = row_write(*out, &end->session);
	if (end && !err)
		err = row_write(*out, &end->clock);
	if (err && *out) {
		writer_close(*out);
		*out = NULL;
	}
	if (err && !*why)
		snprintf(why, why_size, "%s", strerror(-err));
	ends_free(&ends);
	return err;
}
