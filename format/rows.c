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

static void classify(struct rows *rows)
{
	for (int i = 0; i < rows->table->n_columns; i++) {
		const struct column_info *column = &rows->table->columns[i];

		if (!column->null_field)
			rows->no_null_list |= 1U << i;
		if (column->kind == COLUMN_TEXT)
			rows->texts[rows->n_texts++] = i;
		else if (column->kind == COLUMN_DELTA)
			rows->deltas[rows->n_deltas++] = i;
		else if (column->kind == COLUMN_HASH)
			rows->hashes[rows->n_hashes++] = i;
		else
			rows->plain[rows->n_plain++] = i;
	}
}

int rows_open(const struct table *table, struct rows **out)
{
	struct rows *rows = calloc(1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	rows->table = table;
	classify(rows);
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

static void note_time(struct rows *rows, int64_t ts_ns)
{
	if (!rows->count || ts_ns < rows->first_ns)
		rows->first_ns = ts_ns;
	if (!rows->count || ts_ns > rows->last_ns)
		rows->last_ns = ts_ns;
}

/* Lists the processes in the rows, most of them once. */
static void note_process(struct rows *rows, uint64_t id)
{
	uint64_t *recent = &rows->recent[id % ROWS_RECENT];

	if (*recent != id) {
		*recent = id;
		rows->processes[rows->n_processes++] = id;
	}
}

static inline size_t run_put(struct run *run, uint64_t value)
{
	uint8_t *at = run->end;

	run->end = varint_put(at, value);
	return run->end - at;
}

static void add_integers(struct rows *rows, const uint64_t *values)
{
	int n_deltas = rows->n_deltas, n_plain = rows->n_plain, n_hashes = rows->n_hashes;
	size_t bytes = 0;

	if (rows->table->ts_ns >= 0)
		note_time(rows, values[rows->table->ts_ns]);
	if (rows->table->process_id >= 0)
		note_process(rows, values[rows->table->process_id]);
	for (int k = 0; k < n_deltas; k++) {
		int i = rows->deltas[k];
		uint64_t value = values[i], delta = value - rows->last[i];

		rows->last[i] = value;
		bytes += run_put(&rows->columns[i], zigzag(delta));
	}
	for (int k = 0; k < n_plain; k++) {
		int i = rows->plain[k];

		bytes += run_put(&rows->columns[i], values[i]);
	}
	for (int k = 0; k < n_hashes; k++) {
		int i = rows->hashes[k];

		put64(rows->columns[i].end, values[i]);
		rows->columns[i].end += 8;
		bytes += 8;
	}
	rows->count++;
	rows->total++;
	rows->bytes += bytes;
}

/* A NULL stands in its column as what packs smallest: no difference, or 0. */
static void add_with_nulls(struct rows *rows, const uint64_t *values, uint32_t nulls)
{
	uint64_t copy[COLUMNS_MAX];

	memcpy(copy, values, rows->table->n_columns * sizeof(*copy));
	for (uint32_t left = nulls; left; left &= left - 1) {
		int i = __builtin_ctz(left);

		copy[i] = rows->table->columns[i].kind == COLUMN_DELTA ? rows->last[i] : 0;
		if (rows->table->columns[i].null_field) {
			rows->bytes += run_put(&rows->nulls[i], rows->count);
			rows->n_nulls[i]++;
		}
	}
	rows->plain_nulls = nulls & rows->no_null_list;
	add_integers(rows, copy);
}

int rows_add(struct rows *rows, const uint64_t *values, uint32_t nulls)
{
	if (__builtin_expect(rows->count == rows->room, 0) && grow(rows))
		return -ENOMEM;
	if (nulls)
		add_with_nulls(rows, values, nulls);
	else
		add_integers(rows, values);
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
	free(rows);
}
