#include <errno.h>
#include <limits.h>
#include <string.h>
#include "report/command.h"
#include "report/question.h"

/* TRACE with .mtape replaced by .db. */
static int default_path(const char *trace, char *out, size_t size)
{
	size_t length = strlen(trace), tail = strlen(".mtape");

	if (length > tail && !strcmp(trace + length - tail, ".mtape"))
		length -= tail;
	return snprintf(out, size, "%.*s.db", (int)length, trace) < (int)size ? 0 : -ENAMETOOLONG;
}

static int save(const char *trace, const char *path, bool events, struct outcome *outcome)
{
	struct analysis *analysis;
	int err = command_open(trace, &analysis, outcome);

	if (!err) {
		err = analysis_save(analysis, path, events);
		if (err)
			outcome_failed(outcome, "%s", analysis_why(analysis));
	}
	analysis_close(analysis);
	return err;
}

static int show_path(const char *path, struct outcome *outcome)
{
	struct text text = { 0 };
	bool failed;

	text_escape(&text, path, strlen(path));
	failed = text.failed;
	if (!failed)
		printf("\nThe database is %s.\n", text.data);
	text_release(&text);
	return failed ? outcome_failed(outcome, "out of memory") : 0;
}

static int show_overview(const char *path, struct outcome *outcome)
{
	struct report report;
	struct question question = { .report = &report, .format = "table" };
	struct analysis *analysis;
	int err = command_open(path, &analysis, outcome);

	if (!err && builtin_find("overview", &report))
		err = outcome_failed(outcome, "there is no report 'overview'");
	if (!err)
		err = question_ask(&question, analysis, stdout, outcome);
	if (!err)
		err = show_path(path, outcome);
	if (!err)
		err = command_judge(analysis, false, outcome);
	analysis_close(analysis);
	return err;
}

static int analyze_run(int argc, char **argv, struct outcome *outcome)
{
	char beside[PATH_MAX];
	const char *path = NULL;
	bool events = false;
	const struct option options[] = {
		{ "output", 'o', &path, NULL },
		{ "events", 0, NULL, &events },
		{ NULL, 0, NULL, NULL },
	};
	struct words words;
	int err = options_parse(argc, argv, options, false, &words, outcome);

	if (!err && words.help)
		return command_help(&command_analyze);
	if (!err)
		err = options_words(&words, 1, "TRACE", outcome);
	if (!err && !path) {
		path = beside;
		if (default_path(words.word[0], beside, sizeof(beside)))
			err = outcome_usage(outcome, "the name is too long; say -o DB");
	}
	if (!err)
		err = save(words.word[0], path, events, outcome);
	return err ? err : show_overview(path, outcome);
}

const struct command command_analyze = {
	.name = "analyze",
	.summary = "load a trace into an SQLite database and print the overview",
	.help = "memtape analyze TRACE [-o DB] [--events]\n"
		"\n"
		"Makes an SQLite database of a trace. Reports of it are the same and faster.\n"
		"\n"
		"  -o DB      the database (default: TRACE with .db instead of .mtape)\n"
		"  --events   also the single page faults and calls of the allocator, not only\n"
		"             their sums: for windows of the heap, and for SQL\n"
		"\n"
		"  memtape analyze app.mtape && memtape report leaks app.db\n",
	.run = analyze_run,
};
