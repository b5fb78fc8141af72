#include "report/question.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "report/render.h"
#include "report/selection.h"
#include "report/window.h"

static int refuse_option(const struct report *report, const char *name, struct outcome *outcome)
{
	struct text names = { 0 };

	for (size_t i = 0; i < report->n_parameters; i++)
		text_printf(&names, "--%s ", report->parameters[i].name);
	if (report_mentions(report, "selected"))
		text_puts(&names, "--pid --comm --cgroup ");
	if (report_mentions(report, ":from"))
		text_puts(&names, "--from --to --at ");
	text_puts(&names, "--format --strict -o");
	outcome_usage(outcome, "report '%s' has no option '--%s'; it has: %s", report->name, name,
		      names.failed ? "?" : names.data);
	text_release(&names);
	return -EINVAL;
}

static const char *value_of(const struct question *question, const char *name)
{
	for (int i = question->n_extra; i-- > 0;)
		if (!strcmp(question->extra[i].name, name))
			return question->extra[i].value;
	return NULL;
}

static bool is_integer(const char *text)
{
	size_t sign = *text == '-';

	return text[sign] && !text[sign + strspn(text + sign, "0123456789")] && strlen(text) < 19;
}

int question_check(const struct question *question, struct outcome *outcome)
{
	const struct report *report = question->report;

	for (int i = 0; i < question->n_extra; i++) {
		const struct extra *extra = &question->extra[i];
		const struct report_parameter *parameter = report_parameter(report, extra->name);

		if (!parameter)
			return refuse_option(report, extra->name, outcome);
		if (is_integer(parameter->initial) && !is_integer(extra->value))
			return outcome_usage(outcome, "--%s wants a number, not '%s'", extra->name,
					     extra->value);
		if (!parameter_takes(parameter, extra->value))
			return outcome_usage(outcome, "--%s wants %s, not '%s'", extra->name,
					     parameter->words, extra->value);
	}
	if ((question->from || question->to) && !report_mentions(report, ":from"))
		return refuse_option(report, question->from ? "from" : "to", outcome);
	for (int i = 0; i < SELECTION_WAYS; i++)
		if (question->processes.lists[i] && !report_mentions(report, "selected"))
			return refuse_option(report, selection_options[i], outcome);
	if (!render_knows(question->format))
		return outcome_usage(outcome, "no format '%s'; there are: " RENDER_FORMATS,
				     question->format);
	return 0;
}

static int bind_value(sqlite3_stmt *statement, int i, const char *value)
{
	if (!value || !*value)
		return sqlite3_bind_null(statement, i);
	if (is_integer(value))
		return sqlite3_bind_int64(statement, i, strtoll(value, NULL, 10));
	return sqlite3_bind_text(statement, i, value, -1, SQLITE_STATIC);
}

static int bind_parameter(const struct question *question, sqlite3_stmt *statement, int i)
{
	const char *name = sqlite3_bind_parameter_name(statement, i) + 1;
	const struct report_parameter *parameter = report_parameter(question->report, name);
	const char *value = value_of(question, name);

	/* What `top` leaves out for readers' sake would be missing in a sum. */
	if (!value && !strcmp(name, "top") && render_sums(question->format))
		value = "-1";
	if (!value && parameter)
		value = parameter_is_flag(parameter) ? "0" : parameter->initial;
	return bind_value(statement, i, value);
}

static int bind_all(const struct question *question, const struct window *window,
		    sqlite3_stmt *statement)
{
	int status = SQLITE_OK, from = sqlite3_bind_parameter_index(statement, ":from");
	int to = sqlite3_bind_parameter_index(statement, ":to");

	for (int i = 1; i <= sqlite3_bind_parameter_count(statement) && !status; i++) {
		if (i == from || i == to)
			status = sqlite3_bind_int64(statement, i,
						    i == from ? window->from_ns : window->to_ns);
		else
			status = bind_parameter(question, statement, i);
	}
	return status;
}

/* Runs the statement at *sql and moves it behind; 1: there was none. */
static int ask_section(const struct question *question, const struct window *window, sqlite3 *db,
		       struct render *render, const char **sql, struct outcome *outcome)
{
	bool first = *sql == question->report->sql;
	char title[256];
	bool titled = !first && section_title(*sql, title, sizeof(title));
	sqlite3_stmt *statement = NULL;
	int err = 0;

	if (sqlite3_prepare_v2(db, *sql, -1, &statement, sql))
		return outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	if (!statement)
		return 1;
	if (bind_all(question, window, statement))
		err = -EIO;
	if (!err)
		err = render_section(render, titled ? title : NULL, statement);
	if (err)
		outcome_failed(outcome, "%s",
			       err == -ENOMEM ? "out of memory" : sqlite3_errmsg(db));
	sqlite3_finalize(statement);
	return err;
}

static int ask_sections(const struct question *question, const struct window *window, sqlite3 *db,
			struct render *render, struct outcome *outcome)
{
	const char *sql = question->report->sql;
	int err;

	do
		err = ask_section(question, window, db, render, &sql, outcome);
	while (!err);
	if (err < 0)
		return err;
	err = render_finish(render);
	if (err == -ENODATA)
		return outcome_usage(outcome, "report '%s' has no stacks: no --format %s",
				     question->report->name, question->format);
	return err ? outcome_failed(outcome, "out of memory") : 0;
}

int question_ask(const struct question *question, struct analysis *analysis, FILE *out,
		 struct outcome *outcome)
{
	const struct render_options options = {
		.format = question->format,
		.heading = question->report->title,
		.sections = true,
	};
	sqlite3 *db = analysis_db(analysis);
	struct render *render = NULL;
	struct window window;
	int err = window_resolve(db, question->from, question->to,
				 analysis_report(analysis)->last_ns, &window, outcome);

	if (!err)
		err = selection_make(db, &question->processes, outcome);
	if (!err)
		err = window_tell(db, &window, outcome);
	if (!err && report_mentions(question->report, "heap_window"))
		err = window_heap(db, &window, analysis_summed(analysis), outcome);
	if (err)
		return err;
	if (render_open(out, &options, &render))
		return outcome_failed(outcome, "out of memory");
	err = ask_sections(question, &window, db, render, outcome);
	render_close(render);
	return err;
}
