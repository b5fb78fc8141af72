/*
 * The virtual table `trace(NAME)`: events or snapshots, decoded in place, in the order of the file.
 *
 * Column 0 is `session`, the others are the table's. Bookkeeping that every epoch repeats comes
 * once. Over a database, a table that it does not hold has the same columns, but reading it is an
 * error.
 */
#include "analyzer/internal.h"

#include <stdlib.h>
#include <string.h>
#include "analyzer/cells.h"
#include "analyzer/filter.h"

struct trace_table {
	sqlite3_vtab base;
	const struct analysis *analysis;
	const struct table *table;
};

struct trace_cursor {
	sqlite3_vtab_cursor base;
	struct reader *reader;
	struct filter filter;
	struct number_set seen; /* hashes of snapshot rows */
	struct batch batch;
	size_t row;
	sqlite3_int64 rowid;
	bool end;
};

static char *declaration(const struct table *table)
{
	sqlite3_str *sql = sqlite3_str_new(NULL);

	sqlite3_str_appendf(sql, "CREATE TABLE x (session INTEGER");
	for (int i = 0; i < table->n_columns; i++)
		sqlite3_str_appendf(sql, ", \"%w\" %s", table->columns[i].name,
				    column_type(&table->columns[i]));
	sqlite3_str_appendall(sql, ")");
	return sqlite3_str_finish(sql);
}

static int trace_connect(sqlite3 *db, void *context, int argc, const char *const *argv,
			 sqlite3_vtab **out, char **why)
{
	const struct table *table = argc == 4 ? table_named(argv[3]) : NULL;
	struct trace_table *self;
	char *sql;
	int rc;

	if (!table) {
		*why = sqlite3_mprintf("no such table in a trace");
		return SQLITE_ERROR;
	}
	sql = declaration(table);
	rc = sql ? sqlite3_declare_vtab(db, sql) : SQLITE_NOMEM;
	sqlite3_free(sql);
	if (rc)
		return rc;
	self = calloc(1, sizeof(*self));
	if (!self)
		return SQLITE_NOMEM;
	self->analysis = context;
	self->table = table;
	*out = &self->base;
	return sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
}

static int trace_disconnect(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

static int trace_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	const struct table *table = ((struct trace_table *)base)->table;
	struct filter_columns columns = {
		.time = table->ts_ns < 0 ? -1 : table->ts_ns + 1,
		.session = 0,
		.process = table->process_id < 0 ? -1 : table->process_id + 1,
		.time_name = "ts_ns",
	};

	return filter_plan(info, &columns, table->bulk ? 1e8 : 1e5);
}

static int trace_cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	struct trace_cursor *cursor = calloc(1, sizeof(*cursor));

	(void)base;
	if (!cursor)
		return SQLITE_NOMEM;
	*out = &cursor->base;
	return SQLITE_OK;
}

static void cursor_clear(struct trace_cursor *cursor)
{
	reader_close(cursor->reader);
	filter_free(&cursor->filter);
	number_set_free(&cursor->seen);
	*cursor = (struct trace_cursor){ .base = cursor->base };
}

static int trace_cursor_close(sqlite3_vtab_cursor *base)
{
	struct trace_cursor *cursor = (struct trace_cursor *)base;

	cursor_clear(cursor);
	free(cursor);
	return SQLITE_OK;
}

static bool time_matches(const struct trace_cursor *cursor)
{
	int column = cursor->batch.table->ts_ns;
	const struct column *times;
	int64_t ts_ns;

	if (column < 0 || cursor->batch.columns[column].absent)
		return true;
	times = &cursor->batch.columns[column];
	ts_ns = (int64_t)times->values[cursor->row];
	return ts_ns >= cursor->filter.from_ns && ts_ns <= cursor->filter.to_ns;
}

/* 1 or 0; -ENOMEM. */
static int row_matches(struct trace_cursor *cursor)
{
	const struct batch *batch = &cursor->batch;

	if (!time_matches(cursor) || !filter_process(&cursor->filter, batch, cursor->row))
		return 0;
	if (batch->table->stream != STREAM_SNAPSHOTS)
		return 1;
	return number_set_add(&cursor->seen,
			      row_hash(batch, cursor->row, (int64_t)batch->session_number));
}

static int next_batch(struct trace_cursor *cursor)
{
	int rc;

	do
		rc = analysis_batch(cursor->reader, &cursor->batch, &cursor->base.pVtab->zErrMsg);
	while (rc == SQLITE_ROW && !filter_session(&cursor->filter, &cursor->batch));
	cursor->end = rc == SQLITE_DONE;
	cursor->row = 0;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Stays at the row if it matches, or goes to the next that does. */
static int row_find(struct trace_cursor *cursor)
{
	for (;; cursor->row++) {
		int rc = SQLITE_OK, matches;

		while (!rc && !cursor->end && cursor->row >= cursor->batch.rows)
			rc = next_batch(cursor);
		if (rc || cursor->end)
			return rc;
		matches = row_matches(cursor);
		if (matches)
			return matches < 0 ? SQLITE_NOMEM : SQLITE_OK;
	}
}

static void cursor_select(struct trace_cursor *cursor, const struct table *table)
{
	struct reader_selection selection = {
		.from_ns = cursor->filter.from_ns,
		.to_ns = cursor->filter.to_ns,
		.all_times = table->ts_ns < 0,
	};

	table_set_add(&selection.tables, table->number);
	reader_select(cursor->reader, &selection);
}

static int trace_filter(sqlite3_vtab_cursor *base, int number, const char *plan, int argc,
			sqlite3_value **argv)
{
	struct trace_cursor *cursor = (struct trace_cursor *)base;
	struct trace_table *self = (struct trace_table *)base->pVtab;
	int rc;

	(void)number;
	(void)argc;
	cursor_clear(cursor);
	if (self->analysis->database) {
		self->base.zErrMsg = sqlite3_mprintf("the database holds no rows of %s",
						     self->table->name);
		return SQLITE_ERROR;
	}
	rc = filter_fill(&cursor->filter, plan, argv);
	cursor->end = cursor->filter.nothing;
	if (rc || cursor->end)
		return rc;
	rc = analysis_reader(self->analysis, &cursor->reader, &self->base.zErrMsg);
	if (rc)
		return rc;
	cursor_select(cursor, self->table);
	return row_find(cursor);
}

static int trace_next(sqlite3_vtab_cursor *base)
{
	struct trace_cursor *cursor = (struct trace_cursor *)base;

	cursor->row++;
	cursor->rowid++;
	return row_find(cursor);
}

static int trace_eof(sqlite3_vtab_cursor *base)
{
	return ((struct trace_cursor *)base)->end;
}

static int trace_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
	const struct trace_cursor *cursor = (struct trace_cursor *)base;

	if (column)
		cell_result(context, &cursor->batch, column - 1, cursor->row);
	else
		sqlite3_result_int64(context, cursor->batch.session_number);
	return SQLITE_OK;
}

static int trace_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	*out = ((struct trace_cursor *)base)->rowid;
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.xCreate = trace_connect,
	.xConnect = trace_connect,
	.xBestIndex = trace_best_index,
	.xDisconnect = trace_disconnect,
	.xDestroy = trace_disconnect,
	.xOpen = trace_cursor_open,
	.xClose = trace_cursor_close,
	.xFilter = trace_filter,
	.xNext = trace_next,
	.xEof = trace_eof,
	.xColumn = trace_column,
	.xRowid = trace_rowid,
};

int tables_register(struct analysis *analysis)
{
	return sqlite3_create_module(analysis->db, "trace", &module, analysis);
}
