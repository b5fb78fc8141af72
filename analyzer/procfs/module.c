/*
 * The virtual table `procfs(FILES, FORMAT, COLUMN, ...)`: what files said at each reading, by name.
 *
 * FILES is `system GLOB`, `process NAME` or `cgroup NAME`, FORMAT and what a COLUMN says of itself
 * are in parser.h. Before the declared columns stand session, ts_ns and path, process_id or
 * cgroup_path; behind them odd_lines, how many values of the text up to there were none.
 */
#include "analyzer/procfs/module.h"

#include <stdlib.h>
#include <string.h>
#include "analyzer/procfs/parser.h"
#include "analyzer/procfs/readings.h"

enum { OWN_COLUMNS = 3, DECLARED_MAX = 96 };

struct procfs_table {
	sqlite3_vtab base;
	const struct analysis *analysis;
	struct procfs_files files;
	struct procfs_parser parser; /* copied for each cursor */
	struct procfs_column columns[DECLARED_MAX];
};

struct procfs_cursor {
	sqlite3_vtab_cursor base;
	struct filter filter;
	struct readings *readings;
	struct reading reading;
	struct procfs_parser parser;
	struct procfs_value values[DECLARED_MAX];
	sqlite3_int64 rowid;
	bool end, gone; /* gone: the one row of a file that can no longer be read */
};

/* ---- What schema.sql declares */

static char *word_next(char **rest)
{
	char *word;

	do
		word = strsep(rest, " \t\n");
	while (word && !*word);
	return word;
}

static bool files_parse(struct procfs_files *files, char *text)
{
	static const char *const names[] = { "system", "process", "cgroup" };
	const char *name = word_next(&text);
	int source = 0;

	while (source < 3 && (!name || strcmp(names[source], name)))
		source++;
	name = word_next(&text);
	files->source = (enum procfs_source)source;
	files->pattern = name ? strdup(name) : NULL;
	return source < 3 && files->pattern;
}

static bool format_parse(struct procfs_parser *parser, char *text)
{
	const char *name = word_next(&text), *option = word_next(&text);

	parser->option = option ? atoi(option) : 0;
	return name && procfs_format(parser, name);
}

static void type_parse(struct procfs_column *column, const char *word)
{
	static const char *const types[] = { NULL, "real", "text", "rest" };

	for (int i = 1; i < 4; i++)
		if (!strcmp(types[i], word))
			column->type = (enum procfs_type)i;
	if (*word >= '0' && *word <= '9')
		column->position = atoi(word);
}

/* NAME [KEY | N] [N] [TYPE] */
static bool column_parse(struct procfs_column *column, char *text)
{
	const char *name = word_next(&text), *key = word_next(&text), *word;

	*column = (struct procfs_column){ .position = 1 };
	if (!name)
		return false;
	column->name = strdup(name);
	if (key && strspn(key, "0123456789") == strlen(key))
		column->position = atoi(key);
	else
		column->key = strdup(key ? key : name);
	column->key_length = column->key ? strlen(column->key) : 0;
	while ((word = word_next(&text)))
		type_parse(column, word);
	return column->name;
}

static bool declaration_parse(struct procfs_table *table, int argc, const char *const *argv)
{
	bool good = argc > 5 && argc - 5 <= DECLARED_MAX;

	for (int i = 3; i < argc && good; i++) {
		char *text = strdup(argv[i]);

		if (!text)
			return false;
		if (i == 3)
			good = files_parse(&table->files, text);
		else if (i == 4)
			good = format_parse(&table->parser, text);
		else
			good = column_parse(&table->columns[table->parser.n_columns++], text);
		free(text);
	}
	return good;
}

static char *declaration_sql(const struct procfs_table *table)
{
	static const char *const types[] = { "INTEGER", "REAL", "TEXT", "TEXT" };
	static const char *const owners[] = { "path TEXT", "process_id INTEGER",
					      "cgroup_path TEXT" };
	sqlite3_str *sql = sqlite3_str_new(NULL);

	sqlite3_str_appendf(sql, "CREATE TABLE x (session INTEGER, ts_ns INTEGER, %s",
			    owners[table->files.source]);
	for (int i = 0; i < table->parser.n_columns; i++)
		sqlite3_str_appendf(sql, ", \"%w\" %s", table->columns[i].name,
				    types[table->columns[i].type]);
	sqlite3_str_appendall(sql, ", odd_lines INTEGER)");
	return sqlite3_str_finish(sql);
}

static int procfs_disconnect(sqlite3_vtab *base)
{
	struct procfs_table *table = (struct procfs_table *)base;

	for (int i = 0; i < table->parser.n_columns; i++) {
		free(table->columns[i].name);
		free(table->columns[i].key);
	}
	free(table->files.pattern);
	free(table);
	return SQLITE_OK;
}

static int procfs_connect(sqlite3 *db, void *context, int argc, const char *const *argv,
			  sqlite3_vtab **out, char **why)
{
	struct procfs_table *table = calloc(1, sizeof(*table));
	char *sql = NULL;
	int rc = SQLITE_NOMEM;

	if (!table)
		return rc;
	table->analysis = context;
	table->parser.columns = table->columns;
	if (declaration_parse(table, argc, argv)) {
		sql = declaration_sql(table);
		rc = sql ? sqlite3_declare_vtab(db, sql) : SQLITE_NOMEM;
		sqlite3_free(sql);
	} else {
		*why = sqlite3_mprintf("procfs(FILES, FORMAT, COLUMN, ...) is not what this says");
		rc = SQLITE_ERROR;
	}
	if (!rc)
		rc = sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
	if (rc)
		procfs_disconnect(&table->base);
	else
		*out = &table->base;
	return rc;
}

/* ---- Rows */

static int procfs_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	const struct procfs_table *table = (const struct procfs_table *)base;
	const struct filter_columns columns = {
		.time = 1,
		.session = 0,
		.process = table->files.source == PROCFS_PROCESS ? 2 : -1,
		.time_name = "ts_ns",
	};

	return filter_plan(info, &columns, 1e5);
}

static int procfs_cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	struct procfs_cursor *cursor = calloc(1, sizeof(*cursor));

	(void)base;
	if (!cursor)
		return SQLITE_NOMEM;
	*out = &cursor->base;
	return SQLITE_OK;
}

static void cursor_clear(struct procfs_cursor *cursor)
{
	readings_close(cursor->readings);
	filter_free(&cursor->filter);
	cursor->readings = NULL;
	cursor->rowid = 0;
	cursor->end = cursor->gone = false;
}

static int procfs_cursor_close(sqlite3_vtab_cursor *base)
{
	struct procfs_cursor *cursor = (struct procfs_cursor *)base;

	cursor_clear(cursor);
	free(cursor);
	return SQLITE_OK;
}

/* The next row, of this text or of one that follows. */
static int row_find(struct procfs_cursor *cursor)
{
	bool left = cursor->rowid && !cursor->gone;

	while (!left || !procfs_next(&cursor->parser)) {
		int rc = readings_next(cursor->readings, &cursor->reading);

		cursor->end = rc == SQLITE_DONE;
		if (rc != SQLITE_ROW)
			return rc == SQLITE_DONE ? SQLITE_OK : rc;
		left = cursor->reading.text != NULL;
		procfs_begin(&cursor->parser, cursor->reading.text, cursor->reading.length);
		cursor->gone = !left;
		if (cursor->gone) {
			memset(cursor->values, 0, sizeof(cursor->values));
			break;
		}
	}
	cursor->rowid++;
	return SQLITE_OK;
}

static int procfs_filter(sqlite3_vtab_cursor *base, int number, const char *plan, int argc,
			 sqlite3_value **argv)
{
	struct procfs_cursor *cursor = (struct procfs_cursor *)base;
	struct procfs_table *table = (struct procfs_table *)base->pVtab;
	int rc;

	(void)number;
	(void)argc;
	cursor_clear(cursor);
	cursor->parser = table->parser;
	cursor->parser.values = cursor->values;
	rc = filter_fill(&cursor->filter, plan, argv);
	cursor->end = cursor->filter.nothing;
	if (rc || cursor->end)
		return rc;
	rc = readings_open(table->analysis, &table->files, &cursor->filter, &cursor->readings,
			   &table->base.zErrMsg);
	return rc ? rc : row_find(cursor);
}

static int procfs_step(sqlite3_vtab_cursor *base)
{
	return row_find((struct procfs_cursor *)base);
}

static int procfs_eof(sqlite3_vtab_cursor *base)
{
	return ((struct procfs_cursor *)base)->end;
}

static void value_result(sqlite3_context *context, const struct procfs_value *value)
{
	switch (value->kind) {
	case VALUE_NULL:
		break;
	case VALUE_INTEGER:
		sqlite3_result_int64(context, value->integer);
		break;
	case VALUE_REAL:
		sqlite3_result_double(context, value->real);
		break;
	case VALUE_TEXT:
		sqlite3_result_text64(context, value->text.begin,
				      (sqlite3_uint64)(value->text.end - value->text.begin),
				      SQLITE_TRANSIENT, SQLITE_UTF8);
	}
}

static void owner_result(sqlite3_context *context, const struct reading *reading)
{
	if (reading->path)
		sqlite3_result_text(context, reading->path, -1, SQLITE_TRANSIENT);
	else if (reading->process_id)
		sqlite3_result_int64(context, reading->process_id);
}

static int procfs_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
	const struct procfs_cursor *cursor = (const struct procfs_cursor *)base;
	const struct reading *reading = &cursor->reading;

	if (column == 0)
		sqlite3_result_int64(context, reading->session);
	else if (column == 1)
		sqlite3_result_int64(context, reading->ts_ns);
	else if (column == 2)
		owner_result(context, reading);
	else if (column - OWN_COLUMNS < cursor->parser.n_columns)
		value_result(context, &cursor->values[column - OWN_COLUMNS]);
	else
		sqlite3_result_int64(context, (sqlite3_int64)cursor->parser.odd_lines);
	return SQLITE_OK;
}

static int procfs_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	*out = ((const struct procfs_cursor *)base)->rowid;
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.xCreate = procfs_connect,
	.xConnect = procfs_connect,
	.xBestIndex = procfs_best_index,
	.xDisconnect = procfs_disconnect,
	.xDestroy = procfs_disconnect,
	.xOpen = procfs_cursor_open,
	.xClose = procfs_cursor_close,
	.xFilter = procfs_filter,
	.xNext = procfs_step,
	.xEof = procfs_eof,
	.xColumn = procfs_column,
	.xRowid = procfs_rowid,
};

int procfs_register(struct analysis *analysis)
{
	return sqlite3_create_module(analysis->db, "procfs", &module, analysis);
}
