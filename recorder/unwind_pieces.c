#include "recorder/unwind_pieces.h"

#include <errno.h>
#include <stdlib.h>

static int grow(void **array, size_t *max, size_t size)
{
	size_t wanted = *max ? 2 * *max : 4096;
	void *grown = realloc(*array, wanted * size);

	if (!grown)
		return -ENOMEM;
	*array = grown;
	*max = wanted;
	return 0;
}

int unwind_piece_begin(struct unwind_pieces *pieces, uint32_t start, uint32_t end)
{
	if (pieces->n == pieces->max &&
	    grow((void **)&pieces->all, &pieces->max, sizeof(*pieces->all)))
		return -ENOMEM;
	if (pieces->n_rows > UINT32_MAX)
		return -ENOMEM;
	pieces->all[pieces->n++] = (struct unwind_piece){ start, end, pieces->n_rows, 0 };
	return 0;
}

int unwind_piece_row(struct unwind_pieces *pieces, struct unwind_row row)
{
	struct unwind_piece *piece = &pieces->all[pieces->n - 1];

	if (piece->n && unwind_rows_equal(&pieces->rows[pieces->n_rows - 1], &row))
		return 0;
	if (pieces->n_rows == pieces->max_rows &&
	    grow((void **)&pieces->rows, &pieces->max_rows, sizeof(*pieces->rows)))
		return -ENOMEM;
	pieces->rows[pieces->n_rows++] = row;
	piece->n++;
	return 0;
}

int unwind_piece_add(struct unwind_pieces *pieces, uint32_t start, uint32_t end,
		     struct unwind_row row)
{
	int err = unwind_piece_begin(pieces, start, end);

	row.pc = start;
	return err ? err : unwind_piece_row(pieces, row);
}

uint32_t unwind_pieces_next(const struct unwind_pieces *pieces, uint32_t start)
{
	uint32_t next = UINT32_MAX;

	for (size_t i = 0; i < pieces->n; i++) {
		if (pieces->all[i].end > start && pieces->all[i].start < next)
			next = pieces->all[i].start;
	}
	return next;
}

struct unwind_piece *unwind_piece_at(struct unwind_pieces *pieces, uint32_t start)
{
	for (size_t i = 0; i < pieces->n; i++) {
		if (pieces->all[i].start == start)
			return &pieces->all[i];
	}
	return NULL;
}

/* The rows' order is the order in which they were found. */
static int compare_pieces(const void *left, const void *right)
{
	const struct unwind_piece *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

static void sort(struct unwind_pieces *pieces)
{
	for (size_t i = 1; i < pieces->n; i++) {
		if (pieces->all[i].start >= pieces->all[i - 1].start)
			continue;
		qsort(pieces->all, pieces->n, sizeof(*pieces->all), compare_pieces);
		return;
	}
}

struct joined {
	struct unwind_row *rows;
	size_t n;
	uint32_t covered; /* up to there */
};

static void put(struct joined *joined, struct unwind_row row)
{
	if (!joined->n || !unwind_rows_equal(&joined->rows[joined->n - 1], &row))
		joined->rows[joined->n++] = row;
}

static void join_piece(struct joined *joined, const struct unwind_row *rows,
		       const struct unwind_piece *piece)
{
	uint32_t from = piece->start;
	struct unwind_row row;

	if (joined->n && from > joined->covered)
		put(joined, (struct unwind_row){ .pc = joined->covered });
	if (from < joined->covered)
		from = joined->covered;
	for (uint32_t i = 0; i < piece->n; i++) {
		if ((i + 1 < piece->n ? rows[i + 1].pc : piece->end) <= from)
			continue;
		row = rows[i];
		row.pc = row.pc < from ? from : row.pc;
		put(joined, row);
	}
	if (joined->covered < piece->end)
		joined->covered = piece->end;
}

int unwind_pieces_join(struct unwind_pieces *pieces, struct unwind_row **rows, size_t *n)
{
	struct joined joined = { 0 };
	struct unwind_row *fitting;

	joined.rows = malloc((pieces->n_rows + pieces->n + 1) * sizeof(*joined.rows));
	if (!joined.rows)
		return -ENOMEM;
	sort(pieces);
	for (size_t i = 0; i < pieces->n; i++)
		join_piece(&joined, pieces->rows + pieces->all[i].first, &pieces->all[i]);
	put(&joined, (struct unwind_row){ .pc = joined.covered });
	fitting = realloc(joined.rows, joined.n * sizeof(*joined.rows));
	*rows = fitting ? fitting : joined.rows;
	*n = joined.n;
	return 0;
}

void unwind_pieces_free(struct unwind_pieces *pieces)
{
	free(pieces->rows);
	free(pieces->all);
	*pieces = (struct unwind_pieces){ 0 };
}
