/*
 * Walks a copied stack: what the kernel side could not, with the complete rules.
 */
#ifndef RECORDER_WALK_H
#define RECORDER_WALK_H

#include "recorder/spaces.h"
#include "recorder/unwind.h"

struct stack_copy;

/*
 * Finds the addresses, innermost first, in ip[STACK_FRAMES_MAX], with the mappings of now. Returns
 * how many there are; *end becomes STACK_WHOLE, STACK_DEEP or STACK_LOST.
 */
size_t walk_copy(const struct spaces *, const struct unwind *, const struct stack_copy *,
		 uint64_t *ip, uint32_t *end);

#endif
