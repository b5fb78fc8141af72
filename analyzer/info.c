#include "analyzer/info.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "format/version.h"

/* Counters of the report, by the name of their member. */
static const struct {
	const char *name;
	size_t offset;
} counters[] = {
#define COUNTER(name)                                                                              \
	{                                                                                          \
#name, offsetof(struct reader_report, name)                                        \
	}
	COUNTER(blocks),          COUNTER(bytes),          COUNTER(rows),
	COUNTER(damaged_blocks),  COUNTER(missing_blocks), COUNTER(first_damage_offset),
	COUNTER(repeated_blocks), COUNTER(unknown_tables), COUNTER(unknown_columns),
	COUNTER(headerless),      COUNTER(ended_sessions), COUNTER(first_ns),
	COUNTER(last_ns),
#undef COUNTER
};

enum { COUNTERS = sizeof(counters) / sizeof(*counters) };

static int64_t *counter(struct analysis *analysis, int i)
{
	return (int64_t *)((char *)&analysis->report + counters[i].offset);
}

static int info_put(struct analysis *analysis, const char *key, int64_t value)
{
	return analysis_exec(analysis, "INSERT INTO main.info VALUES (%Q, %lld)", key,
			     (long long)value);
}

int info_write(struct analysis *analysis)
{
	int err = analysis_exec(analysis, "CREATE TABLE main.info (key TEXT PRIMARY KEY, value)");

	if (!err)
		err = info_put(analysis, "format", FORMAT_VERSION);
	if (!err)
		err = info_put(analysis, "events", 1);
	if (!err)
		err = info_put(analysis, "sessions", analysis->report.sessions);
	if (!err)
		err = analysis_exec(analysis, "INSERT INTO main.info VALUES ('version', %Q)",
				    MEMTAPE_VERSION);
	if (!err)
		err = analysis_exec(analysis, "INSERT INTO main.info VALUES ('first_damage', %Q)",
				    analysis->report.first_damage);
	for (int i = 0; i < COUNTERS && !err; i++)
		err = info_put(analysis, counters[i].name, *counter(analysis, i));
	return err;
}

static void info_take(struct analysis *analysis, const char *key, sqlite3_stmt *row)
{
	const unsigned char *text = sqlite3_column_text(row, 1);

	if (!key)
		return;
	for (int i = 0; i < COUNTERS; i++)
		if (!strcmp(key, counters[i].name))
			*counter(analysis, i) = sqlite3_column_int64(row, 1);
	if (!strcmp(key, "sessions"))
		analysis->report.sessions = (unsigned)sqlite3_column_int64(row, 1);
	if (!strcmp(key, "first_damage"))
		snprintf(analysis->first_damage, sizeof(analysis->first_damage), "%s",
			 text ? (const char *)text : "");
	if (!strcmp(key, "events"))
		analysis->summed = !sqlite3_column_int64(row, 1);
}

int info_read(struct analysis *analysis)
{
	sqlite3_stmt *rows;
	int err = analysis_prepare(analysis, &rows, "SELECT key, value FROM main.info");

	if (err)
		return analysis_fail(analysis, err == -ENOMEM ? err : -EBADMSG,
				     "a damaged database: %s", sqlite3_errmsg(analysis->db));
	analysis->summed = true;
	analysis->report.first_damage = analysis->first_damage;
	while (sqlite3_step(rows) == SQLITE_ROW)
		info_take(analysis, (const char *)sqlite3_column_text(rows, 0), rows);
	return analysis_sql_fail(analysis, sqlite3_finalize(rows));
}
