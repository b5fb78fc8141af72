/* Which blocks of a stream came by: ranges of sequence numbers. */
#ifndef FORMAT_SEEN_H
#define FORMAT_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ranges kept of one stream; a file in order has one, a hostile one must not make this slow. */
enum { SEEN_MAX = 4096 };

struct seen {
	struct seen_range {
		uint64_t first, last;
	} * ranges; /* ascending, with gaps between */
	size_t n, room;
	uint64_t missing; /* between the first and the last */
};

bool seen_has(const struct seen *, uint64_t sequence);

/* Notes one that it has not. 0, -ENOMEM. Beyond SEEN_MAX ranges it is not noted. */
int seen_add(struct seen *, uint64_t sequence);

void seen_free(struct seen *);

#endif
