#include <errno.h>
#include <string.h>
#include "report/command.h"
#include "report/options.h"
#include "report/render.h"

/* What a question needs; all else (ATTACH, PRAGMA, writing, ...) is refused. */
static int authorize(void *refused, int action, const char *first, const char *second,
		     const char *database, const char *trigger)
{
	(void)first, (void)second, (void)database, (void)trigger;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_FUNCTION:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	default:
		*(bool *)refused = true;
		return SQLITE_DENY;
	}
}

static bool is_blank(const char *sql)
{
	return !sql[strspn(sql, " \t\r\n;")];
}

static int prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct outcome *outcome)
{
	const char *rest = sql;
	bool refused = false;
	int status;

	/* Only while preparing: virtual tables write temporary tables of their own when they run.
	 */
	sqlite3_set_authorizer(db, authorize, &refused);
	status = sqlite3_prepare_v2(db, sql, -1, out, &rest);
	sqlite3_set_authorizer(db, NULL, NULL);
	if (refused)
		return outcome_usage(outcome, "wants a SELECT statement; all else is refused");
	if (status)
		return outcome_usage(outcome, "%s", sqlite3_errmsg(db));
	if (!*out || !is_blank(rest))
		return outcome_usage(outcome, "wants one SELECT statement");
	/* VACUUM INTO asks no authorizer. */
	if (!sqlite3_stmt_readonly(*out) || !sqlite3_column_count(*out))
		return outcome_usage(outcome, "wants a SELECT statement; all else is refused");
	return 0;
}

static int show(sqlite3 *db, const char *format, FILE *out, sqlite3_stmt *statement,
		struct outcome *outcome)
{
	const struct render_options options = { .format = format,
						.heading = sqlite3_sql(statement) };
	struct render *render = NULL;
	int err = render_open(out, &options, &render);

	if (!err)
		err = render_section(render, NULL, statement);
	if (!err)
		err = render_finish(render);
	if (err == -EIO)
		outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	else if (err == -ENODATA)
		outcome_usage(outcome, "--format %s wants columns `stack` and a number", format);
	else if (err)
		outcome_failed(outcome, "out of memory");
	render_close(render);
	return err;
}

static int sql_run(int argc, char **argv, struct outcome *outcome)
{
	const char *format = "table", *path = NULL;
	const struct option options[] = {
		{ "format", 0, &format, NULL },
		{ "output", 'o', &path, NULL },
		{ NULL, 0, NULL, NULL },
	};
	struct analysis *analysis = NULL;
	sqlite3_stmt *statement = NULL;
	struct words words;
	FILE *out;
	int err = options_parse(argc, argv, options, false, &words, outcome);

	if (!err && words.help)
		return command_help(&command_sql);
	if (!err)
		err = options_words(&words, 2, "FILE \"SELECT ...\"", outcome);
	if (!err && !render_knows(format))
		err = outcome_usage(outcome, "no format '%s'; there are: " RENDER_FORMATS, format);
	if (!err)
		err = command_open(words.word[0], &analysis, outcome);
	if (!err)
		err = prepare(analysis_db(analysis), words.word[1], &statement, outcome);
	if (!err)
		err = output_open(path, words.word[0], &out, outcome);
	if (!err) {
		err = show(analysis_db(analysis), format, out, statement, outcome);
		err = output_close(out, path, err, outcome);
	}
	sqlite3_finalize(statement);
	if (!err)
		err = command_judge(analysis, false, outcome);
	analysis_close(analysis);
	return err;
}

const struct command command_sql = {
	.name = "sql",
	.summary = "ask anything with a SELECT statement",
	.help = "memtape sql FILE \"SELECT ...\" [--format FORMAT] [-o FILE]\n"
		"\n"
		"FILE is a trace, or a database that `memtape analyze` made; it is not changed.\n"
		"\n"
		"  --format FORMAT   table (default), csv, json; folded or svg of stacks\n"
		"  -o FILE           write there instead of to standard output\n"
		"\n"
		"The tables are named in sqlite_schema and sqlite_temp_schema.\n"
		"\n"
		"  memtape sql app.mtape \"SELECT pid, comm FROM process ORDER BY pid\"\n",
	.run = sql_run,
};
