#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "recorder/elf.h"
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

/* By the name that its mappings will have. */
static int expect_file(struct unwind *unwind, const char *path)
{
	char real[PATH_MAX];
	return realpath(path, real) ? unwind_expect(unwind, real) : 0;
}

/* Of musl it is the whole C library. */
static int expect_interpreter(struct unwind *unwind, const char *program)
{
	struct elf_file *file = NULL;
	const void *path;
	size_t size;
	int fd = open(program, O_RDONLY | O_CLOEXEC), error = 0;
	if (fd >= 0 && !elf_file_open(fd, &file) &&
	    !elf_section(file, ".interp", PATH_MAX, &path, &size) && size &&
	    !((const char *)path)[size - 1])
		error = expect_file(unwind, path);
	elf_file_close(file);
	if (fd >= 0)
		close(fd);
	return error;
}

static int expect_program(struct unwind *unwind, const char *path)
{
	int error = expect_file(unwind, path);
	return error ? error : expect_interpreter(unwind, path);
}

static int expect_in_path(struct unwind *unwind, const char *command)
{
	const char *folders = getenv("PATH");
	char path[4096];
	for (const char *end; folders && *folders; folders = *end ? end + 1 : end) {
		end = folders + strcspn(folders, ":");
		snprintf(path, sizeof(path), "%.*s/%s", (int)(end - folders), folders, command);
		if (!access(path, X_OK))
			return expect_program(unwind, path);
	}
	return 0;
}

int unwind_expect_command(struct unwind *unwind, const char *command)
{
	int error = strchr(command, '/') ? expect_program(unwind, command)
					 : expect_in_path(unwind, command);
	return error ? error : expect_libraries(unwind);
}
