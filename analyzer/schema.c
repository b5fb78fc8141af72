/*
 * Makes what schema.sql declares, and the virtual tables of the events.
 */
#include "analyzer/internal.h"

#include <errno.h>
#include <string.h>

extern const struct {
	const char *name, *text;
} schema_sql[];

/* 1: a database has it as a real table; 0; -errno. */
static int is_real(struct analysis *analysis, const char *name)
{
	sqlite3_stmt *query;
	int err = analysis_prepare(
		analysis, &query,
		"SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = %Q", name);
	int rc;

	if (err)
		return err;
	rc = sqlite3_step(query);
	err = analysis_sql_fail(analysis, sqlite3_finalize(query));
	return err ? err : rc == SQLITE_ROW;
}

/* What a statement declares, sqlite3_malloc'ed; NULL: nothing. */
static char *declared_name(const char *statement)
{
	const char *at = strstr(statement, " temp.");

	if (!at)
		return NULL;
	at += strlen(" temp.");
	return sqlite3_mprintf("%.*s", (int)strcspn(at, " \t\n;("), at);
}

static int statement_run(struct analysis *analysis, sqlite3_stmt *statement)
{
	char *name = declared_name(sqlite3_sql(statement));
	int real = name ? is_real(analysis, name) : 0;

	sqlite3_free(name);
	if (!real)
		return analysis_run(analysis, statement);
	sqlite3_finalize(statement);
	return real < 0 ? real : 0;
}

/* A view's names are looked up when it is used, so the order of statements does not matter. */
static int script_run(struct analysis *analysis, const char *script)
{
	int err = 0;

	while (*script && !err) {
		sqlite3_stmt *statement;
		int rc = sqlite3_prepare_v2(analysis->db, script, -1, &statement, &script);

		err = analysis_sql_fail(analysis, rc);
		if (!err && statement)
			err = statement_run(analysis, statement);
	}
	return err;
}

static int events_make(struct analysis *analysis)
{
	size_t n;
	const struct table *all = tables(&n, NULL);
	int real = 0, err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		if (!strcmp(all[i].name, "block"))
			continue;
		real = is_real(analysis, all[i].name);
		err = real < 0 ? real : 0;
		if (!real)
			err = analysis_exec(analysis,
					    "CREATE VIRTUAL TABLE temp.\"%w\" USING trace(%s)",
					    all[i].name, all[i].name);
	}
	return err;
}

int schema_make(struct analysis *analysis)
{
	int err = events_make(analysis);

	return err ? err : script_run(analysis, schema_sql[0].text);
}
