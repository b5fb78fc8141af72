#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report/command.h"

static const char recorder[] = "memtape-record";

/* The recorder beside this program, as both are built and installed together. */
static int beside(char *out, size_t size)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (length < 0)
		return -errno;
	self[length] = '\0';
	slash = strrchr(self, '/');
	if (!slash ||
	    snprintf(out, size, "%.*s/%s", (int)(slash - self), self, recorder) >= (int)size)
		return -ENAMETOOLONG;
	return access(out, X_OK) ? -errno : 0;
}

static int record_run(int argc, char **argv, struct outcome *outcome)
{
	char path[PATH_MAX];
	char **words = calloc(argc + 2, sizeof(*words));

	if (!words)
		return outcome_failed(outcome, "out of memory");
	words[0] = "memtape record"; /* so it calls itself */
	memcpy(words + 1, argv, argc * sizeof(*words));
	if (!beside(path, sizeof(path)))
		execv(path, words);
	else
		execvp(recorder, words);
	free(words);
	return outcome_failed(outcome, "cannot run %s: %s", recorder, strerror(errno));
}

const struct command command_record = {
	.name = "record",
	.summary = "record what a host or a program does with its memory",
	.run = record_run,
};
