/*
 * Reads the words after a subcommand: options from a table, and the other words in their order.
 * `--name VALUE`, `--name=VALUE`, `-n VALUE`; `--` ends the options. A value may begin with a dash.
 */
#ifndef REPORT_OPTIONS_H
#define REPORT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include "report/outcome.h"

enum {
	WORDS_MAX = 4,
	EXTRAS_MAX = 8,
};

struct option {
	const char *name;
	char letter;        /* 0: none */
	const char **value; /* where its value goes, or NULL: */
	bool *flag;         /* it has none and sets this */
};

/* An option that is not in the table, and its value. */
struct extra {
	const char *name, *value;
};

struct words {
	const char *word[WORDS_MAX];
	int n;
	bool help; /* -h or --help was among them: nothing else counts */
	struct extra extra[EXTRAS_MAX];
	int n_extra;
};

/*
 * `options` ends with a NULL name. With `extras`, options that it does not have are kept in
 * out->extra for the caller to judge; else they are refused. 0, -EINVAL and the outcome.
 */
int options_parse(int argc, char **argv, const struct option *options, bool extras,
		  struct words *out, struct outcome *outcome);

/* Whether as many words came as `names` (blank separated) has; else -EINVAL and the outcome. */
int options_words(const struct words *words, int wanted, const char *names,
		  struct outcome *outcome);

#endif
