/*
 * Functions by address: which one contains an address, whatever the symbol tables list twice, nest
 * or leave without a size.
 */
#ifndef RECORDER_FUNCTIONS_H
#define RECORDER_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct function {
	uint64_t start;
	uint64_t end;       /* behind its last byte */
	const char *name;   /* the caller's, not copied */
	uint32_t enclosing; /* internal */
	bool sized;         /* else it ends where the next one begins, at end at the latest */
	bool local;         /* shown only if no global name has the same address */
};

/* All zero: empty. */
struct functions {
	struct function *all;
	size_t n;
	size_t size;
};

/* 0, -ENOMEM. A function with end <= start is left out. */
int functions_add(struct functions *functions, const struct function *function);

/* To be called once, after the last functions_add() and before functions_find(). */
void functions_sort(struct functions *functions);

/* The innermost function that contains the address, NULL if none does. */
const struct function *functions_find(const struct functions *functions, uint64_t address);

void functions_free(struct functions *functions);

#endif
