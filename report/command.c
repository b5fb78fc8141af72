#include "report/command.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

int command_help(const struct command *command)
{
	fputs(command->help, stdout);
	return 0;
}

int command_open(const char *file, struct analysis **out, struct outcome *outcome)
{
	int err;

	*out = NULL;
	outcome_about(outcome, file);
	err = analysis_open(file, out);
	if (err)
		outcome_failed(outcome, "%s", *out ? analysis_why(*out) : strerror(-err));
	return err;
}

static int64_t query_number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;
	int64_t number = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL))
		return -1;
	if (sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	return sqlite3_finalize(statement) ? -1 : number;
}

static void judge_damage(const struct reader_report *report, bool strict, struct outcome *outcome)
{
	int status = strict ? STATUS_LOSSY : STATUS_FINE;

	if (report->damaged_blocks)
		outcome_remark(
			outcome, status,
			"%s (%" PRIu64 " blocks damaged, %" PRIu64 " missing; the rest is shown)",
			report->first_damage, report->damaged_blocks, report->missing_blocks);
	else if (report->missing_blocks)
		outcome_remark(outcome, status, "%" PRIu64 " blocks are missing; the rest is shown",
			       report->missing_blocks);
}

int command_judge(struct analysis *analysis, bool strict, struct outcome *outcome)
{
	const struct reader_report *report = analysis_report(analysis);
	sqlite3 *db = analysis_db(analysis);
	int64_t lost;

	if (outcome->text[0])
		return 0;
	judge_damage(report, strict, outcome);
	if (outcome->text[0] || !strict)
		return 0;
	lost = query_number(db, "SELECT sum(lost_rows) FROM loss WHERE cause <> 'late'");
	if (lost < 0)
		return outcome_failed(outcome, "%s", sqlite3_errmsg(db));
	if (lost)
		outcome_remark(outcome, STATUS_LOSSY, "%" PRId64 " rows were lost", lost);
	else if (report->ended_sessions < report->sessions)
		outcome_remark(outcome, STATUS_LOSSY,
			       "has no end: the recording broke off or goes on");
	return 0;
}

static bool same_file(const char *path, const char *other_path)
{
	struct stat one, other;

	return !stat(path, &one) && !stat(other_path, &other) && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

int output_open(const char *path, const char *input, FILE **out, struct outcome *outcome)
{
	*out = stdout;
	if (!path)
		return 0;
	if (same_file(path, input))
		return outcome_usage(outcome, "-o %s is the file that is read", path);
	*out = fopen(path, "we");
	if (!*out) {
		outcome_about(outcome, path);
		return outcome_failed(outcome, "%s", strerror(errno));
	}
	return 0;
}

int output_close(FILE *file, const char *path, int err, struct outcome *outcome)
{
	bool failed = fflush(file) || ferror(file);
	int why = errno;

	if (path)
		failed |= fclose(file);
	if (failed && !err) {
		outcome_about(outcome, path ? path : "standard output");
		err = outcome_failed(outcome, "%s", strerror(why));
	}
	return err;
}
