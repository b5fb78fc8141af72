#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "format/rows.h"
#include "format/wire.h"

enum {
	ROWS_FIRST = 64,
	TEXT_FIRST = 4096,
	FIELD_BATCH = 1, /* of Trace */
	FIELD_ROWS = 1,  /* of Batch */
};

int rows_open(const struct table *table, struct rows **out)
{
	struct rows *rows = calloc(1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	rows->table = table;
	rows->staged = calloc(ROWS_STAGED * table->n_columns, sizeof(*rows->staged));
	if (!rows->staged) {
		free(rows);
		return -ENOMEM;
	}
	for (int i = 0; i < table->n_columns; i++) {
		if (!table->columns[i].null_field)
			rows->no_null_list |= 1U << i;
		if (table->columns[i].kind == COLUMN_TEXT)
			rows->texts[rows->n_texts++] = i;
	}
	*out = rows;
	return 0;
}

static size_t run_length(const struct run *run)
{
	return run->end - run->start;
}

/* Moves a run; returns where the next one goes. */
static uint8_t *run_move(struct run *run, uint8_t *to, size_t room)
{
	size_t length = run_length(run);

	if (length)
		memcpy(to, run->start, length);
	run->start = to;
	run->end = to + length;
	return to + room;
}

/* Every run can hold the longest varint in every row, so that adding a row needs no other check. */
static int grow(struct rows *rows)
{
	const struct table *table = rows->table;
	size_t room = rows->room ? 2 * rows->room : ROWS_FIRST;
	size_t bytes = room * VARINT_MAX + VARINT_ROOM, runs = 0;
	uint8_t *memory, *at;

	for (int i = 0; i < table->n_columns; i++)
		runs += (table->columns[i].kind != COLUMN_TEXT) + !!table->columns[i].null_field;
	memory = malloc(room * sizeof(*rows->processes) + runs * bytes);
	if (!memory)
		return -ENOMEM;
	if (rows->n_processes)
		memcpy(memory, rows->processes, rows->n_processes * sizeof(*rows->processes));
	rows->processes = (uint64_t *)memory;
	at = memory + room * sizeof(*rows->processes);
	for (int i = 0; i < table->n_columns; i++) {
		if (table->columns[i].kind != COLUMN_TEXT)
			at = run_move(&rows->columns[i], at, bytes);
		if (table->columns[i].null_field)
			at = run_move(&rows->nulls[i], at, bytes);
	}
	free(rows->memory);
	rows->memory = memory;
	rows->room = room;
	return 0;
}

static void note_times(struct rows *rows, const uint64_t *values)
{
	size_t step = rows->table->n_columns;
	int64_t first = values[0], last = values[0];

	if (rows->count > rows->n_staged) {
		first = rows->first_ns;
		last = rows->last_ns;
	}
	for (size_t row = 0; row < rows->n_staged; row++) {
		int64_t ts_ns = values[row * step];

		first = ts_ns < first ? ts_ns : first;
		last = ts_ns > last ? ts_ns : last;
	}
	rows->first_ns = first;
	rows->last_ns = last;
}

/* Lists the processes in the rows, most of them once. */
static void note_processes(struct rows *rows, const uint64_t *values)
{
	size_t step = rows->table->n_columns;

	for (size_t row = 0; row < rows->n_staged; row++) {
		uint64_t id = values[row * step], *recent = &rows->recent[id % ROWS_RECENT];

		if (*recent == id)
			continue;
		*recent = id;
		rows->processes[rows->n_processes++] = id;
	}
}

/*
 * A NULL stands in its column as what packs smallest: no difference, or 0. Changes the staged
 * values.
 */
static void encode_nulls(struct rows *rows, int i, uint64_t *values)
{
	bool delta = rows->table->columns[i].kind == COLUMN_DELTA;
	size_t step = rows->table->n_columns, first = rows->count - rows->n_staged;
	struct run *run = rows->table->columns[i].null_field ? &rows->nulls[i] : NULL;
	uint64_t before = rows->last[i];

	for (size_t row = 0; row < rows->n_staged; row++) {
		uint64_t *value = &values[row * step];

		if (rows->staged_nulls[row] >> i & 1) {
			*value = delta ? before : 0;
			if (run) {
				run->end = varint_put(run->end, first + row);
				rows->n_nulls[i]++;
			}
		}
		before = *value;
	}
}

static void encode_deltas(struct rows *rows, int i, const uint64_t *values)
{
	size_t step = rows->table->n_columns;
	const uint64_t *end = values + rows->n_staged * step;
	uint8_t *at = rows->columns[i].end;
	uint64_t before = rows->last[i];

	for (; values < end; values += step) {
		at = varint_put(at, zigzag(*values - before));
		before = *values;
	}
	rows->last[i] = before;
	rows->columns[i].end = at;
}

static void encode_plain(struct rows *rows, int i, const uint64_t *values)
{
	size_t step = rows->table->n_columns;
	const uint64_t *end = values + rows->n_staged * step;
	uint8_t *at = rows->columns[i].end;

	for (; values < end; values += step)
		at = varint_put(at, *values);
	rows->columns[i].end = at;
}

static void encode_hashes(struct rows *rows, int i, const uint64_t *values)
{
	size_t step = rows->table->n_columns;
	struct run *run = &rows->columns[i];

	for (size_t row = 0; row < rows->n_staged; row++, run->end += 8)
		put64(run->end, values[row * step]);
}

static void encode_column(struct rows *rows, int i, bool nulls)
{
	uint64_t *values = rows->staged + i;
	size_t before = run_length(&rows->columns[i]) + run_length(&rows->nulls[i]);

	if (nulls)
		encode_nulls(rows, i, values);
	switch (rows->table->columns[i].kind) {
	case COLUMN_DELTA:
		encode_deltas(rows, i, values);
		break;
	case COLUMN_UINT:
		encode_plain(rows, i, values);
		break;
	case COLUMN_HASH:
		encode_hashes(rows, i, values);
		break;
	case COLUMN_TEXT:
		break;
	}
	rows->bytes += run_length(&rows->columns[i]) + run_length(&rows->nulls[i]) - before;
}

void rows_encode(struct rows *rows)
{
	const struct table *table = rows->table;
	uint32_t nulls = 0;

	if (!rows->n_staged)
		return;
	if (table->ts_ns >= 0)
		note_times(rows, rows->staged + table->ts_ns);
	if (table->process_id >= 0)
		note_processes(rows, rows->staged + table->process_id);
	for (size_t row = 0; row < rows->n_staged; row++)
		nulls |= rows->staged_nulls[row];
	for (int i = 0; i < table->n_columns; i++)
		encode_column(rows, i, nulls >> i & 1);
	rows->n_staged = 0;
}

int rows_add(struct rows *rows, const uint64_t *values, uint32_t nulls)
{
	size_t n = rows->table->n_columns;

	if (rows->count == rows->room && grow(rows))
		return -ENOMEM;
	memcpy(rows->staged + rows->n_staged * n, values, n * sizeof(*values));
	rows->staged_nulls[rows->n_staged++] = nulls;
	rows->plain_nulls = nulls & rows->no_null_list;
	rows->count++;
	rows->total++;
	if (rows->n_staged == ROWS_STAGED)
		rows_encode(rows);
	return 0;
}

static int text_reserve(struct rows *rows, int i, size_t more)
{
	struct run *run = &rows->columns[i];
	size_t used = run_length(run);
	size_t room = rows->text_room[i] ? rows->text_room[i] : TEXT_FIRST;
	uint8_t *start;

	while (room < used + more + 2 * VARINT_ROOM)
		room *= 2;
	if (room == rows->text_room[i])
		return 0;
	start = realloc(run->start, room);
	if (!start)
		return -ENOMEM;
	*run = (struct run){ start, start + used };
	rows->text_room[i] = room;
	return 0;
}

static void text_put(struct rows *rows, int i, const char *text, size_t length)
{
	struct run *run = &rows->columns[i];
	uint8_t *at = run->end;

	at = tag_put(at, rows->table->columns[i].field->id, WIRE_LENGTH);
	at = varint_put(at, length);
	if (length)
		memcpy(at, text, length);
	at += length;
	rows->bytes += at - run->end;
	run->end = at;
}

static size_t cell_length(const struct cell *cell)
{
	return cell->null ? 0 : cell->length;
}

int rows_add_cells(struct rows *rows, const struct cell *cells)
{
	uint64_t values[COLUMNS_MAX];
	uint32_t nulls = 0;
	int err;

	for (int k = 0; k < rows->n_texts; k++) {
		int i = rows->texts[k];

		err = text_reserve(rows, i, cell_length(&cells[i]));
		if (err)
			return err;
	}
	for (int i = 0; i < rows->table->n_columns; i++) {
		values[i] = cells[i].number;
		nulls |= (uint32_t)cells[i].null << i;
	}
	err = rows_add(rows, values, nulls);
	if (err)
		return err;
	for (int k = 0; k < rows->n_texts; k++) {
		int i = rows->texts[k];

		text_put(rows, i, cells[i].text, cell_length(&cells[i]));
	}
	return 0;
}

/* Whether the column is NULL in every row: then it is left out. */
static bool absent(const struct rows *rows, int i)
{
	return rows->n_nulls[i] == rows->count || rows->plain_nulls >> i & 1;
}

static size_t packed_size(uint32_t field, const struct run *run)
{
	size_t length = run_length(run);

	return length ? tag_size(field) + varint_size(length) + length : 0;
}

static uint8_t *packed_put(uint8_t *at, uint32_t field, const struct run *run)
{
	size_t length = run_length(run);

	if (!length)
		return at;
	at = tag_put(at, field, WIRE_LENGTH);
	at = varint_put(at, length);
	memcpy(at, run->start, length);
	return at + length;
}

static size_t column_size(const struct rows *rows, int i)
{
	const struct column_info *column = &rows->table->columns[i];
	size_t size;

	if (absent(rows, i))
		return 0;
	if (column->kind == COLUMN_TEXT)
		size = run_length(&rows->columns[i]);
	else
		size = packed_size(column->field->id, &rows->columns[i]);
	if (column->null_field)
		size += packed_size(column->null_field->id, &rows->nulls[i]);
	return size;
}

static uint8_t *column_put(const struct rows *rows, int i, uint8_t *at)
{
	const struct column_info *column = &rows->table->columns[i];
	const struct run *run = &rows->columns[i];

	if (absent(rows, i))
		return at;
	if (column->kind == COLUMN_TEXT) {
		memcpy(at, run->start, run_length(run));
		at += run_length(run);
	} else {
		at = packed_put(at, column->field->id, run);
	}
	if (column->null_field)
		at = packed_put(at, column->null_field->id, &rows->nulls[i]);
	return at;
}

static size_t table_size(const struct rows *rows)
{
	size_t size = 0;

	for (int i = 0; i < rows->table->n_columns; i++)
		size += column_size(rows, i);
	return size;
}

static size_t batch_size(const struct rows *rows, size_t table)
{
	return tag_size(FIELD_ROWS) + varint_size(rows->count) + tag_size(rows->table->number) +
	       varint_size(table) + table;
}

size_t rows_size(const struct rows *rows)
{
	size_t batch = batch_size(rows, table_size(rows));

	return tag_size(FIELD_BATCH) + varint_size(batch) + batch;
}

uint8_t *rows_pack(const struct rows *rows, uint8_t *at)
{
	size_t table = table_size(rows);

	at = tag_put(at, FIELD_BATCH, WIRE_LENGTH);
	at = varint_put(at, batch_size(rows, table));
	at = tag_put(at, FIELD_ROWS, WIRE_VARINT);
	at = varint_put(at, rows->count);
	at = tag_put(at, rows->table->number, WIRE_LENGTH);
	at = varint_put(at, table);
	for (int i = 0; i < rows->table->n_columns; i++)
		at = column_put(rows, i, at);
	return at;
}

static void run_clear(struct run *run)
{
	run->end = run->start;
}

void rows_clear(struct rows *rows)
{
	for (int i = 0; i < rows->table->n_columns; i++) {
		run_clear(&rows->columns[i]);
		run_clear(&rows->nulls[i]);
	}
	rows->count = 0;
	rows->n_staged = 0;
	rows->bytes = 0;
	rows->plain_nulls = 0;
	rows->n_processes = 0;
	memset(rows->recent, 0, sizeof(rows->recent));
	memset(rows->last, 0, sizeof(rows->last));
	memset(rows->n_nulls, 0, sizeof(rows->n_nulls));
}

void rows_close(struct rows *rows)
{
	if (!rows)
		return;
	for (int k = 0; k < rows->n_texts; k++)
		free(rows->columns[rows->texts[k]].start);
	free(rows->memory);
	free(rows->staged);
	free(rows);
}
