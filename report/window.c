#include "report/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "report/moment.h"

enum {
	CLOCKS_MAX = 1 << 20,
};

/* Beyond is no time of any clock; within, sums of a few cannot overflow. */
static const int64_t farthest_ns = 1LL << 62;

static int64_t limit(int64_t ns)
{
	return ns < 0 ? 0 : ns > farthest_ns ? farthest_ns : ns;
}

static int load_session(sqlite3 *db, struct timeline *timeline, struct outcome *outcome)
{
	static const char sql[] = "SELECT min(start_ns), max(utc_offset_s), "
				  "count(DISTINCT boot_id) FROM session";
	sqlite3_stmt *statement;
	int64_t boots = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL))
		return outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	if (sqlite3_step(statement) == SQLITE_ROW) {
		timeline->first_ns = limit(sqlite3_column_int64(statement, 0));
		timeline->utc_offset_ns = sqlite3_column_int64(statement, 1) % 86400 * 1000000000;
		boots = sqlite3_column_int64(statement, 2);
	}
	if (sqlite3_finalize(statement))
		return outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	if (boots > 1)
		return outcome_failed(outcome,
				      "holds recordings of %lld boots, and a time does "
				      "not say of which",
				      (long long)boots);
	return 0;
}

struct clocks {
	struct moment_clock *rows;
	size_t n, room;
};

static int clocks_add(struct clocks *clocks, int64_t ts_ns, int64_t realtime_ns)
{
	size_t room = clocks->room ? clocks->room * 2 : 64;
	struct moment_clock *rows;

	if (clocks->n == clocks->room) {
		rows = reallocarray(clocks->rows, room, sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		clocks->rows = rows;
		clocks->room = room;
	}
	clocks->rows[clocks->n++] = (struct moment_clock){ limit(ts_ns), limit(realtime_ns) };
	return 0;
}

static int clocks_load(sqlite3 *db, struct clocks *clocks, struct outcome *outcome)
{
	static const char sql[] = "SELECT ts_ns, realtime_ns FROM clock ORDER BY ts_ns";
	sqlite3_stmt *statement;
	int err = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL))
		return outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	while (!err && clocks->n < CLOCKS_MAX && sqlite3_step(statement) == SQLITE_ROW)
		err = clocks_add(clocks, sqlite3_column_int64(statement, 0),
				 sqlite3_column_int64(statement, 1));
	if (sqlite3_finalize(statement))
		return outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	return err ? outcome_failed(outcome, "out of memory") : 0;
}

static int resolve(const char *text, const struct timeline *timeline, int64_t *out,
		   struct outcome *outcome)
{
	struct moment moment;

	if (!text)
		return 0;
	if (moment_parse(text, &moment))
		return outcome_usage(outcome, "'%s' is no time; a time is " MOMENT_FORMS, text);
	if (moment_resolve(&moment, timeline, out))
		return outcome_failed(outcome, "no clock was recorded: '%s' cannot be placed",
				      text);
	return 0;
}

int window_resolve(sqlite3 *db, const char *from, const char *to, int64_t end_ns,
		   struct window *out, struct outcome *outcome)
{
	struct timeline timeline = { .last_ns = limit(end_ns) };
	struct window window = { 0, INT64_MAX };
	struct clocks clocks = { 0 };
	int err = 0;

	if (from || to) {
		err = load_session(db, &timeline, outcome);
		if (!err)
			err = clocks_load(db, &clocks, outcome);
		timeline.clocks = clocks.rows;
		timeline.n_clocks = clocks.n;
	}
	if (!err)
		err = resolve(from, &timeline, &window.from_ns, outcome);
	if (!err)
		err = resolve(to, &timeline, &window.to_ns, outcome);
	if (!err && window.from_ns > window.to_ns)
		err = outcome_usage(outcome, "the window ends before it begins");
	if (!err && to && window.to_ns < timeline.first_ns)
		err = outcome_failed(outcome, "'%s' is before the recording", to);
	if (!err && from && timeline.last_ns && window.from_ns > timeline.last_ns)
		err = outcome_failed(outcome, "'%s' is after the recording", from);
	if (!err)
		*out = window;
	free(clocks.rows);
	return err;
}

int window_tell(sqlite3 *db, const struct window *window, struct outcome *outcome)
{
	long long from = window->from_ns, to = window->to_ns;
	char *sql = sqlite3_mprintf("UPDATE temp.period SET from_ns = %lld, to_ns = %lld", from,
				    to);
	int status = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	return status ? outcome_failed(outcome, "%s", sqlite3_errstr(status)) : 0;
}

/* The whole recording. */
static const char heap_sql[] = "CREATE TEMP VIEW heap_window AS SELECT * FROM heap_site";

/* From a trace: the pairing knows windows. */
static const char heap_paired_sql[] = "CREATE TEMP VIEW heap_window AS SELECT * FROM heap_site "
				      "WHERE from_ns = %lld AND to_ns = %lld";

/* From a database with single events. A life that ended without a free was displaced. */
static const char heap_lives_sql[] =
	"CREATE TEMP VIEW heap_window AS "
	"SELECT session, process_id, stack_id, op, "
	"count(*) AS allocs, "
	"sum(size_bytes) AS alloc_bytes, "
	"sum(freed) AS frees, "
	"sum(iif(freed, size_bytes, 0)) AS freed_bytes, "
	"sum(held) AS held, "
	"sum(iif(held, size_bytes, 0)) AS held_bytes, "
	"min(alloc_ns) AS first_ns, "
	"max(alloc_ns) AS last_ns "
	"FROM (SELECT *, "
	"coalesce(free_ns <= %lld, 0) AND free_tid IS NOT NULL AS freed, "
	"coalesce(free_ns > %lld, 1) AS held "
	"FROM heap_life WHERE alloc_ns BETWEEN %lld AND %lld) "
	"GROUP BY session, process_id, stack_id, op";

static bool site_knows_windows(sqlite3 *db)
{
	return !sqlite3_table_column_metadata(db, NULL, "heap_site", "from_ns", NULL, NULL, NULL,
					      NULL, NULL);
}

int window_heap(sqlite3 *db, const struct window *window, bool summed, struct outcome *outcome)
{
	long long from = window->from_ns, to = window->to_ns;
	bool whole = from <= 0 && to == INT64_MAX;
	char *sql;
	int status;

	if (!whole && summed)
		return outcome_failed(outcome,
				      "holds only sums of the heap: for a window ask the trace, "
				      "or a database made with `analyze --events`");
	if (whole)
		sql = sqlite3_mprintf("%s", heap_sql);
	else if (site_knows_windows(db))
		sql = sqlite3_mprintf(heap_paired_sql, from, to);
	else
		sql = sqlite3_mprintf(heap_lives_sql, to, to, from, to);
	status = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
	sqlite3_free(sql);
	return status ? outcome_failed(outcome, "%s", sqlite3_errstr(status)) : 0;
}
