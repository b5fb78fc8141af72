#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "format/version.h"
#include "report/command.h"
#include "report/text.h"

static const struct command *const commands[] = {
	&command_record, &command_report,    &command_analyze, &command_sql,
	&command_info,   &command_symbolize, &command_export,
};

enum {
	N_COMMANDS = sizeof(commands) / sizeof(*commands),
};

static const struct command *command_named(const char *name)
{
	for (int i = 0; i < N_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static void print_help(FILE *file)
{
	fputs("memtape records what a Linux host does with its memory into one file, and\n"
	      "answers questions about it later and elsewhere.\n\n",
	      file);
	for (int i = 0; i < N_COMMANDS; i++)
		fprintf(file, "  memtape %-9s  %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n`memtape COMMAND --help` says more.\n\n"
	      "  sudo memtape record -o app.mtape -- ./app\n"
	      "  memtape report leaks app.mtape\n",
	      file);
}

static int refuse(const char *name, struct outcome *outcome)
{
	struct text names = { 0 };

	for (int i = 0; i < N_COMMANDS; i++)
		text_printf(&names, "%s, ", commands[i]->name);
	text_puts(&names, "help");
	outcome_usage(outcome, "no command '%s'; there are: %s", name,
		      names.failed ? "?" : names.data);
	text_release(&names);
	return -EINVAL;
}

static int help(const char *name, struct outcome *outcome)
{
	static char option[] = "--help";
	char *words[] = { option, NULL };
	const struct command *command = name ? command_named(name) : NULL;

	if (name && !command)
		return refuse(name, outcome);
	if (command)
		return command->run(1, words, outcome);
	print_help(stdout);
	return 0;
}

/* The words that are not in the table. */
static int run_other(char **argv, struct outcome *outcome)
{
	if (!strcmp(argv[0], "help") || !strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))
		return help(argv[1], outcome);
	if (strcmp(argv[0], "--version"))
		return refuse(argv[0], outcome);
	printf("memtape %s, trace format %d\n", MEMTAPE_VERSION, FORMAT_VERSION);
	return 0;
}

/* Whatever a file is called, the terminal only shows it. */
static void say(const struct command *command, const struct outcome *outcome)
{
	struct text line = { 0 };

	text_puts(&line, command ? command->name : "");
	if (outcome->file[0] && outcome->status != STATUS_USAGE) {
		text_puts(&line, ": ");
		text_escape(&line, outcome->file, strlen(outcome->file));
	}
	text_puts(&line, outcome->status == STATUS_FINE ? ": warning: " : ": ");
	text_escape(&line, outcome->text, strlen(outcome->text));
	if (!line.failed)
		fprintf(stderr, command ? "memtape %s\n" : "memtape%s\n", line.data);
	text_release(&line);
}

int main(int argc, char **argv)
{
	struct outcome outcome = { 0 };
	const struct command *command = argc > 1 ? command_named(argv[1]) : NULL;

	if (argc < 2) {
		print_help(stderr);
		return STATUS_USAGE;
	}
	if (command)
		command->run(argc - 2, argv + 2, &outcome);
	else
		run_other(argv + 1, &outcome);
	output_close(stdout, NULL, outcome.status, &outcome);
	if (outcome.text[0])
		say(command, &outcome);
	return outcome.status;
}
