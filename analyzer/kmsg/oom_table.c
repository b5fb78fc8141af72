#include "analyzer/kmsg/oom_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "analyzer/filter.h"
#include "analyzer/index.h"
#include "analyzer/kmsg/oom.h"

struct oom_vtab {
	sqlite3_vtab base;
	const struct analysis *analysis;
};

/* A fact, with the line that it stands in. */
struct kept {
	struct oom_fact fact;
	char *name, *text;
	int64_t session, ts_ns, stamp_us, sequence;
	bool stamped;
};

struct oom_cursor {
	sqlite3_vtab_cursor base;
	struct kept *facts;
	size_t count, capacity, at;
	sqlite3_stmt *lines;
	struct oom_parser parser;
};

static int oom_connect(sqlite3 *db, void *context, int argc, const char *const *argv,
		       sqlite3_vtab **out, char **why)
{
	struct oom_vtab *self = calloc(1, sizeof(*self));
	int rc;

	(void)argc;
	(void)argv;
	(void)why;
	if (!self)
		return SQLITE_NOMEM;
	self->analysis = context;
	rc = sqlite3_declare_vtab(db, "CREATE TABLE x (session INTEGER, ts_ns INTEGER,"
				      " stamp_us INTEGER, sequence INTEGER, report INTEGER,"
				      " kind TEXT, number INTEGER, name TEXT, value INTEGER,"
				      " text TEXT, unit TEXT)");
	if (!rc)
		rc = sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
	if (rc)
		free(self);
	else
		*out = &self->base;
	return rc;
}

static int oom_disconnect(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

static int oom_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	static const struct filter_columns columns = {
		.time = 1,
		.session = 0,
		.process = -1,
		.time_name = "ts_ns",
	};

	(void)base;
	return filter_plan(info, &columns, 1e4);
}

static int oom_cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	struct oom_cursor *cursor = calloc(1, sizeof(*cursor));

	(void)base;
	if (!cursor)
		return SQLITE_NOMEM;
	*out = &cursor->base;
	return SQLITE_OK;
}

static void cursor_clear(struct oom_cursor *cursor)
{
	for (size_t i = 0; i < cursor->count; i++) {
		free(cursor->facts[i].name);
		free(cursor->facts[i].text);
	}
	free(cursor->facts);
	*cursor = (struct oom_cursor){ .base = cursor->base };
}

static int oom_cursor_close(sqlite3_vtab_cursor *base)
{
	cursor_clear((struct oom_cursor *)base);
	free(base);
	return SQLITE_OK;
}

static int fact_keep(void *context, const struct oom_fact *fact)
{
	struct oom_cursor *cursor = context;
	struct kept *kept;

	if (array_grow(&cursor->facts, &cursor->capacity, cursor->count, sizeof(*cursor->facts)))
		return -ENOMEM;
	kept = &cursor->facts[cursor->count++];
	*kept = (struct kept){
		.fact = *fact,
		.name = strdup(fact->name),
		.text = fact->text ? strdup(fact->text) : NULL,
		.session = sqlite3_column_int64(cursor->lines, 0),
		.ts_ns = sqlite3_column_int64(cursor->lines, 1),
		.stamp_us = sqlite3_column_int64(cursor->lines, 2),
		.sequence = sqlite3_column_int64(cursor->lines, 3),
		.stamped = sqlite3_column_type(cursor->lines, 2) != SQLITE_NULL,
	};
	return kept->name && (kept->text || !fact->text) ? 0 : -ENOMEM;
}

/* Reports of a session end with it. */
static int lines_take(struct oom_cursor *cursor)
{
	int64_t session = -1;
	int rc, error = 0;

	while (!error && (rc = sqlite3_step(cursor->lines)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(cursor->lines, 4);

		if (sqlite3_column_int64(cursor->lines, 0) != session)
			cursor->parser.open = false;
		session = sqlite3_column_int64(cursor->lines, 0);
		if (text)
			error = oom_line(&cursor->parser, text,
					 (size_t)sqlite3_column_bytes(cursor->lines, 4));
	}
	if (error)
		return SQLITE_NOMEM;
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int oom_filter(sqlite3_vtab_cursor *base, int number, const char *plan, int argc,
		      sqlite3_value **argv)
{
	struct oom_cursor *cursor = (struct oom_cursor *)base;
	struct oom_vtab *self = (struct oom_vtab *)base->pVtab;
	static const char query[] = "SELECT session, ts_ns, stamp_us, sequence, message_text"
				    " FROM kmsg ORDER BY session, sequence";
	int rc;

	(void)number;
	(void)plan;
	(void)argc;
	(void)argv;
	cursor_clear(cursor);
	cursor->parser = (struct oom_parser){ .take = fact_keep, .context = cursor };
	rc = sqlite3_prepare_v2(self->analysis->db, query, -1, &cursor->lines, NULL);
	if (rc)
		self->base.zErrMsg = sqlite3_mprintf("%s", sqlite3_errmsg(self->analysis->db));
	else
		rc = lines_take(cursor);
	sqlite3_finalize(cursor->lines);
	cursor->lines = NULL;
	return rc;
}

static int oom_next(sqlite3_vtab_cursor *base)
{
	((struct oom_cursor *)base)->at++;
	return SQLITE_OK;
}

static int oom_eof(sqlite3_vtab_cursor *base)
{
	const struct oom_cursor *cursor = (const struct oom_cursor *)base;

	return cursor->at >= cursor->count;
}

static void text_result(sqlite3_context *context, const char *text)
{
	if (text)
		sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static int oom_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
	const struct oom_cursor *cursor = (const struct oom_cursor *)base;
	const struct kept *kept = &cursor->facts[cursor->at];
	const int64_t numbers[] = { kept->session, kept->ts_ns, kept->stamp_us, kept->sequence,
				    kept->fact.report };

	if (column == 2 && !kept->stamped)
		return SQLITE_OK;
	if (column < 5)
		sqlite3_result_int64(context, numbers[column]);
	else if (column == 5)
		text_result(context, kept->fact.kind);
	else if (column == 6 && kept->fact.has_number)
		sqlite3_result_int64(context, kept->fact.number);
	else if (column == 7)
		text_result(context, kept->name);
	else if (column == 8 && kept->fact.has_value)
		sqlite3_result_int64(context, kept->fact.value);
	else if (column == 9)
		text_result(context, kept->text);
	else if (column == 10)
		text_result(context, kept->fact.unit);
	return SQLITE_OK;
}

static int oom_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	*out = (sqlite3_int64)((const struct oom_cursor *)base)->at;
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.xCreate = oom_connect,
	.xConnect = oom_connect,
	.xBestIndex = oom_best_index,
	.xDisconnect = oom_disconnect,
	.xDestroy = oom_disconnect,
	.xOpen = oom_cursor_open,
	.xClose = oom_cursor_close,
	.xFilter = oom_filter,
	.xNext = oom_next,
	.xEof = oom_eof,
	.xColumn = oom_column,
	.xRowid = oom_rowid,
};

int oom_register(struct analysis *analysis)
{
	return sqlite3_create_module(analysis->db, "oom_fact", &module, analysis);
}
