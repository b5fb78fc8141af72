/*
 * A report asked of a recording: binds what the report's statements want to know, runs them one
 * after the other and has their rows rendered.
 */
#ifndef REPORT_QUESTION_H
#define REPORT_QUESTION_H

#include <stdio.h>
#include "analyzer/analysis.h"
#include "report/builtin.h"
#include "report/options.h"
#include "report/outcome.h"
#include "report/selection.h"

struct question {
	const struct report *report;
	const char *from, *to; /* times as people write them, or NULL */
	struct selection processes;
	const struct extra *extra; /* values for the report's own parameters */
	int n_extra;
	const char *format;
};

/* Whether the report has the options that are used and the format exists; else -EINVAL and the
 * outcome. */
int question_check(const struct question *question, struct outcome *outcome);

/* Writes the answer to `out`, as far as it goes. 0; -errno and the outcome. */
int question_ask(const struct question *question, struct analysis *analysis, FILE *out,
		 struct outcome *outcome);

#endif
