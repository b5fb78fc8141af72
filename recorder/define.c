#include <assert.h>
#include <string.h>
#include <time.h>
#include "recorder/define.h"

void definer_epoch(struct definer *definer)
{
	memset(definer->next, 0, sizeof(definer->next));
	definer->epoch++;
}

void define_new(struct definer *definer, const struct table *table, struct mark *mark)
{
	*mark = (struct mark){ definer->epoch, ++definer->next[table->number] };
}

void row_begin(struct row *row, const char *table)
{
	row->table = table_named(table);
	assert(row->table);
	for (int i = 0; i < row->table->n_columns; i++)
		row->cells[i] = (struct cell){ .null = row->table->columns[i].null_field != NULL };
}

static struct cell *row_cell(struct row *row, const char *column)
{
	int i = table_column(row->table, column);
	assert(i >= 0);
	return &row->cells[i];
}

void row_number(struct row *row, const char *column, uint64_t value)
{
	*row_cell(row, column) = (struct cell){ .number = value };
}

void row_bytes(struct row *row, const char *column, const char *text, size_t length)
{
	if (text)
		*row_cell(row, column) = (struct cell){ .text = text, .length = length };
}

void row_text(struct row *row, const char *column, const char *text)
{
	row_bytes(row, column, text, text ? strlen(text) : 0);
}

int row_write(const struct row *row, struct writer *writer)
{
	return writer_add_cells(writer, row->table, row->cells);
}

int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}
