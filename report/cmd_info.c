#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "report/command.h"
#include "report/digest.h"
#include "report/options.h"
#include "report/text.h"

static void add_host_text(struct text *out, const char *before, const char *text)
{
	text_puts(out, before);
	text_escape(out, text, strlen(text));
}

static void add_start(struct text *out, const struct digest_session *session)
{
	int offset_s = (int)(session->utc_offset_s % 86400);
	int64_t start;
	time_t wall;
	struct tm tm;
	char date[64];

	if (digest_start(session, &start)) {
		text_puts(out, "at a time not known");
		return;
	}
	wall = start + offset_s;
	if (gmtime_r(&wall, &tm) && strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm))
		text_printf(out, "%s %c%02d%02d", date, offset_s < 0 ? '-' : '+',
			    abs(offset_s) / 3600, abs(offset_s) / 60 % 60);
}

static void add_session(struct text *out, const struct digest_session *session, unsigned number)
{
	double seconds = ((double)session->last_ns - (double)session->start_ns) / 1e9;

	text_printf(out, "\nsession %u\n", number);
	if (session->described) {
		add_host_text(out, "  host      ", session->host);
		add_host_text(out, ", ", session->kernel);
		text_printf(out, ", %" PRId64 " CPUs\n  recorded  ", session->cpus);
		add_start(out, session);
		text_printf(out, ", %.3f s", seconds > 0 ? seconds : 0);
		add_host_text(out, ", by memtape ", session->version);
		add_host_text(out, "\n  target    ", session->target);
	} else {
		text_puts(out, "  its description is missing");
	}
	add_host_text(out, "\n  complete  ",
		      session->ended ? "yes: " : "no: it broke off, or goes on");
	add_host_text(out, "", session->reason);
	text_puts(out, "\n");
}

static void add_count(struct text *out, const char *what, uint64_t n)
{
	text_printf(out, "  %-18s", what);
	text_thousands(out, (int64_t)n);
	text_puts(out, "\n");
}

static void add_rows(struct text *out, const struct digest *digest)
{
	text_puts(out, "\nrows\n");
	for (unsigned i = 0; i < TABLES_MAX; i++)
		if (digest->rows[i] && strcmp(table_numbered(i)->name, "block"))
			add_count(out, table_numbered(i)->name, digest->rows[i]);
}

static void add_damage(struct text *out, const struct reader_report *report)
{
	const struct {
		const char *what;
		uint64_t n;
	} counts[] = {
		{ "damaged blocks", report->damaged_blocks },
		{ "missing blocks", report->missing_blocks },
		{ "repeated blocks", report->repeated_blocks },
		{ "unknown tables", report->unknown_tables },
		{ "unknown columns", report->unknown_columns },
		{ "without header", report->headerless },
	};
	size_t before;

	text_puts(out, "\ndamage\n");
	before = out->length;
	if (report->damaged_blocks) {
		add_host_text(out, "  first             ", report->first_damage);
		text_puts(out, "\n");
	}
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		if (counts[i].n)
			add_count(out, counts[i].what, counts[i].n);
	if (out->length == before)
		text_puts(out, "  none\n");
}

static void add_digest(struct text *out, const char *file, const struct digest *digest,
		       const struct reader_report *report)
{
	add_host_text(out, "", file);
	text_puts(out, ": ");
	text_thousands(out, (int64_t)report->bytes);
	text_puts(out, " bytes, ");
	text_thousands(out, (int64_t)report->blocks);
	text_printf(out, " blocks, %u %s\n", digest->n_sessions,
		    digest->n_sessions == 1 ? "session" : "sessions");
	for (unsigned i = 0; i < digest->n_sessions; i++)
		add_session(out, &digest->sessions[i], i);
	add_rows(out, digest);
	add_damage(out, report);
}

static int show(const char *file, struct reader *reader, struct outcome *outcome)
{
	struct text text = { 0 };
	struct digest digest;
	int err = digest_read(&digest, reader);

	if (err)
		outcome_failed(outcome, "%s",
			       err == -ENOMEM ? "out of memory" : reader_why(reader));
	else
		add_digest(&text, file, &digest, reader_report(reader));
	if (!err && text.failed)
		err = outcome_failed(outcome, "out of memory");
	if (!err)
		fputs(text.data, stdout);
	text_release(&text);
	digest_release(&digest);
	return err;
}

static int info_run(int argc, char **argv, struct outcome *outcome)
{
	const struct option options[] = { { NULL, 0, NULL, NULL } };
	struct reader *reader = NULL;
	struct words words;
	int err = options_parse(argc, argv, options, false, &words, outcome);

	if (!err && words.help)
		return command_help(&command_info);
	if (!err)
		err = options_words(&words, 1, "TRACE", outcome);
	if (err)
		return err;
	outcome_about(outcome, words.word[0]);
	err = reader_open(words.word[0], &reader);
	if (err)
		outcome_failed(outcome, "%s", reader ? reader_why(reader) : strerror(-err));
	else
		err = show(words.word[0], reader, outcome);
	reader_close(reader);
	return err;
}

const struct command command_info = {
	.name = "info",
	.summary = "what a trace holds, from where, and whether it is whole",
	.help = "memtape info TRACE\n"
		"\n"
		"Prints the sessions of a trace (host, kernel, time, target), how many rows its\n"
		"tables have, and what of it is damaged or missing.\n"
		"\n"
		"  memtape info app.mtape\n",
	.run = info_run,
};
