#include "analyzer/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RESULTS_MAX = 8 };

/* The last results, the youngest first. */
struct heap_cache {
	struct heap_result *first;
};

static const uint64_t *column_values(const struct batch *batch, const char *name)
{
	int i = table_column(batch->table, name);

	return i < 0 || batch->columns[i].absent ? NULL : batch->columns[i].values;
}

static int events_take(struct heap_pair *pair, const struct batch *batch, enum heap_event_kind kind)
{
	const uint64_t *ts_ns = column_values(batch, "ts_ns");
	const uint64_t *process_id = column_values(batch, "process_id");
	const uint64_t *child_process_id = column_values(batch, "child_process_id");
	const uint64_t *last = column_values(batch, "last");
	int err = 0;

	for (size_t i = 0; i < batch->rows && !err && ts_ns && process_id; i++) {
		struct heap_event event = {
			.session = batch->session_number,
			.kind = kind,
			.ts_ns = (int64_t)ts_ns[i],
			.process_id = process_id[i],
			.other_id = child_process_id ? child_process_id[i] : 0,
		};

		if (kind != HEAP_EXIT || (last && last[i]))
			err = heap_pair_event(pair, &event);
	}
	return err;
}

static const struct {
	const char *table;
	enum heap_event_kind kind;
} event_tables[] = { { "fork", HEAP_FORK }, { "exec", HEAP_EXEC }, { "exit", HEAP_EXIT } };

enum { EVENT_TABLES = sizeof(event_tables) / sizeof(*event_tables) };

static int rc_of(int err)
{
	if (!err)
		return SQLITE_OK;
	return err == -ENOMEM ? SQLITE_NOMEM : SQLITE_ERROR;
}

static int events_read(struct heap_feed *feed, char **why)
{
	struct reader_selection selection = { .all_times = true };
	struct batch batch;
	int rc;

	for (int i = 0; i < EVENT_TABLES; i++)
		table_set_add(&selection.tables, table_named(event_tables[i].table)->number);
	reader_select(feed->reader, &selection);
	while ((rc = analysis_batch(feed->reader, &batch, why)) == SQLITE_ROW)
		for (int i = 0; i < EVENT_TABLES; i++)
			if (!strcmp(batch.table->name, event_tables[i].table) &&
			    events_take(feed->pair, &batch, event_tables[i].kind))
				return SQLITE_NOMEM;
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void rows_select(struct heap_feed *feed, const struct heap_pair_options *options)
{
	struct reader_selection selection = {
		.from_ns = options->from_ns,
		.to_ns = options->to_ns,
	};

	table_set_add(&selection.tables, table_named("heap")->number);
	reader_rewind(feed->reader);
	reader_select(feed->reader, &selection);
}

int heap_feed_open(struct heap_feed *feed, const struct analysis *analysis,
		   const struct heap_pair_options *options, char **why)
{
	int rc = analysis_reader(analysis, &feed->reader, why);

	if (!rc)
		rc = rc_of(heap_pair_open(options, &feed->pair));
	if (!rc)
		rc = events_read(feed, why);
	if (!rc)
		rows_select(feed, options);
	return rc;
}

static int batch_pair(struct heap_feed *feed, const struct batch *batch)
{
	struct heap_rows rows = {
		.session = batch->session_number,
		.rows = batch->rows,
		.ts_ns = column_values(batch, "ts_ns"),
		.process_id = column_values(batch, "process_id"),
		.tid = column_values(batch, "tid"),
		.op = column_values(batch, "op"),
		.addr = column_values(batch, "addr"),
		.size_bytes = column_values(batch, "size_bytes"),
		.old_addr = column_values(batch, "old_addr"),
		.realloc_ns = column_values(batch, "realloc_ns"),
		.stack_id = column_values(batch, "stack_id"),
	};

	if (strcmp(batch->table->name, "heap"))
		return SQLITE_OK;
	return rc_of(heap_pair_rows(feed->pair, &rows));
}

int heap_feed_next(struct heap_feed *feed, char **why)
{
	struct batch batch;
	int rc;

	if (feed->finished)
		return SQLITE_DONE;
	rc = analysis_batch(feed->reader, &batch, why);
	if (rc == SQLITE_DONE) {
		feed->finished = true;
		rc = rc_of(heap_pair_finish(feed->pair));
	} else if (rc == SQLITE_ROW) {
		rc = batch_pair(feed, &batch);
	}
	return rc == SQLITE_OK ? SQLITE_ROW : rc;
}

void heap_feed_close(struct heap_feed *feed)
{
	heap_pair_close(feed->pair);
	reader_close(feed->reader);
	*feed = (struct heap_feed){ 0 };
}

/* ---- Results */

static void result_free(struct heap_result *result)
{
	if (!result)
		return;
	free(result->sites);
	free(result->notes);
	free(result);
}

static void *copy(const void *items, size_t n, size_t size)
{
	void *to = malloc(n ? n * size : 1);

	return to && n ? memcpy(to, items, n * size) : to;
}

static struct heap_result *result_new(const struct heap_pair *pair,
				      const struct heap_pair_options *options)
{
	struct heap_result *result = calloc(1, sizeof(*result));
	const struct heap_site *sites;
	const struct heap_note *notes;

	if (!result)
		return NULL;
	sites = heap_pair_sites(pair, &result->n_sites);
	notes = heap_pair_notes(pair, &result->n_notes);
	result->from_ns = options->from_ns;
	result->to_ns = options->to_ns;
	result->sites = copy(sites, result->n_sites, sizeof(*sites));
	result->notes = copy(notes, result->n_notes, sizeof(*notes));
	if (result->sites && result->notes)
		return result;
	result_free(result);
	return NULL;
}

static int result_make(const struct analysis *analysis, const struct heap_pair_options *options,
		       struct heap_result **out, char **why)
{
	struct heap_feed feed = { 0 };
	int rc = heap_feed_open(&feed, analysis, options, why);

	if (!rc)
		do
			rc = heap_feed_next(&feed, why);
		while (rc == SQLITE_ROW);
	if (rc == SQLITE_DONE) {
		*out = result_new(feed.pair, options);
		rc = *out ? SQLITE_OK : SQLITE_NOMEM;
	}
	heap_feed_close(&feed);
	return rc;
}

/* Drops results that nobody uses beyond the first ones. */
static void cache_trim(struct heap_cache *cache)
{
	struct heap_result **at = &cache->first;

	for (int n = 0; *at; n++) {
		struct heap_result *result = *at;

		if (n < RESULTS_MAX || result->users) {
			at = &result->next;
			continue;
		}
		*at = result->next;
		result_free(result);
	}
}

static struct heap_result *cache_find(const struct heap_cache *cache, int64_t from_ns,
				      int64_t to_ns)
{
	struct heap_result *result = cache->first;

	while (result && (result->from_ns != from_ns || result->to_ns != to_ns))
		result = result->next;
	return result;
}

int heap_result_take(struct analysis *analysis, int64_t from_ns, int64_t to_ns,
		     struct heap_result **out, char **why)
{
	struct heap_pair_options options = { .from_ns = from_ns, .to_ns = to_ns };
	int rc = SQLITE_OK;

	if (!analysis->heap)
		analysis->heap = calloc(1, sizeof(*analysis->heap));
	if (!analysis->heap)
		return SQLITE_NOMEM;
	*out = cache_find(analysis->heap, from_ns, to_ns);
	if (!*out) {
		rc = result_make(analysis, &options, out, why);
		if (rc)
			return rc;
		(*out)->next = analysis->heap->first;
		analysis->heap->first = *out;
	}
	(*out)->users++;
	cache_trim(analysis->heap);
	return SQLITE_OK;
}

void heap_result_leave(struct heap_result *result)
{
	if (result)
		result->users--;
}

void heap_cache_free(struct heap_cache *cache)
{
	if (!cache)
		return;
	while (cache->first) {
		struct heap_result *result = cache->first;

		cache->first = result->next;
		result_free(result);
	}
	free(cache);
}
