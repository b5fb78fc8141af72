/* DWARF expressions, as far as call frame information has use for them. */
#ifndef RECORDER_CFI_EXPRESSION_H
#define RECORDER_CFI_EXPRESSION_H

#include "recorder/cfi_frame.h"

#include <stddef.h>

/* Expressions that need more of either are refused. */
#define CFI_STACK_MAX 64
#define CFI_OPERATIONS_MAX 1000

/* What an expression is about. */
struct cfi_scope {
	const struct cfi_frame *frame;
	uint64_t bias;       /* an address in the process - the one in the file */
	const uint64_t *cfa; /* NULL: not known yet; else the stack begins with it */
	cfi_read *read;
	void *context;
};

/* 0; -EFAULT: the process could not be read; -EINVAL: not understood, or a register is not known.
 */
int cfi_evaluate(const struct cfi_scope *, const uint8_t *expression, size_t size, uint64_t *value);

#endif
