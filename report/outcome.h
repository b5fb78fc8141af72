/*
 * How a command ended, for main() to say: the exit status and one line, or no line if there is
 * nothing to say.
 */
#ifndef REPORT_OUTCOME_H
#define REPORT_OUTCOME_H

#include <limits.h>

enum {
	STATUS_FINE = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_LOSSY = 3, /* damaged or lossy, and --strict was given */
};

struct outcome {
	int status;
	char file[PATH_MAX]; /* that it is about, or "" */
	char text[1024];
};

/* Sets the file that what follows is about. */
void outcome_about(struct outcome *, const char *file);

/* Each sets what ended the command. Wrong usage: -EINVAL; anything else: -EIO. */
int outcome_usage(struct outcome *, const char *format, ...) __attribute__((format(printf, 2, 3)));
int outcome_failed(struct outcome *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Something to say although the command did its work; `status` STATUS_FINE or STATUS_LOSSY. */
void outcome_remark(struct outcome *, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
