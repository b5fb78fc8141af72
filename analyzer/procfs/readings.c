#include "analyzer/procfs/readings.h"

#include <stdlib.h>
#include <string.h>

/* An epoch repeats every text, so nothing that holds in a window was said earlier before it. */
static const int64_t repeated_ns = EPOCH_NS + 30 * BLOCK_NS;

/* The text that a file has since it was read last. */
struct file_text {
	int64_t session, round;
	char *path, *text; /* text NULL: it cannot be read */
	size_t length;
};

struct readings {
	const struct procfs_files *files;
	struct filter filter;
	sqlite3_stmt *texts, *ticks;
	int texts_state, ticks_state; /* SQLITE_ROW: one is at hand */
	struct file_text *current;
	size_t count, capacity, at;
};

static const char *const queries[] = {
	[PROCFS_SYSTEM] = "SELECT session, ts_ns, path, content_text, coalesce(round, 0)"
			  " FROM snapshot_system WHERE path GLOB %Q AND ts_ns BETWEEN %lld AND %lld"
			  " AND (session = %lld OR %d)",
	[PROCFS_PROCESS] = "SELECT session, ts_ns, process_id, content_text, 3"
			   " FROM snapshot_process WHERE file_path = %Q"
			   " AND ts_ns BETWEEN %lld AND %lld AND (session = %lld OR %d)",
	[PROCFS_CGROUP] = "SELECT session, ts_ns, cgroup_path, content_text, 4"
			  " FROM snapshot_cgroup WHERE file_path = %Q"
			  " AND ts_ns BETWEEN %lld AND %lld AND (session = %lld OR %d)",
};

static int64_t earlier(int64_t ts_ns)
{
	return ts_ns < INT64_MIN + repeated_ns ? INT64_MIN : ts_ns - repeated_ns;
}

static int statement_open(sqlite3 *db, sqlite3_stmt **out, char *sql, char **why)
{
	int rc = sql ? sqlite3_prepare_v2(db, sql, -1, out, NULL) : SQLITE_NOMEM;

	if (rc && rc != SQLITE_NOMEM)
		*why = sqlite3_mprintf("%s", sqlite3_errmsg(db));
	sqlite3_free(sql);
	return rc;
}

static int statements_open(struct readings *readings, sqlite3 *db, char **why)
{
	const struct filter *filter = &readings->filter;
	enum procfs_source source = readings->files->source;
	int64_t from_ns = source == PROCFS_PROCESS ? filter->from_ns : earlier(filter->from_ns);
	int rc = statement_open(db, &readings->texts,
				sqlite3_mprintf(queries[source], readings->files->pattern, from_ns,
						filter->to_ns, filter->session,
						!filter->one_session),
				why);

	if (rc || source == PROCFS_PROCESS)
		return rc;
	return statement_open(
		db, &readings->ticks,
		sqlite3_mprintf("SELECT session, ts_ns, coalesce(round, 0) FROM snapshot_tick"
				" WHERE ts_ns BETWEEN %lld AND %lld AND (session = %lld OR %d)",
				filter->from_ns, filter->to_ns, filter->session,
				!filter->one_session),
		why);
}

int readings_open(const struct analysis *analysis, const struct procfs_files *files,
		  const struct filter *filter, struct readings **out, char **why)
{
	struct readings *readings = *out = calloc(1, sizeof(*readings));
	int rc;

	if (!readings)
		return SQLITE_NOMEM;
	readings->files = files;
	readings->filter = *filter;
	rc = statements_open(readings, analysis->db, why);
	if (rc)
		return rc;
	readings->texts_state = sqlite3_step(readings->texts);
	readings->ticks_state = readings->ticks ? sqlite3_step(readings->ticks) : SQLITE_DONE;
	return SQLITE_OK;
}

/* ---- The text of each file */

static int text_keep(struct file_text *file, sqlite3_stmt *row)
{
	const char *text = (const char *)sqlite3_column_text(row, 3);
	size_t length = (size_t)sqlite3_column_bytes(row, 3);
	char *copy = text ? malloc(length + 1) : NULL;

	if (text && !copy)
		return SQLITE_NOMEM;
	if (text)
		memcpy(copy, text, length + 1);
	free(file->text);
	file->text = copy;
	file->length = length;
	file->round = sqlite3_column_int64(row, 4);
	return SQLITE_OK;
}

static struct file_text *file_find(struct readings *readings, int64_t session, const char *path)
{
	struct file_text *file;

	for (size_t i = 0; i < readings->count; i++)
		if (readings->current[i].session == session &&
		    !strcmp(readings->current[i].path, path))
			return &readings->current[i];
	if (array_grow(&readings->current, &readings->capacity, readings->count,
		       sizeof(*readings->current)))
		return NULL;
	file = &readings->current[readings->count];
	*file = (struct file_text){ .session = session, .path = strdup(path) };
	readings->count += file->path != NULL;
	return file->path ? file : NULL;
}

static int text_take(struct readings *readings)
{
	const char *path = (const char *)sqlite3_column_text(readings->texts, 2);
	struct file_text *file;
	int rc;

	if (path) {
		file = file_find(readings, sqlite3_column_int64(readings->texts, 0), path);
		rc = file ? text_keep(file, readings->texts) : SQLITE_NOMEM;
		if (rc)
			return rc;
	}
	readings->texts_state = sqlite3_step(readings->texts);
	return SQLITE_OK;
}

static bool text_precedes_tick(const struct readings *readings)
{
	int64_t text = sqlite3_column_int64(readings->texts, 0);
	int64_t tick = sqlite3_column_int64(readings->ticks, 0);

	return text < tick || (text == tick && sqlite3_column_int64(readings->texts, 1) <=
						       sqlite3_column_int64(readings->ticks, 1));
}

static int texts_take(struct readings *readings)
{
	int rc = SQLITE_OK;

	while (!rc && readings->texts_state == SQLITE_ROW && text_precedes_tick(readings))
		rc = text_take(readings);
	return rc;
}

/* ---- Readings */

/* The next file that was read at the tick. */
static bool tick_reading(struct readings *readings, struct reading *out)
{
	int64_t session = sqlite3_column_int64(readings->ticks, 0);
	int64_t round = sqlite3_column_int64(readings->ticks, 2);

	while (readings->at < readings->count) {
		const struct file_text *file = &readings->current[readings->at++];

		if (file->session != session || file->round != round || !file->text)
			continue;
		*out = (struct reading){ session,    sqlite3_column_int64(readings->ticks, 1),
					 0,          file->path,
					 file->text, file->length };
		return true;
	}
	return false;
}

static int next_by_tick(struct readings *readings, struct reading *out)
{
	while (readings->ticks_state == SQLITE_ROW) {
		int rc = readings->at ? SQLITE_OK : texts_take(readings);

		if (rc)
			return rc;
		if (tick_reading(readings, out))
			return SQLITE_ROW;
		readings->at = 0;
		readings->ticks_state = sqlite3_step(readings->ticks);
	}
	return readings->ticks_state;
}

static bool process_wanted(const struct readings *readings)
{
	return !readings->filter.some_processes ||
	       number_set_has(&readings->filter.processes,
			      (uint64_t)sqlite3_column_int64(readings->texts, 2));
}

static int next_by_change(struct readings *readings, struct reading *out)
{
	sqlite3_stmt *row = readings->texts;

	do {
		if (readings->at++)
			readings->texts_state = sqlite3_step(row);
		if (readings->texts_state != SQLITE_ROW)
			return readings->texts_state;
	} while (!process_wanted(readings));
	*out = (struct reading){
		.session = sqlite3_column_int64(row, 0),
		.ts_ns = sqlite3_column_int64(row, 1),
		.process_id = sqlite3_column_int64(row, 2),
		.text = (const char *)sqlite3_column_text(row, 3),
		.length = (size_t)sqlite3_column_bytes(row, 3),
	};
	return SQLITE_ROW;
}

int readings_next(struct readings *readings, struct reading *out)
{
	return readings->ticks ? next_by_tick(readings, out) : next_by_change(readings, out);
}

void readings_close(struct readings *readings)
{
	if (!readings)
		return;
	sqlite3_finalize(readings->texts);
	sqlite3_finalize(readings->ticks);
	for (size_t i = 0; i < readings->count; i++) {
		free(readings->current[i].path);
		free(readings->current[i].text);
	}
	free(readings->current);
	free(readings);
}
