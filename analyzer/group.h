/*
 * Groups rows by some of their columns, counting them and adding up others, in one pass over
 * columns.
 */
#ifndef ANALYZER_GROUP_H
#define ANALYZER_GROUP_H

#include "analyzer/filter.h"
#include "analyzer/index.h"
#include "format/reader.h"

enum {
	GROUP_SESSION = -1, /* in `keys`: the session */
	GROUP_BUCKET = -2,  /* the time, rounded down */
	GROUP_KEYS_MAX = COLUMNS_MAX + 2,
};

/* By which columns of the table, and the sums of which. */
struct grouping {
	const struct table *table;
	int n_keys, n_sums;
	uint64_t logs; /* bit i: by the logarithm of key i to base 2, rounded down */
	int keys[GROUP_KEYS_MAX], sums[COLUMNS_MAX];
	int64_t every_ns;
};

/*
 * The groups in the order of their first row. A group is group_width() words: its keys, a bitmap of
 * the NULL ones, its count, its sums.
 */
struct groups {
	struct grouping by;
	uint64_t *words;
	size_t n, capacity;
	struct index index;
};

static inline size_t group_width(const struct grouping *by)
{
	return (size_t)by->n_keys + 2 + (size_t)by->n_sums;
}

static inline const uint64_t *group_at(const struct groups *groups, size_t i)
{
	return groups->words + i * group_width(&groups->by);
}

/* The bucket's beginning. */
int64_t bucket_begin(int64_t ts_ns, int64_t every_ns);

/* Adds the rows of a batch that the filter lets pass; the time range is in buckets. 0, -ENOMEM. */
int groups_add(struct groups *groups, const struct batch *batch, const struct filter *filter);

void groups_free(struct groups *groups);

#endif
