/*
 * The subcommands of memtape: one file and one row of a table each. A command prints what it was
 * asked for on stdout, and nothing else; what went wrong it leaves in the outcome.
 */
#ifndef REPORT_COMMAND_H
#define REPORT_COMMAND_H

#include <stdbool.h>
#include <stdio.h>
#include "analyzer/analysis.h"
#include "report/outcome.h"

struct command {
	const char *name;
	const char *summary;
	const char *help; /* NULL: the command takes --help itself */
	/* `argv` are the words behind the subcommand. 0; -errno and the outcome. */
	int (*run)(int argc, char **argv, struct outcome *outcome);
};

extern const struct command command_analyze, command_export, command_info, command_record,
	command_report, command_sql, command_symbolize;

/* Prints the command's help. 0. */
int command_help(const struct command *command);

/* Opens a recording; what fails is in the outcome. The analysis is the caller's to close in any
 * case. */
int command_open(const char *file, struct analysis **out, struct outcome *outcome);

/*
 * Says in the outcome what the recording lacks, if nothing else went wrong: one line about damage;
 * with `strict` also STATUS_LOSSY for damage, lost rows or a missing end.
 */
int command_judge(struct analysis *analysis, bool strict, struct outcome *outcome);

/*
 * Opens what -o names, stdout for NULL. A file that is `input` itself is refused. 0; -errno and the
 * outcome.
 */
int output_open(const char *path, const char *input, FILE **out, struct outcome *outcome);

/* Closes it, if it is not stdout; `err` or what writing met. */
int output_close(FILE *file, const char *path, int err, struct outcome *outcome);

#endif
