/*
 * SQL functions on texts, counters and times: snapshot_value, rise, wall_time, wall_date.
 */
#include "analyzer/internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "analyzer/demangle.h"
#include "analyzer/flags.h"
#include "analyzer/gfp.h"
#include "analyzer/index.h"

/* ---- snapshot_value(text, key) */

/* The line that begins with the key as a whole word, or NULL; what follows the key. */
static const char *line_find(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, length) && strchr(" \t:\n", line[length]))
			return line + length;
	}
	return NULL;
}

/* Whether the line has a number that SQLite can hold. */
static bool number_parse(const char *line, int64_t *out)
{
	size_t n = strcspn(line, "0123456789\n");
	bool negative = n && line[n - 1] == '-';
	int64_t value = 0;

	line += n;
	if (!*line || *line == '\n')
		return false;
	for (; *line >= '0' && *line <= '9'; line++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *line - '0', &value))
			return false;
	*out = negative ? -value : value;
	return true;
}

static void snapshot_value(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const char *text = (const char *)sqlite3_value_text(argv[0]);
	const char *key = (const char *)sqlite3_value_text(argv[1]);
	const char *line = text && key ? line_find(text, key) : NULL;
	int64_t value;

	(void)argc;
	if (line && number_parse(line, &value))
		sqlite3_result_int64(context, value);
}

/* ---- rise(now, before) */

/* How much a counter grew; NULL where either is not known, or it wrapped or began anew. */
static void rise(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	sqlite3_int64 now = sqlite3_value_int64(argv[0]), before = sqlite3_value_int64(argv[1]);

	(void)argc;
	if (sqlite3_value_type(argv[0]) == SQLITE_INTEGER &&
	    sqlite3_value_type(argv[1]) == SQLITE_INTEGER && now >= before && before >= 0)
		sqlite3_result_int64(context, now - before);
}

/* ---- wall_time(ts_ns, session), wall_date(ts_ns, session) */

/* One instant on two clocks, and where the host is. */
struct instant {
	int64_t session, ts_ns, realtime_ns, utc_offset_s;
};

/* All instants that were recorded, by session and time. */
struct clocks {
	struct instant *instants;
	size_t n, capacity;
};

static int clocks_read(struct clocks *clocks, sqlite3_stmt *rows)
{
	int rc;

	while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
		if (array_grow(&clocks->instants, &clocks->capacity, clocks->n,
			       sizeof(*clocks->instants)))
			return SQLITE_NOMEM;
		clocks->instants[clocks->n++] = (struct instant){
			.session = sqlite3_column_int64(rows, 0),
			.ts_ns = sqlite3_column_int64(rows, 1),
			.realtime_ns = sqlite3_column_int64(rows, 2),
			.utc_offset_s = sqlite3_column_int64(rows, 3),
		};
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int clocks_load(struct analysis *analysis)
{
	static const char query[] =
		"SELECT c.session, c.ts_ns, c.realtime_ns, coalesce(s.utc_offset_s, 0)"
		" FROM clock AS c LEFT JOIN main.session AS s ON s.session = c.session"
		" WHERE c.ts_ns NOT NULL AND c.realtime_ns NOT NULL ORDER BY 1, 2, 3";
	struct clocks *clocks = calloc(1, sizeof(*clocks));
	sqlite3_stmt *rows = NULL;
	int rc;

	if (!clocks)
		return SQLITE_NOMEM;
	rc = sqlite3_prepare_v2(analysis->db, query, -1, &rows, NULL);
	if (!rc)
		rc = clocks_read(clocks, rows);
	sqlite3_finalize(rows);
	if (rc)
		clocks_free(clocks);
	else
		analysis->clocks = clocks;
	return rc;
}

void clocks_free(struct clocks *clocks)
{
	if (clocks)
		free(clocks->instants);
	free(clocks);
}

static bool instant_before(const struct instant *instant, int64_t session, int64_t ts_ns)
{
	return instant->session < session ||
	       (instant->session == session && instant->ts_ns < ts_ns);
}

static uint64_t distance(int64_t a, int64_t b)
{
	return a < b ? (uint64_t)b - (uint64_t)a : (uint64_t)a - (uint64_t)b;
}

/* The nearest instant of the session, or NULL. */
static const struct instant *clocks_nearest(const struct clocks *clocks, int64_t session,
					    int64_t ts_ns)
{
	size_t low = 0, high = clocks->n;
	const struct instant *before, *after;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (instant_before(&clocks->instants[middle], session, ts_ns))
			low = middle + 1;
		else
			high = middle;
	}
	before = low ? &clocks->instants[low - 1] : NULL;
	after = low < clocks->n ? &clocks->instants[low] : NULL;
	if (before && before->session != session)
		before = NULL;
	if (after && after->session != session)
		after = NULL;
	if (!before || !after)
		return before ? before : after;
	return distance(before->ts_ns, ts_ns) <= distance(after->ts_ns, ts_ns) ? before : after;
}

/* The wall clock of the host, in seconds as if it were UTC. */
static bool wall_clock(struct analysis *analysis, sqlite3_value **argv, struct tm *out)
{
	int64_t ts_ns = sqlite3_value_int64(argv[0]);
	const struct instant *instant;
	int64_t wall_ns;
	time_t wall_s;

	if (sqlite3_value_type(argv[0]) == SQLITE_NULL ||
	    sqlite3_value_type(argv[1]) == SQLITE_NULL)
		return false;
	instant = clocks_nearest(analysis->clocks, sqlite3_value_int64(argv[1]), ts_ns);
	if (!instant || __builtin_sub_overflow(ts_ns, instant->ts_ns, &wall_ns) ||
	    __builtin_add_overflow(wall_ns, instant->realtime_ns, &wall_ns))
		return false;
	wall_s = wall_ns / 1000000000 - (wall_ns % 1000000000 < 0);
	if (__builtin_add_overflow(wall_s, instant->utc_offset_s, &wall_s))
		return false;
	return gmtime_r(&wall_s, out);
}

static void wall_text(sqlite3_context *context, sqlite3_value **argv, const char *format)
{
	struct analysis *analysis = sqlite3_user_data(context);
	int rc = analysis->clocks ? SQLITE_OK : clocks_load(analysis);
	char text[64];
	struct tm wall;

	if (rc) {
		sqlite3_result_error_code(context, rc);
		return;
	}
	if (!wall_clock(analysis, argv, &wall))
		return;
	strftime(text, sizeof(text), format, &wall);
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static void wall_time(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	wall_text(context, argv, "%H:%M:%S");
}

static void wall_date(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	wall_text(context, argv, "%Y-%m-%d");
}

int functions_register(struct analysis *analysis)
{
	static const struct {
		const char *name;
		void (*function)(sqlite3_context *, int, sqlite3_value **);
	} functions[] = {
		{ "snapshot_value", snapshot_value },
		{ "rise", rise },
		{ "wall_time", wall_time },
		{ "wall_date", wall_date },
	};
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, rc = SQLITE_OK;

	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions) && !rc; i++)
		rc = sqlite3_create_function(analysis->db, functions[i].name, 2, flags, analysis,
					     functions[i].function, NULL, NULL);
	if (!rc)
		rc = gfp_register(analysis->db);
	if (!rc)
		rc = flags_register(analysis->db);
	return rc ? rc : demangle_register(analysis->db);
}
