#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "report/command.h"
#include "report/options.h"
#include "report/selection.h"
#include "report/text.h"
#include "report/window.h"

/* What the command line says. */
struct export
{
	const char *file, *to, *out;
	const char *from_text, *to_text;
	struct selection processes;
	struct window window;
};

/*
 * The lines of every frame: the address as symbol tables know it, function and offset, file. What
 * the compiler put inline stands above the function that it is in, as in perf script.
 */
static const char frames_sql[] =
	"CREATE TEMP TABLE script_frame AS "
	"WITH place AS ("
	"	SELECT f.id, f.image_id, f.offset, f.offset + coalesce(i.address_offset, 0) AS addr, "
	"		coalesce(i.path, '[unknown]') AS path, s.symbol, s.function_offset "
	"	FROM frame AS f "
	"	LEFT JOIN image AS i ON i.id = f.image_id "
	"	LEFT JOIN symbol AS s ON s.image_id IS f.image_id AND s.offset = f.offset"
	"), inlined AS ("
	"	SELECT p.id, group_concat(printf('%c%16x %s (inlined)', char(9), p.addr, "
	"		replace(demangle(l.symbol), char(10), ' ')), char(10)) AS lines "
	"	FROM place AS p JOIN ("
	"		SELECT image_id, offset, symbol, "
	"			depth < max(depth) OVER (PARTITION BY image_id, offset) AS inner "
	"		FROM line ORDER BY image_id, offset, depth"
	"	) AS l ON l.image_id = p.image_id AND l.offset = p.offset "
	"	WHERE l.inner AND l.symbol IS NOT NULL GROUP BY p.id"
	") "
	"SELECT p.id AS frame_id, coalesce(n.lines || char(10), '') || "
	"	iif(p.symbol IS NULL, "
	"		printf('%c%16x [unknown] (%s)', char(9), p.addr, "
	"			replace(p.path, char(10), ' ')), "
	"		printf('%c%16x %s+0x%x (%s)', char(9), p.addr, "
	"			replace(demangle(p.symbol), char(10), ' '), p.function_offset, "
	"			replace(p.path, char(10), ' '))) AS lines "
	"FROM place AS p LEFT JOIN inlined AS n ON n.id = p.id";

static const char stacks_sql[] = "CREATE TEMP TABLE script_stack AS "
				 "WITH RECURSIVE chain(stack_id, depth, parent_id, frame_id) AS ("
				 "	SELECT s.id, 0, s.parent_id, s.frame_id FROM stack AS s "
				 "	WHERE s.id IN (SELECT stack_id FROM fault_sum "
				 "		WHERE bucket_ns BETWEEN ?1 - 999999999 AND ?2) "
				 "	UNION ALL "
				 "	SELECT c.stack_id, c.depth + 1, s.parent_id, s.frame_id "
				 "	FROM chain AS c JOIN stack AS s ON s.id = c.parent_id"
				 ") "
				 "SELECT stack_id, group_concat(lines, char(10)) AS lines FROM ("
				 "	SELECT c.stack_id, f.lines FROM chain AS c "
				 "	JOIN script_frame AS f ON f.frame_id = c.frame_id "
				 "	ORDER BY c.stack_id, c.depth"
				 ") GROUP BY stack_id";

static const char events_sql[] =
	"SELECT f.ts_ns, p.comm, p.pid, f.tid, f.user, f.ip_addr, s.lines "
	"FROM fault AS f LEFT JOIN process AS p ON p.id = f.process_id "
	"LEFT JOIN script_stack AS s ON s.stack_id = f.stack_id "
	"WHERE f.ts_ns BETWEEN ?1 AND ?2 "
	"AND coalesce(f.process_id, 0) IN (SELECT process_id FROM selected)";

enum { TS_NS, COMM, PID, TID, USER, IP_ADDR, LINES }; /* its columns */

static int prepare(const struct export *export, sqlite3 *db, const char *sql, sqlite3_stmt **out,
		   struct outcome *outcome)
{
	if (sqlite3_prepare_v2(db, sql, -1, out, NULL))
		return outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	for (int i = 1; i <= sqlite3_bind_parameter_count(*out); i++)
		sqlite3_bind_int64(*out, i, i == 1 ? export->window.from_ns : export->window.to_ns);
	return 0;
}

static int run(const struct export *export, sqlite3 *db, const char *sql, struct outcome *outcome)
{
	sqlite3_stmt *statement = NULL;
	int err = prepare(export, db, sql, &statement, outcome);

	if (!err)
		sqlite3_step(statement);
	if (sqlite3_finalize(statement) && !err)
		err = outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	return err;
}

static void add_text(struct text *text, sqlite3_stmt *row, int column, const char *otherwise)
{
	const char *bytes = (const char *)sqlite3_column_text(row, column);

	if (!bytes)
		bytes = otherwise;
	text_escape_lines(text, bytes, strlen(bytes));
}

/* "comm pid/tid seconds: period event:", then a line for each frame, innermost first. */
static void add_event(struct text *text, sqlite3_stmt *row)
{
	int64_t ts_ns = sqlite3_column_int64(row, TS_NS);
	uint64_t ip = (uint64_t)sqlite3_column_int64(row, IP_ADDR);

	add_text(text, row, COMM, "unknown");
	text_printf(text, " %6d/%-6d %5" PRId64 ".%06" PRId64 ": %10d %s: \n",
		    sqlite3_column_int(row, PID), sqlite3_column_int(row, TID), ts_ns / 1000000000,
		    ts_ns % 1000000000 / 1000, 1, "page-faults");
	if (!sqlite3_column_int(row, USER))
		text_printf(text, "\t%16" PRIx64 " [unknown] ([kernel.kallsyms])\n", ip);
	else if (sqlite3_column_type(row, LINES) == SQLITE_NULL)
		text_printf(text, "\t%16" PRIx64 " [unknown] ([unknown])\n", ip);
	add_text(text, row, LINES, "");
	text_puts(text, sqlite3_column_type(row, LINES) == SQLITE_NULL ? "\n" : "\n\n");
}

static int write_events(const struct export *export, sqlite3 *db, FILE *out,
			struct outcome *outcome)
{
	sqlite3_stmt *rows = NULL;
	struct text text = { 0 };
	int err = prepare(export, db, events_sql, &rows, outcome);

	while (!err && !text.failed && sqlite3_step(rows) == SQLITE_ROW) {
		text_clear(&text);
		add_event(&text, rows);
		fwrite(text.data, 1, text.failed ? 0 : text.length, out);
	}
	if (sqlite3_finalize(rows) && !err)
		err = outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	if (text.failed && !err)
		err = outcome_failed(outcome, "out of memory");
	text_release(&text);
	return err;
}

static int export_perf_script(const struct export *export, sqlite3 *db, FILE *out,
			      struct outcome *outcome)
{
	static const char index_sql[] = "CREATE UNIQUE INDEX temp.script_stack_id "
					"ON script_stack (stack_id)";
	int err = run(export, db, frames_sql, outcome);

	if (!err)
		err = run(export, db, stacks_sql, outcome);
	if (!err)
		err = run(export, db, index_sql, outcome);
	return err ? err : write_events(export, db, out, outcome);
}

static int export_all(struct export *export, struct analysis *analysis, struct outcome *outcome)
{
	sqlite3 *db = analysis_db(analysis);
	FILE *out = NULL;
	int err = window_resolve(db, export->from_text, export->to_text,
				 analysis_report(analysis)->last_ns, &export->window, outcome);

	if (analysis_summed(analysis))
		return outcome_failed(outcome, "holds sums, not single events: export the trace, "
					       "or make it with `memtape analyze --events`");
	if (!err)
		err = selection_make(db, &export->processes, outcome);
	if (!err)
		err = output_open(export->out, export->file, &out, outcome);
	if (err)
		return err;
	err = export_perf_script(export, db, out, outcome);
	return output_close(out, export->out, err, outcome);
}

static int export_check(struct export *export, const struct words *words, struct outcome *outcome)
{
	int err = options_words(words, 1, "FILE", outcome);

	if (!err && !export->to)
		err = outcome_usage(outcome, "wants --to FORMAT; there is: perf-script");
	if (!err && strcmp(export->to, "perf-script"))
		err = outcome_usage(outcome, "no format '%s'; there is: perf-script", export->to);
	export->file = words->word[0];
	return err;
}

static int export_run(int argc, char **argv, struct outcome *outcome)
{
	struct export export = { 0 };
	const struct option options[] = {
		{ "to", 0, &export.to, NULL },
		{ "from-time", 0, &export.from_text, NULL },
		{ "to-time", 0, &export.to_text, NULL },
		{ "pid", 'p', &export.processes.lists[SELECT_PID], NULL },
		{ "comm", 0, &export.processes.lists[SELECT_COMM], NULL },
		{ "cgroup", 0, &export.processes.lists[SELECT_CGROUP], NULL },
		{ "output", 'o', &export.out, NULL },
		{ NULL, 0, NULL, NULL },
	};
	struct analysis *analysis = NULL;
	struct words words;
	int err = options_parse(argc, argv, options, false, &words, outcome);

	if (!err && words.help)
		return command_help(&command_export);
	if (!err)
		err = export_check(&export, &words, outcome);
	if (!err)
		err = command_open(export.file, &analysis, outcome);
	if (!err)
		err = export_all(&export, analysis, outcome);
	if (!err)
		err = command_judge(analysis, false, outcome);
	analysis_close(analysis);
	return err;
}

const struct command command_export = {
	.name = "export",
	.summary = "write page faults in the form of another tool",
	.help = "memtape export FILE --to perf-script [-o FILE]\n"
		"\n"
		"Writes every page fault with its stack as `perf script` prints samples, for tools\n"
		"that read that: stackcollapse-perf.pl, speedscope, the Firefox profiler.\n"
		"\n"
		"  --to perf-script     the form\n"
		"  --from-time T, --to-time T\n"
		"                       only this window of time, as in `memtape report --help`\n"
		"  --pid PID,...        only these processes\n"
		"  --comm NAME,...      only processes of these names\n"
		"  --cgroup PATH,...    only processes of these memory cgroups and those below\n"
		"  -o FILE              write there instead of to standard output\n"
		"\n"
		"Addresses are those that the file's symbol table has, times CLOCK_MONOTONIC.\n"
		"\n"
		"  memtape export app.mtape --to perf-script | stackcollapse-perf.pl | flamegraph.pl\n",
	.run = export_run,
};
