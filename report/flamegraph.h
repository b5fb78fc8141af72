/*
 * A flame graph: folded stacks with weights become one SVG picture, outermost frames at the bottom.
 * It needs no script and nothing from elsewhere, and the same rows give the same bytes.
 */
#ifndef REPORT_FLAMEGRAPH_H
#define REPORT_FLAMEGRAPH_H

#include <stddef.h>
#include <stdint.h>
#include "report/text.h"

enum {
	FLAMEGRAPH_DEPTH_MAX = 512, /* frames drawn of a stack, from the outermost */
};

struct flamegraph;

/* 0, -ENOMEM. */
int flamegraph_open(struct flamegraph **out);

/* Adds a stack (outermost;...;innermost); stacks may come again. 0, -ENOMEM. */
int flamegraph_add(struct flamegraph *, const char *stack, size_t length, uint64_t weight);

/* Draws what was added. `unit` says what the weights are. 0, -ENOMEM. */
int flamegraph_draw(struct flamegraph *, const char *title, const char *unit, struct text *out);

/* Accepts NULL. */
void flamegraph_close(struct flamegraph *);

#endif
