#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "format/seen.h"

/* The first range that ends at or behind the sequence number. */
static size_t place(const struct seen *seen, uint64_t sequence)
{
	size_t low = 0, high = seen->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (seen->ranges[middle].last < sequence)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool seen_has(const struct seen *seen, uint64_t sequence)
{
	size_t i = place(seen, sequence);

	return i < seen->n && seen->ranges[i].first <= sequence;
}

static int insert(struct seen *seen, size_t i, uint64_t sequence)
{
	if (seen->n == seen->room) {
		size_t room = seen->room ? 2 * seen->room : 4;
		struct seen_range *ranges = realloc(seen->ranges, room * sizeof(*ranges));

		if (!ranges)
			return -ENOMEM;
		seen->ranges = ranges;
		seen->room = room;
	}
	memmove(&seen->ranges[i + 1], &seen->ranges[i], (seen->n - i) * sizeof(*seen->ranges));
	seen->ranges[i] = (struct seen_range){ sequence, sequence };
	seen->n++;
	return 0;
}

static uint64_t missing_with(const struct seen *seen, uint64_t sequence)
{
	uint64_t first, last;

	if (!seen->n)
		return 0;
	first = seen->ranges[0].first;
	last = seen->ranges[seen->n - 1].last;
	if (sequence < first)
		return seen->missing + (first - sequence - 1);
	if (sequence > last)
		return seen->missing + (sequence - last - 1);
	return seen->missing - 1;
}

static int range_add(struct seen *seen, uint64_t sequence)
{
	size_t i = place(seen, sequence);
	struct seen_range *before = i > 0 ? &seen->ranges[i - 1] : NULL;
	struct seen_range *after = i < seen->n ? &seen->ranges[i] : NULL;
	bool joins_before = before && before->last + 1 == sequence;
	bool joins_after = after && sequence + 1 == after->first;

	if (joins_before && joins_after) {
		before->last = after->last;
		seen->n--;
		memmove(after, after + 1, (seen->n - i) * sizeof(*after));
	} else if (joins_before) {
		before->last = sequence;
	} else if (joins_after) {
		after->first = sequence;
	} else {
		return insert(seen, i, sequence);
	}
	return 0;
}

int seen_add(struct seen *seen, uint64_t sequence)
{
	uint64_t missing = missing_with(seen, sequence);
	int err;

	if (seen->n == SEEN_MAX)
		return 0;
	err = range_add(seen, sequence);
	if (!err)
		seen->missing = missing;
	return err;
}

void seen_free(struct seen *seen)
{
	free(seen->ranges);
	memset(seen, 0, sizeof(*seen));
}
