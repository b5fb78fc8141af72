#include "report/selection.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The kernel cuts the names of programs to 15 bytes; people need not. */
static const struct {
	const char *sql, *nothing; /* what is said when nothing is found */
} askings[SELECTION_WAYS] = {
	[SELECT_PID] = { "INSERT INTO asked SELECT ?2, id FROM process "
			 "WHERE pid = CAST(?1 AS INTEGER)",
			 "no process %s was recorded" },
	[SELECT_COMM] = { "INSERT INTO asked SELECT ?2, id FROM process WHERE comm = "
			  "CAST(substr(CAST(?1 AS BLOB), 1, 15) AS TEXT)",
			  "no process '%s' was recorded" },
	[SELECT_CGROUP] = { "INSERT INTO asked SELECT ?2, p.id "
			    "FROM process AS p JOIN cgroup AS c ON c.id = p.cgroup_id "
			    "WHERE rtrim(c.path, '/') || '/' = '/' || ltrim(trim(?1, '/') || '/', '/') "
			    "OR substr(c.path, 1, length(trim(?1, '/')) + 2) = "
			    "'/' || trim(?1, '/') || '/' OR (?1 <> '' AND trim(?1, '/') = '')",
			    "no process of the cgroup '%s' was recorded" },
};

const char *const selection_options[SELECTION_WAYS] = {
	[SELECT_PID] = "pid",
	[SELECT_COMM] = "comm",
	[SELECT_CGROUP] = "cgroup",
};

static const char make_sql[] = "CREATE TEMP TABLE selected(process_id INTEGER PRIMARY KEY);"
			       "CREATE TEMP TABLE asked(what INTEGER, process_id INTEGER)";

static const char select_sql[] = "INSERT INTO selected SELECT id FROM process WHERE ?1 = "
				 "(SELECT count(DISTINCT what) FROM asked WHERE process_id = id)";

/* Processes that are not known are wanted when nothing was asked. */
static const char none_sql[] = "INSERT INTO selected SELECT 0 WHERE ?1 = 0";

static int run(sqlite3 *db, const char *sql, const char *text, int number, int *changed,
	       struct outcome *outcome)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL))
		return outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	if (sqlite3_bind_parameter_count(statement) > 1)
		sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, sqlite3_bind_parameter_count(statement), number);
	sqlite3_step(statement);
	*changed = sqlite3_changes(db);
	if (sqlite3_finalize(statement))
		return outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	return 0;
}

static int ask_item(sqlite3 *db, const char *item, enum selection_way way, struct outcome *outcome)
{
	int changed, err;

	if (way == SELECT_PID && (!*item || item[strspn(item, "0123456789")]))
		return outcome_usage(outcome, "'%s' is no process id", item);
	err = run(db, askings[way].sql, item, way, &changed, outcome);
	if (!err && !changed)
		err = outcome_failed(outcome, askings[way].nothing, item);
	return err;
}

/* A cgroup's directory is as good as its path: without where the hierarchy is mounted. */
static const char *cgroup_path(const char *item)
{
	static const char *const mounts[] = { "/sys/fs/cgroup/memory/", "/sys/fs/cgroup/unified/",
					      "/sys/fs/cgroup/" };

	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++)
		if (!strncmp(item, mounts[i], strlen(mounts[i])))
			return item + strlen(mounts[i]) - 1;
	return item;
}

static int ask_list(sqlite3 *db, const char *list, enum selection_way way, struct outcome *outcome)
{
	char *copy, *rest, *item;
	int err = 0;

	copy = rest = strdup(list);
	if (!copy)
		return outcome_failed(outcome, "out of memory");
	while (!err && (item = strsep(&rest, ",")))
		err = ask_item(db, way == SELECT_CGROUP ? cgroup_path(item) : item, way, outcome);
	free(copy);
	return err;
}

static int refuse_all(const struct selection *selection, struct outcome *outcome)
{
	char asked[256] = "";

	for (size_t way = 0, n = 0; way < SELECTION_WAYS && n < sizeof(asked); way++)
		if (selection->lists[way])
			n += snprintf(asked + n, sizeof(asked) - n, " --%s %s",
				      selection_options[way], selection->lists[way]);
	return outcome_failed(outcome, "no process is of all of these:%s", asked);
}

int selection_make(sqlite3 *db, const struct selection *selection, struct outcome *outcome)
{
	int changed, err = 0, ways = 0;

	if (sqlite3_exec(db, make_sql, NULL, NULL, NULL))
		return outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	for (enum selection_way way = 0; way < SELECTION_WAYS && !err; way++) {
		if (!selection->lists[way])
			continue;
		err = ask_list(db, selection->lists[way], way, outcome);
		ways++;
	}
	if (!err)
		err = run(db, select_sql, NULL, ways, &changed, outcome);
	if (!err && !changed && ways > 1)
		return refuse_all(selection, outcome);
	return err ? err : run(db, none_sql, NULL, ways, &changed, outcome);
}
