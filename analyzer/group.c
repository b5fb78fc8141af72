#include "analyzer/group.h"

#include <string.h>
#include "analyzer/cells.h"

int64_t bucket_begin(int64_t ts_ns, int64_t every_ns)
{
	int64_t rest = ts_ns % every_ns;

	rest += rest < 0 ? every_ns : 0;
	/* The first bucket of all begins before the first instant that can be said. */
	return ts_ns < INT64_MIN + rest ? INT64_MIN : ts_ns - rest;
}

/* The row's bucket, mostly that of the row before: a division costs as much as the rest. */
static int64_t row_bucket(const struct grouping *by, const struct batch *batch, size_t row,
			  int64_t before)
{
	const struct column *times = &batch->columns[by->table->ts_ns];
	int64_t ts_ns = times->absent ? 0 : (int64_t)times->values[row];

	if (ts_ns >= before && (uint64_t)ts_ns - (uint64_t)before < (uint64_t)by->every_ns)
		return before;
	return bucket_begin(ts_ns, by->every_ns);
}

static uint64_t log_2(uint64_t value)
{
	return value ? 63 - (uint64_t)__builtin_clzll(value) : 0;
}

/* The keys of a row and the bitmap of those that are NULL. */
static void keys_take(const struct grouping *by, const struct batch *batch, size_t row,
		      int64_t bucket, uint64_t *words)
{
	uint64_t nulls = 0;

	for (int i = 0; i < by->n_keys; i++) {
		int column = by->keys[i];

		if (column == GROUP_SESSION)
			words[i] = batch->session_number;
		else if (column == GROUP_BUCKET)
			words[i] = (uint64_t)bucket;
		else if (cell_null(batch, column, row))
			words[i] = 0, nulls |= 1ULL << i;
		else if (by->logs >> i & 1)
			words[i] = log_2(batch->columns[column].values[row]);
		else
			words[i] = batch->columns[column].values[row];
	}
	words[by->n_keys] = nulls;
}

static int group_add(struct groups *groups, uint64_t hash, const uint64_t *keys)
{
	size_t width = group_width(&groups->by), n = groups->n;
	uint64_t *words;

	if (n >= INDEX_NONE - 1 ||
	    array_grow(&groups->words, &groups->capacity, n, width * sizeof(*groups->words)) ||
	    index_add(&groups->index, hash, (uint32_t)n))
		return -ENOMEM;
	words = groups->words + n * width;
	memset(words, 0, width * sizeof(*words));
	memcpy(words, keys, (size_t)(groups->by.n_keys + 1) * sizeof(*words));
	groups->n++;
	return 0;
}

/* The group with these keys, or NULL: no memory. */
static uint64_t *group_find(struct groups *groups, const uint64_t *keys)
{
	size_t n = (size_t)groups->by.n_keys + 1, step = 0;
	uint64_t hash = 0;
	uint32_t at;

	for (size_t i = 0; i < n; i++)
		hash = hash_pair(hash, keys[i]);
	while ((at = index_next(&groups->index, hash, &step)) != INDEX_NONE)
		if (!memcmp(group_at(groups, at), keys, n * sizeof(*keys)))
			return groups->words + at * group_width(&groups->by);
	if (group_add(groups, hash, keys))
		return NULL;
	return groups->words + (groups->n - 1) * group_width(&groups->by);
}

static void sums_add(const struct grouping *by, const struct batch *batch, size_t row,
		     uint64_t *words)
{
	words[by->n_keys + 1]++;
	for (int i = 0; i < by->n_sums; i++)
		if (!cell_null(batch, by->sums[i], row))
			words[by->n_keys + 2 + i] += batch->columns[by->sums[i]].values[row];
}

int groups_add(struct groups *groups, const struct batch *batch, const struct filter *filter)
{
	const struct grouping *by = &groups->by;
	uint64_t keys[GROUP_KEYS_MAX + 1], last_keys[GROUP_KEYS_MAX + 1];
	uint64_t *group = NULL;
	int64_t bucket = 0;

	if (!filter_session(filter, batch))
		return 0;
	for (size_t row = 0; row < batch->rows; row++) {
		bucket = row_bucket(by, batch, row, bucket);
		if (bucket < filter->from_ns || bucket > filter->to_ns ||
		    !filter_process(filter, batch, row))
			continue;
		keys_take(by, batch, row, bucket, keys);
		if (!group || memcmp(keys, last_keys, (size_t)(by->n_keys + 1) * sizeof(*keys))) {
			group = group_find(groups, keys);
			if (!group)
				return -ENOMEM;
			memcpy(last_keys, keys, sizeof(keys));
		}
		sums_add(by, batch, row, group);
	}
	return 0;
}

void groups_free(struct groups *groups)
{
	free(groups->words);
	index_free(&groups->index);
	*groups = (struct groups){ 0 };
}
