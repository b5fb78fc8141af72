#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "recorder/unwind.h"

static int expect_libraries(struct unwind *unwind)
{
	char *line = NULL;
	size_t size = 0;
	int error = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	while (maps && !error && getline(&line, &size, maps) > 0) {
		char *path = strchr(line, '/');
		line[strcspn(line, "\n")] = '\0';
		if (path && strstr(line, " r-xp "))
			error = unwind_expect(unwind, path);
	}
	free(line);
	if (maps)
		fclose(maps);
	return error;
}

static int expect_in_path(struct unwind *unwind, const char *command)
{
	const char *folders = getenv("PATH");
	char path[4096];
	for (const char *end; folders && *folders; folders = *end ? end + 1 : end) {
		end = folders + strcspn(folders, ":");
		snprintf(path, sizeof(path), "%.*s/%s", (int)(end - folders), folders, command);
		if (!access(path, X_OK))
			return unwind_expect(unwind, path);
	}
	return 0;
}

int unwind_expect_command(struct unwind *unwind, const char *command)
{
	int error = strchr(command, '/') ? unwind_expect(unwind, command)
					 : expect_in_path(unwind, command);
	return error ? error : expect_libraries(unwind);
}
