/*
 * entry_probes COMMAND ARG...: runs a command while malloc, its return and free are probed at the
 * functions' entries, counting only, through perf alone: the least that such probes cost.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "recorder/elf.h"
#include "recorder/prologue.h"

static const char *const libraries[] = { "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6" };

static unsigned uprobe_type(void)
{
	unsigned type = 0;
	FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	if (!file || fscanf(file, "%u", &type) != 1)
		exit(1);
	fclose(file);
	return type;
}

static void probe(const char *path, struct elf_file *elf, const char *function, int at_return,
		  int placed)
{
	uint8_t code[PROLOGUE_MAX];
	uint64_t offset, size, shift = 0;
	if (elf_symbol_offset(elf, function, &offset, &size))
		exit(1);
	ssize_t n = elf_code(elf, offset, code, sizeof(code));
	if (placed && n > 0)
		prologue_probe_offset(code, (size_t)n, &shift);
	struct perf_event_attr attr = {
		.type = uprobe_type(),
		.size = sizeof(attr),
		.config = (unsigned)at_return,
		.uprobe_path = (uintptr_t)path,
		.probe_offset = offset + shift,
	};
	if (syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0) < 0) {
		fprintf(stderr, "%s: %s\n", function, strerror(errno));
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct elf_file *elf;
	const char *path = libraries[access(libraries[0], R_OK) != 0];
	int fd = open(path, O_RDONLY | O_CLOEXEC), status;
	if (argc < 3 || fd < 0 || elf_file_open(fd, &elf))
		return 2;
	int placed = !strcmp(argv[1], "placed");
	probe(path, elf, "malloc", 0, placed);
	probe(path, elf, "malloc", 1, placed);
	probe(path, elf, "free", 0, placed);
	pid_t pid = fork();
	if (!pid) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	elf_file_close(elf);
	return !WIFEXITED(status) || WEXITSTATUS(status);
}
