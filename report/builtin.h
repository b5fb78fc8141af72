/*
 * The reports that are built in. A report is an .sql file (HACKING.md says how to write one): its
 * first comment line is its title; lines of the form `--   name   what it is (default)` before the
 * first statement are its parameters, which are its options; each statement is a section, and the
 * comment line right before a further statement is the section's title.
 */
#ifndef REPORT_BUILTIN_H
#define REPORT_BUILTIN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include "report/text.h"

enum {
	REPORT_PARAMETERS_MAX = 8,
	REPORT_NAME_MAX = 31,
	REPORT_WORDS_MAX = 79,
};

struct report_parameter {
	char name[REPORT_NAME_MAX + 1];
	char initial[REPORT_NAME_MAX + 1]; /* "": NULL unless it is given; "off": it is a flag */
	char words[REPORT_WORDS_MAX + 1];  /* all that it may be, as in "pid, rss or vsz", or "" */
};

static inline bool parameter_is_flag(const struct report_parameter *parameter)
{
	return !strcmp(parameter->initial, "off");
}

struct report {
	const char *name, *sql;
	char title[128];
	struct report_parameter parameters[REPORT_PARAMETERS_MAX];
	size_t n_parameters;
};

/* The report of that name: 0; -ENOENT. */
int builtin_find(const char *name, struct report *out);

/* The i-th report by name: 0; -ENOENT behind the last. */
int builtin_report(size_t i, struct report *out);

/* All names in one line. */
void builtin_names(struct text *out);

const struct report_parameter *report_parameter(const struct report *, const char *name);

/* Whether it may be that value: any, unless its meaning in the first comment is a list of words. */
bool parameter_takes(const struct report_parameter *, const char *value);

/* The comment lines before the first statement, parameters as options. */
void report_help(const struct report *, struct text *out);

/* Whether a statement of the report has the word in it: what it cannot use is no option of it. */
bool report_mentions(const struct report *, const char *word);

/* The last comment line before the next statement in `sql`: false if there is none. */
bool section_title(const char *sql, char *title, size_t size);

#endif
