/*
 * The rows of one table that a writer has collected: each column as the bytes that it has on the
 * wire.
 */
#ifndef FORMAT_ROWS_H
#define FORMAT_ROWS_H

#include "format/table.h"
#include "format/writer.h"

/* The bytes of a column or of a list of NULL rows. */
struct run {
	uint8_t *start, *end;
};

enum { ROWS_STAGED = 128, ROWS_RECENT = 64 };

struct rows {
	const struct table *table;
	size_t count, room;        /* rows, the staged ones included */
	size_t bytes;              /* of the encoded rows */
	uint64_t total;            /* rows ever added */
	int64_t first_ns, last_ns; /* of the encoded rows, if the table has times */
	uint32_t plain_nulls;      /* NULL columns without a null list: the same in all rows */
	uint32_t no_null_list;     /* columns without one */
	int n_texts;
	uint8_t texts[COLUMNS_MAX]; /* indexes of the columns of texts */

	size_t n_staged;
	uint64_t *staged; /* row by row */
	uint32_t staged_nulls[ROWS_STAGED];

	uint64_t last[COLUMNS_MAX]; /* value of the row before, of deltas */
	struct run columns[COLUMNS_MAX], nulls[COLUMNS_MAX];
	size_t n_nulls[COLUMNS_MAX];
	uint64_t *processes; /* values of process_id, without 0 */
	size_t n_processes;
	uint64_t recent[ROWS_RECENT];
	uint8_t *memory; /* holds processes and all runs but those of texts */
	size_t text_room[COLUMNS_MAX];
};

int rows_open(const struct table *table, struct rows **out);

/* Whether a row with these NULLs has to go into another batch. */
static inline bool rows_differ(const struct rows *rows, uint32_t nulls)
{
	return rows->count && ((rows->plain_nulls ^ nulls) & rows->no_null_list);
}

/*
 * Adds a row that does not differ: the array is as long as the table has columns, those of texts
 * are not read. 0, -ENOMEM.
 */
int rows_add(struct rows *, const uint64_t *values, uint32_t nulls);

/* Adds a row of any table; its texts are already checked. */
int rows_add_cells(struct rows *, const struct cell *cells);

/* Encodes what is staged. Before the functions below, and before `bytes` and the times are read. */
void rows_encode(struct rows *);

/* The size of the rows as an element of Trace.batch; its bytes: VARINT_ROOM more are touched. */
size_t rows_size(const struct rows *);
uint8_t *rows_pack(const struct rows *, uint8_t *at);

void rows_clear(struct rows *);

/* Accepts NULL. */
void rows_close(struct rows *);

#endif
