#include "report/selection.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char make_sql[] = "CREATE TEMP TABLE selected(process_id INTEGER PRIMARY KEY);"
			       "CREATE TEMP TABLE asked(what TEXT, process_id INTEGER)";

static const char ask_pid_sql[] = "INSERT INTO asked "
				  "SELECT 'pid', id FROM process WHERE pid = CAST(?1 AS INTEGER)";

/* The kernel cuts the names of programs to 15 bytes; people need not. */
static const char ask_comm_sql[] = "INSERT INTO asked SELECT 'comm', id FROM process "
				   "WHERE comm = CAST(substr(CAST(?1 AS BLOB), 1, 15) AS TEXT)";

static const char select_sql[] =
	"INSERT INTO selected SELECT id FROM process "
	"WHERE (?1 IS NULL OR id IN (SELECT process_id FROM asked WHERE what = 'pid')) "
	"AND (?2 IS NULL OR id IN (SELECT process_id FROM asked WHERE what = 'comm'))";

static const char none_sql[] = "INSERT INTO selected SELECT 0 "
			       "WHERE ?1 IS NULL AND ?2 IS NULL";

/* Runs a statement with two texts bound; *changed gets how many rows it made. */
static int run(sqlite3 *db, const char *sql, const char *first, const char *second, int *changed,
	       struct outcome *outcome)
{
	sqlite3_stmt *statement;
	int status = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	if (status)
		return outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	sqlite3_bind_text(statement, 1, first, -1, SQLITE_STATIC);
	if (sqlite3_bind_parameter_count(statement) > 1)
		sqlite3_bind_text(statement, 2, second, -1, SQLITE_STATIC);
	sqlite3_step(statement);
	*changed = sqlite3_changes(db);
	if (sqlite3_finalize(statement))
		return outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	return 0;
}

static int ask_item(sqlite3 *db, const char *item, bool pid, struct outcome *outcome)
{
	int changed, err;

	if (pid && (!*item || item[strspn(item, "0123456789")]))
		return outcome_usage(outcome, "'%s' is no process id", item);
	err = run(db, pid ? ask_pid_sql : ask_comm_sql, item, NULL, &changed, outcome);
	if (!err && !changed)
		err = outcome_failed(
			outcome,
			pid ? "no process %s was recorded" : "no process '%s' was recorded", item);
	return err;
}

static int ask_list(sqlite3 *db, const char *list, bool pid, struct outcome *outcome)
{
	char *copy, *rest, *item;
	int err = 0;

	if (!list)
		return 0;
	copy = rest = strdup(list);
	if (!copy)
		return outcome_failed(outcome, "out of memory");
	while (!err && (item = strsep(&rest, ",")))
		err = ask_item(db, item, pid, outcome);
	free(copy);
	return err;
}

int selection_make(sqlite3 *db, const char *pids, const char *comms, struct outcome *outcome)
{
	int changed, err;

	if (sqlite3_exec(db, make_sql, NULL, NULL, NULL))
		return outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	err = ask_list(db, pids, true, outcome);
	if (!err)
		err = ask_list(db, comms, false, outcome);
	if (!err)
		err = run(db, select_sql, pids, comms, &changed, outcome);
	if (!err && !changed && pids && comms)
		return outcome_failed(outcome, "no process %s is called '%s'", pids, comms);
	return err ? err : run(db, none_sql, pids, comms, &changed, outcome);
}
