/* The bytes of a trace file. Errors are those of pread(2). */
#ifndef FORMAT_INPUT_H
#define FORMAT_INPUT_H

#include <sys/types.h>
#include "format/block.h"

struct input {
	int fd;
	uint64_t size; /* when last looked at: a trace may grow while it is read */
};

/* Reads up to `n` bytes; fewer only at the end of the file. The count, or -errno. */
ssize_t input_read(const struct input *, uint64_t offset, void *out, size_t n);

/* Whether the file has the bytes before `end`. 1, 0, -errno. */
int input_has(struct input *, uint64_t end);

/*
 * Searches [from, to) for a sync marker whose block header is whole, of any version. 1: *found is
 * the marker's offset; 0: none; -errno.
 */
int input_find_block(const struct input *, uint64_t from, uint64_t to, uint64_t *found);

#endif
