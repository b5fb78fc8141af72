/*
 * What a statement asks of a virtual table and what the table can know cheaply: the time range, the
 * session, the processes. SQLite checks its conditions again, so a filter may pass too much but
 * never too little.
 *
 * A plan is the text that EXPLAIN QUERY PLAN shows, one word per argument: "ts_ns>= ts_ns<=
 * process_id=".
 */
#ifndef ANALYZER_FILTER_H
#define ANALYZER_FILTER_H

#include <sqlite3.h>
#include "analyzer/index.h"
#include "format/reader.h"

/* The table's columns in SQLite, by number; -1: it has none. `time` is named in the plan. */
struct filter_columns {
	int time, session, process;
	const char *time_name;
};

struct filter {
	bool nothing; /* no row can match */
	int64_t from_ns, to_ns;
	bool one_session, some_processes;
	int64_t session;
	struct number_set processes;
};

/*
 * Chooses the constraints, their argv in order, the plan and the cost (as if the table had `rows`
 * rows). An SQLite code.
 */
int filter_plan(sqlite3_index_info *info, const struct filter_columns *columns, double rows);

/* Fills a filter that is all zero. An SQLite code; filter_free in any case. */
int filter_fill(struct filter *filter, const char *plan, sqlite3_value **values);

/* Whether the batch's session can match. */
static inline bool filter_session(const struct filter *filter, const struct batch *batch)
{
	return !filter->one_session || filter->session == (int64_t)batch->session_number;
}

/* Whether the row can; the time range is the caller's. */
static inline bool filter_process(const struct filter *filter, const struct batch *batch,
				  size_t row)
{
	const struct column *ids;

	if (!filter->some_processes)
		return true;
	ids = &batch->columns[batch->table->process_id];
	return !ids->absent && number_set_has(&filter->processes, ids->values[row]);
}

void filter_free(struct filter *filter);

#endif
