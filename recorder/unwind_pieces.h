/*
 * Rows of an unwind table as they are found, function by function in any order; joined they are
 * sorted and have no overlaps.
 */
#ifndef RECORDER_UNWIND_PIECES_H
#define RECORDER_UNWIND_PIECES_H

#include "recorder/unwind_row.h"

/* A function: its rows, and the file offset where the last one ends. */
struct unwind_piece {
	uint32_t start, end;
	uint32_t first, n;
};

struct unwind_pieces {
	struct unwind_row *rows;
	size_t n_rows, max_rows;
	struct unwind_piece *all;
	size_t n, max;
};

/* Begins a piece of rows to come. 0, -ENOMEM. */
int unwind_piece_begin(struct unwind_pieces *, uint32_t start, uint32_t end);

/* pc: inside the piece, and behind its last row's. 0, -ENOMEM. */
int unwind_piece_row(struct unwind_pieces *, struct unwind_row row);

/* A piece of one row. 0, -ENOMEM. */
int unwind_piece_add(struct unwind_pieces *, uint32_t start, uint32_t end, struct unwind_row row);

/* Where the first piece behind or around start begins; UINT32_MAX: none. */
uint32_t unwind_pieces_next(const struct unwind_pieces *, uint32_t start);

/* The piece that begins there, or NULL. */
struct unwind_piece *unwind_piece_at(struct unwind_pieces *, uint32_t start);

/*
 * All rows, sorted, UNWIND_NONE where a gap begins. What begins first wins where pieces overlap, of
 * those that begin together the first one. 0; -ENOMEM.
 */
int unwind_pieces_join(struct unwind_pieces *, struct unwind_row **rows, size_t *n);

void unwind_pieces_free(struct unwind_pieces *);

#endif
