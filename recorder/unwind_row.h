/* Call frame rules as an 8-byte row. */
#ifndef RECORDER_UNWIND_ROW_H
#define RECORDER_UNWIND_ROW_H

#include "bpf/unwind_rows.h"
#include "recorder/cfi_program.h"

/* UNWIND_COMPLEX for what a row cannot say. */
struct unwind_row unwind_row_of(const struct cfi_cie *, const struct cfi_rules *, uint32_t pc);

/* Both say the same, wherever. */
static inline bool unwind_rows_equal(const struct unwind_row *a, const struct unwind_row *b)
{
	return a->cfa == b->cfa && a->fp == b->fp && a->type == b->type;
}

#endif
