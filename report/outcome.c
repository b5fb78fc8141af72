#include "report/outcome.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void outcome_about(struct outcome *outcome, const char *file)
{
	snprintf(outcome->file, sizeof(outcome->file), "%s", file);
}

static void outcome_set(struct outcome *outcome, int status, const char *format, va_list args)
{
	outcome->status = status;
	vsnprintf(outcome->text, sizeof(outcome->text), format, args);
}

int outcome_usage(struct outcome *outcome, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	outcome_set(outcome, STATUS_USAGE, format, args);
	va_end(args);
	return -EINVAL;
}

int outcome_failed(struct outcome *outcome, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	outcome_set(outcome, STATUS_FAILED, format, args);
	va_end(args);
	return -EIO;
}

void outcome_remark(struct outcome *outcome, int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	outcome_set(outcome, status, format, args);
	va_end(args);
}
