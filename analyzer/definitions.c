/*
 * The definition tables. They are read in one pass when a trace is opened, and are real tables:
 * small, joined with everything, and spread over all epochs of the file.
 */
#include "analyzer/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyzer/cells.h"
#include "analyzer/index.h"

struct loader {
	struct analysis *analysis;
	sqlite3_stmt *inserts[TABLES_MAX];
	struct number_set seen; /* hashes of rows: every epoch repeats what it refers to */
};

bool is_definition(const struct table *table)
{
	return table->stream == STREAM_DEFINITIONS && strcmp(table->name, "block");
}

static bool is_session(const struct table *table)
{
	return !strcmp(table->name, "session");
}

static int first_text(const struct table *table)
{
	int i = 0;

	while (i < table->n_columns && table->columns[i].kind != COLUMN_TEXT)
		i++;
	return i;
}

/* Refers to no other definition: it says something about the session itself. */
static bool of_session(const struct table *table)
{
	for (int i = 0; i < table->n_columns; i++)
		if (table->columns[i].refers)
			return false;
	return table->id < 0;
}

/*
 * What is told apart by an id has one row per id. Without one, a definition describes what it
 * refers to by the columns before its first text; a fact of the session may have any number of
 * rows.
 */
static bool is_key(const struct table *table, int column)
{
	if (table->id >= 0)
		return column == table->id;
	return !of_session(table) && column < first_text(table);
}

char *definition_sql(const struct table *table, const char *schema)
{
	sqlite3_str *sql = sqlite3_str_new(NULL);
	const char *separator = "";

	sqlite3_str_appendf(sql, "CREATE TABLE %s.\"%w\" (", schema, table->name);
	if (is_session(table))
		sqlite3_str_appendall(sql, "session INTEGER PRIMARY KEY, session_hex TEXT, ");
	else if (of_session(table))
		sqlite3_str_appendall(sql, "session INTEGER, ");
	for (int i = 0; i < table->n_columns; i++)
		sqlite3_str_appendf(sql, "%s\"%w\" %s%s", i ? ", " : "", table->columns[i].name,
				    column_type(&table->columns[i]),
				    i == table->id ? " PRIMARY KEY" : "");
	for (int i = 0; table->id < 0 && i < table->n_columns; i++)
		if (is_key(table, i)) {
			sqlite3_str_appendf(sql, "%s\"%w\"", *separator ? separator : ", UNIQUE (",
					    table->columns[i].name);
			separator = ", ";
		}
	sqlite3_str_appendall(sql, *separator ? "))" : ")");
	return sqlite3_str_finish(sql);
}

/* A counter or flag that cannot be NULL grows; of others the first value that is not NULL stays. */
static void update_append(sqlite3_str *sql, const struct column_info *column, const char *separator)
{
	bool grows = column->kind == COLUMN_UINT && !column->null_field && !column->refers;
	const char *name = column->name;

	if (grows)
		sqlite3_str_appendf(
			sql,
			"%s\"%w\" = coalesce(max(\"%w\", excluded.\"%w\"), \"%w\", excluded.\"%w\")",
			separator, name, name, name, name, name);
	else
		sqlite3_str_appendf(sql, "%s\"%w\" = coalesce(\"%w\", excluded.\"%w\")", separator,
				    name, name, name);
}

static void conflict_append(sqlite3_str *sql, const struct table *table)
{
	const char *separator = " ON CONFLICT (";

	for (int i = 0; i < table->n_columns; i++)
		if (is_key(table, i)) {
			sqlite3_str_appendf(sql, "%s\"%w\"", separator, table->columns[i].name);
			separator = ", ";
		}
	separator = ") DO UPDATE SET ";
	for (int i = 0; i < table->n_columns; i++)
		if (!is_key(table, i)) {
			update_append(sql, &table->columns[i], separator);
			separator = ", ";
		}
}

static char *insert_sql(const struct table *table)
{
	sqlite3_str *sql = sqlite3_str_new(NULL);
	int n = table->n_columns + of_session(table) + is_session(table);

	sqlite3_str_appendf(sql, "INSERT INTO main.\"%w\" VALUES (?", table->name);
	for (int i = 1; i < n; i++)
		sqlite3_str_appendall(sql, ", ?");
	sqlite3_str_appendall(sql, ")");
	if (is_session(table))
		sqlite3_str_appendall(sql, " ON CONFLICT DO NOTHING");
	else if (!of_session(table))
		conflict_append(sql, table);
	return sqlite3_str_finish(sql);
}

static int table_begin(struct loader *loader, const struct table *table)
{
	char *create = definition_sql(table, "main"), *insert = insert_sql(table);
	int err = create && insert ? 0 : -ENOMEM;

	if (!err)
		err = analysis_exec(loader->analysis, "%s", create);
	if (!err)
		err = analysis_prepare(loader->analysis, &loader->inserts[table->number], "%s",
				       insert);
	sqlite3_free(create);
	sqlite3_free(insert);
	return err;
}

static int session_bind(sqlite3_stmt *insert, const struct batch *batch)
{
	char hex[2 * sizeof(batch->session) + 1];

	for (size_t i = 0; i < sizeof(batch->session); i++)
		sprintf(hex + 2 * i, "%02x", batch->session[i]);
	return sqlite3_bind_text(insert, 2, hex, -1, SQLITE_TRANSIENT);
}

static int row_insert(struct loader *loader, const struct batch *batch, size_t row)
{
	sqlite3_stmt *insert = loader->inserts[batch->table->number];
	int at = 1, rc = SQLITE_OK;

	if (of_session(batch->table))
		rc = sqlite3_bind_int64(insert, at++, batch->session_number);
	if (!rc && is_session(batch->table)) {
		rc = session_bind(insert, batch);
		at++;
	}
	for (int i = 0; i < batch->table->n_columns && !rc; i++)
		rc = cell_bind(insert, at++, batch, i, row);
	if (!rc)
		sqlite3_step(insert);
	if (!rc)
		rc = sqlite3_reset(insert);
	return analysis_sql_fail(loader->analysis, rc);
}

static int batch_load(struct loader *loader, const struct batch *batch)
{
	int64_t session = of_session(batch->table) ? (int64_t)batch->session_number : -1;

	if (!loader->inserts[batch->table->number])
		return 0;
	for (size_t i = 0; i < batch->rows; i++) {
		int err = number_set_add(&loader->seen, row_hash(batch, i, session));

		if (err > 0)
			err = row_insert(loader, batch, i);
		if (err < 0)
			return err;
	}
	return 0;
}

static int trace_load(struct loader *loader, struct reader *reader)
{
	struct batch batch;
	int err;

	while ((err = reader_next(reader, &batch)) > 0) {
		err = batch_load(loader, &batch);
		if (err)
			return err;
	}
	return err ? analysis_fail(loader->analysis, err, "%s", reader_why(reader)) : 0;
}

static void report_take(struct analysis *analysis, const struct reader *reader)
{
	analysis->report = *reader_report(reader);
	snprintf(analysis->first_damage, sizeof(analysis->first_damage), "%s",
		 analysis->report.first_damage);
	analysis->report.first_damage = analysis->first_damage;
}

static int tables_begin(struct loader *loader, struct table_set *set)
{
	const char *why;
	size_t n;
	const struct table *all = tables(&n, &why);
	int err = 0;

	if (!all)
		return analysis_fail(loader->analysis, -EINVAL, "%s", why);
	for (size_t i = 0; i < n && !err; i++) {
		if (!is_definition(&all[i]))
			continue;
		table_set_add(set, all[i].number);
		err = table_begin(loader, &all[i]);
	}
	return err;
}

static int definitions_read(struct loader *loader)
{
	struct reader_selection selection = { .all_times = true, .verify = true };
	struct reader *reader = NULL;
	int err = tables_begin(loader, &selection.tables);

	if (err)
		return err;
	err = reader_open(loader->analysis->path, &reader);
	if (err) {
		analysis_fail(loader->analysis, err, "%s",
			      reader ? reader_why(reader) : "no memory");
	} else {
		reader_select(reader, &selection);
		err = trace_load(loader, reader);
		report_take(loader->analysis, reader);
	}
	reader_close(reader);
	return err;
}

int definitions_load(struct analysis *analysis)
{
	struct loader loader = { .analysis = analysis };
	int err = analysis_exec(analysis, "BEGIN");

	if (!err)
		err = definitions_read(&loader);
	for (int i = 0; i < TABLES_MAX; i++)
		sqlite3_finalize(loader.inserts[i]);
	number_set_free(&loader.seen);
	return err ? err : analysis_exec(analysis, "COMMIT");
}
