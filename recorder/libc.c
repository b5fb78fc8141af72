#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "recorder/elf.h"
#include "recorder/libc.h"
#include "recorder/prologue.h"

static const char *const host_libraries[] = {
	"/lib/x86_64-linux-gnu/libc.so.6",
	"/lib64/libc.so.6",
	"/usr/lib64/libc.so.6",
	"/usr/lib/libc.so.6",
	"/lib/libc.so.6",
	"/lib/ld-musl-x86_64.so.1",
};

static bool is_libc(const char *path)
{
	const char *name = strrchr(path, '/');
	return name && (!strncmp(name, "/libc.so.", 9) || !strncmp(name, "/libc-2.", 8) ||
			!strncmp(name, "/ld-musl-", 9));
}

static int libc_of_process(uint32_t pid, char *path, size_t size)
{
	char name[64], *line = NULL;
	size_t line_size = 0;
	int error = -ENOENT;
	snprintf(name, sizeof(name), "/proc/%u/maps", pid);
	FILE *file = fopen(name, "re");
	if (!file)
		return -errno;
	while (error && getline(&line, &line_size, file) > 0) {
		char *mapped = strchr(line, '/');
		line[strcspn(line, "\n")] = '\0';
		if (!mapped || !is_libc(mapped))
			continue;
		snprintf(path, size, "/proc/%u/root%s", pid, mapped);
		error = 0;
	}
	free(line);
	fclose(file);
	return error;
}

static int libc_of_host(char *path, size_t size)
{
	for (size_t i = 0; i < sizeof(host_libraries) / sizeof(*host_libraries); i++)
		if (!access(host_libraries[i], R_OK)) {
			snprintf(path, size, "%s", host_libraries[i]);
			return 0;
		}
	return -ENOENT;
}

static int libc_place(struct elf_file *elf, const char *name, struct libc_function *out)
{
	uint8_t code[PROLOGUE_MAX];
	uint64_t size, shift;
	int error = elf_symbol_offset(elf, name, &out->offset, &size);
	if (error)
		return error;
	ssize_t n = elf_code(elf, out->offset, code, sizeof(code));
	if (n < 0)
		return (int)n;
	if (!n)
		return -ENODATA;
	out->slow = prologue_probe_offset(code, (size_t)n, &shift);
	out->offset += shift;
	out->code = code[shift];
	return 0;
}

uint64_t libc_address(uint32_t pid, const struct libc_function *function)
{
	char name[64], *line = NULL;
	size_t line_size = 0;
	uint64_t address = 0, start, end, offset;
	snprintf(name, sizeof(name), "/proc/%u/maps", pid);
	FILE *file = fopen(name, "re");
	while (file && !address && getline(&line, &line_size, file) > 0) {
		const char *mapped = strchr(line, '/');
		line[strcspn(line, "\n")] = '\0';
		if (mapped && is_libc(mapped) &&
		    sscanf(line, "%" SCNx64 "-%" SCNx64 " %*4s %" SCNx64, &start, &end, &offset) ==
			    3 &&
		    function->offset >= offset && function->offset - offset < end - start)
			address = start + (function->offset - offset);
	}
	free(line);
	if (file)
		fclose(file);
	return address;
}

int libc_find(uint32_t pid, const char *function, struct libc_function *out, char *why,
	      size_t why_size)
{
	struct elf_file *elf = NULL;
	int fd = -1;
	int error = pid ? libc_of_process(pid, out->path, sizeof(out->path))
			: libc_of_host(out->path, sizeof(out->path));
	if (error) {
		snprintf(why, why_size, "no C library found%s: %s", pid ? " in the process" : "",
			 strerror(-error));
		return error;
	}
	fd = open(out->path, O_RDONLY | O_CLOEXEC);
	error = fd < 0 ? -errno : elf_file_open(fd, &elf);
	if (!error)
		error = libc_place(elf, function, out);
	if (error)
		snprintf(why, why_size, "%s in %s: %s", function, out->path, strerror(-error));
	elf_file_close(elf);
	if (fd >= 0)
		close(fd);
	return error;
}
