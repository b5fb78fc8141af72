#include <errno.h>
#include <string.h>
#include "report/command.h"
#include "report/log_import.h"
#include "report/question.h"

/* Everything that the command line says. */
struct request {
	struct question question;
	struct report report;
	const char *file, *at, *out, *kmsg;
	bool strict;
	char imported[64];
};

static int list_reports(void)
{
	struct report report;

	for (size_t i = 0; !builtin_report(i, &report); i++)
		printf("%-12s%s\n", report.name, report.title);
	return 0;
}

static int show_help(const struct report *report)
{
	struct text text = { 0 };

	report_help(report, &text);
	if (!text.failed)
		printf("memtape report %s FILE [OPTION]...\n\n%s\n"
		       "  memtape report %s app.mtape\n",
		       report->name, text.data, report->name);
	text_release(&text);
	return 0;
}

static int find_report(const char *name, struct report *out, struct outcome *outcome)
{
	struct text names = { 0 };
	int err = builtin_find(name, out);

	if (err) {
		builtin_names(&names);
		outcome_usage(outcome, "no report '%s'; there are: %s", name,
			      names.failed ? "out of memory" : names.data);
		text_release(&names);
	}
	return err;
}

/* The state at an instant is what a recording that ended there would show. */
static int place_at(struct request *request, struct outcome *outcome)
{
	if (!request->at)
		return 0;
	if (request->question.from || request->question.to)
		return outcome_usage(outcome,
				     "--at T is the state at T and goes with no --from or --to");
	request->question.to = request->at;
	return 0;
}

static int answer(const struct request *request, struct outcome *outcome)
{
	struct analysis *analysis;
	FILE *out = NULL;
	int err = command_open(request->file, &analysis, outcome);

	if (!err)
		err = output_open(request->out, request->file, &out, outcome);
	if (!err) {
		err = question_ask(&request->question, analysis, out, outcome);
		err = output_close(out, request->out, err, outcome);
	}
	if (!err)
		err = command_judge(analysis, request->strict, outcome);
	analysis_close(analysis);
	return err;
}

/* A log instead of a recording becomes one in memory. */
static int take_kmsg(struct request *request, const struct words *words, struct outcome *outcome)
{
	int err = options_words(words, 1, "NAME", outcome);

	if (err)
		return err;
	request->file = request->imported;
	err = log_import(request->kmsg, request->imported, sizeof(request->imported));
	return err ? outcome_failed(outcome, "%s: %s", request->kmsg, strerror(-err)) : 0;
}

static int take_words(struct request *request, const struct words *words, struct outcome *outcome)
{
	int err = find_report(words->word[0], &request->report, outcome);

	if (!err && request->kmsg)
		err = take_kmsg(request, words, outcome);
	else if (!err)
		err = options_words(words, 2, "NAME FILE", outcome);
	if (err)
		return err;
	if (!request->kmsg)
		request->file = words->word[1];
	request->question.report = &request->report;
	request->question.extra = words->extra;
	request->question.n_extra = words->n_extra;
	err = place_at(request, outcome);
	return err ? err : question_check(&request->question, outcome);
}

/* The flags of the report that the first word names become options. */
static void flags_add(int argc, char **argv, struct report *report, struct option *options,
		      bool *given)
{
	if (!argc || builtin_find(argv[0], report))
		*report = (struct report){ 0 };
	for (size_t i = 0; i < report->n_parameters; i++)
		if (parameter_is_flag(&report->parameters[i]))
			*options++ = (struct option){ report->parameters[i].name, 0, NULL,
						      &given[i] };
}

static int flags_take(const struct report *report, const bool *given, struct words *words,
		      struct outcome *outcome)
{
	for (size_t i = 0; i < report->n_parameters; i++) {
		if (!given[i])
			continue;
		if (words->n_extra == EXTRAS_MAX)
			return outcome_usage(outcome, "more than %d options of a report",
					     EXTRAS_MAX);
		words->extra[words->n_extra++] = (struct extra){ report->parameters[i].name, "1" };
	}
	return 0;
}

static int report_run(int argc, char **argv, struct outcome *outcome)
{
	enum { COMMON = 9 };
	struct request request = { .question.format = "table" };
	struct question *question = &request.question;
	struct report report;
	bool given[REPORT_PARAMETERS_MAX] = { false };
	struct option options[COMMON + REPORT_PARAMETERS_MAX + 1] = {
		{ "from", 0, &question->from, NULL },
		{ "to", 0, &question->to, NULL },
		{ "at", 0, &request.at, NULL },
		{ "pid", 'p', &question->processes.lists[SELECT_PID], NULL },
		{ "comm", 0, &question->processes.lists[SELECT_COMM], NULL },
		{ "cgroup", 0, &question->processes.lists[SELECT_CGROUP], NULL },
		{ "format", 0, &question->format, NULL },
		{ "kmsg", 0, &request.kmsg, NULL },
		{ "output", 'o', &request.out, NULL },
		{ "strict", 0, NULL, &request.strict },
	};
	struct words words;

	flags_add(argc, argv, &report, options + COMMON, given);
	int err = options_parse(argc, argv, options, true, &words, outcome);

	if (!err)
		err = flags_take(&report, given, &words, outcome);
	if (err)
		return err;
	if (words.help && !words.n)
		return command_help(&command_report);
	if (!words.n)
		return list_reports();
	if (words.help) {
		err = find_report(words.word[0], &request.report, outcome);
		return err ? err : show_help(&request.report);
	}
	err = take_words(&request, &words, outcome);
	return err ? err : answer(&request, outcome);
}

const struct command command_report = {
	.name = "report",
	.summary = "answer a question about a recording; list the reports",
	.help = "memtape report                     list the reports\n"
		"memtape report NAME --help         what a report shows, and its options\n"
		"memtape report NAME FILE [OPTION [VALUE]]...\n"
		"\n"
		"FILE is a trace, or a database that `memtape analyze` made.\n"
		"\n"
		"  --from T, --to T     only this window of time; both ends are inside\n"
		"  --at T               the state at T\n"
		"  --pid PID,...        only these processes\n"
		"  --comm NAME,...      only processes of these names\n"
		"  --cgroup PATH,...    only processes of these memory cgroups and those below\n"
		"  --format FORMAT      table (default), csv, json; folded or svg of stacks\n"
		"  --kmsg LOG           instead of FILE, for oom-report and dmesg: what dmesg or\n"
		"                       journalctl -k printed\n"
		"  -o FILE              write there instead of to standard output\n"
		"  --strict             exit with status 3 if the recording is damaged, lossy\n"
		"                       or has no end\n"
		"\n"
		"T is 14:03:05 or 2026-05-01T14:03:05 on the recorded host's clock, +90s after\n"
		"the start or -10s before the end (ms, s, m, h).\n"
		"\n"
		"  memtape report leaks app.mtape --from +10s --top 5\n"
		"  memtape report faults app.mtape --format svg -o faults.svg\n",
	.run = report_run,
};
