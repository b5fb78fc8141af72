#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>
#include "format/input.h"

enum { SEARCH_BYTES = 256 << 10 };

ssize_t input_read(const struct input *input, uint64_t offset, void *out, size_t n)
{
	size_t got = 0;

	if (offset > INT64_MAX - n)
		return 0;
	while (got < n) {
		ssize_t more = pread(input->fd, (char *)out + got, n - got, offset + got);

		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			return -errno;
		if (!more)
			break;
		got += more;
	}
	return got;
}

int input_has(struct input *input, uint64_t end)
{
	struct stat status;

	if (end <= input->size)
		return 1;
	if (fstat(input->fd, &status))
		return -errno;
	input->size = status.st_size;
	return end <= input->size;
}

static bool whole_header(const uint8_t *bytes, size_t n)
{
	struct block_header header;
	int err = block_decode(bytes, n, &header);

	return !err || err == -ENOMSG;
}

/* Looks at `n` bytes of which markers in the first `starts` count. */
static const uint8_t *find(const uint8_t *bytes, size_t n, size_t starts)
{
	const uint8_t *at = bytes, *end = bytes + n;

	for (;; at++) {
		at = memmem(at, end - at, block_sync, BLOCK_SYNC);
		if (!at || (size_t)(at - bytes) >= starts)
			return NULL;
		if (whole_header(at, end - at))
			return at;
	}
}

int input_find_block(const struct input *input, uint64_t from, uint64_t to, uint64_t *found)
{
	uint8_t *buffer = malloc(SEARCH_BYTES + HEADER_MAX);
	int result = buffer ? 0 : -ENOMEM;

	while (!result && from < to) {
		ssize_t n = input_read(input, from, buffer, SEARCH_BYTES + HEADER_MAX);
		size_t starts = to - from < SEARCH_BYTES ? to - from : SEARCH_BYTES;
		const uint8_t *at;

		if (n <= 0) {
			result = n;
			break;
		}
		at = find(buffer, n, starts);
		if (at) {
			*found = from + (at - buffer);
			result = 1;
		}
		from += starts;
	}
	free(buffer);
	return result;
}
