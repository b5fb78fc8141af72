#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "recorder/define.h"
#include "recorder/kallsyms.h"
#include "recorder/kernel_code.h"

enum { NOTES_BYTES = 4096, NOTE_GNU_BUILD_ID = 3, LAST_FUNCTION_MAX = 4096 };
static const int64_t again_ns = 1000000000;

struct kernel_code {
	char *root;
	int symbols_fd, modules_fd; /* -1: not there */
	struct kallsyms *symbols;   /* NULL: not read yet */
	struct kernel_part **parts;
	size_t count;
	int64_t again_at_ns;
};

static int open_below(const char *root, const char *path)
{
	char whole[512];
	snprintf(whole, sizeof(whole), "%s%s", root, path);
	return open(whole, O_RDONLY | O_CLOEXEC);
}

int kernel_code_open(const char *root, struct kernel_code **out)
{
	struct kernel_code *code = *out = calloc(1, sizeof(*code));
	if (!code)
		return -ENOMEM;
	code->symbols_fd = open_below(root, "/proc/kallsyms");
	code->modules_fd = open_below(root, "/proc/modules");
	code->root = strdup(root);
	return code->root ? 0 : -ENOMEM;
}

/* ---- build ids */

/* Notes of ELF: lengths of name and content, a type; name and content are padded to 4 bytes. */
static bool note_find(const char *notes, size_t length, char *hex)
{
	for (size_t at = 0; at + 12 <= length;) {
		uint32_t head[3];
		memcpy(head, notes + at, sizeof(head));
		size_t name = at + 12, content = name + ((head[0] + 3UL) & ~3UL);
		if (head[0] > length || head[1] > length || content + head[1] > length)
			return false;
		at = content + ((head[1] + 3UL) & ~3UL);
		if (head[2] != NOTE_GNU_BUILD_ID || head[0] != 4 ||
		    memcmp(notes + name, "GNU", 4) || head[1] > KERNEL_BUILD_ID_MAX)
			continue;
		for (size_t i = 0; i < head[1]; i++)
			sprintf(hex + 2 * i, "%02x", (unsigned char)notes[content + i]);
		return head[1] > 0;
	}
	return false;
}

static bool build_id_read(const char *root, const char *path, char *hex)
{
	char notes[NOTES_BYTES];
	int fd = open_below(root, path);
	ssize_t length = fd < 0 ? -1 : read(fd, notes, sizeof(notes));
	if (fd >= 0)
		close(fd);
	return length > 0 && note_find(notes, (size_t)length, hex);
}

/* ---- parts */

static struct kernel_part *part_known(const struct kernel_code *code,
				      const struct kernel_part *part)
{
	for (size_t i = 0; i < code->count; i++)
		if (!strcmp(code->parts[i]->build_id, part->build_id) &&
		    !strcmp(code->parts[i]->name, part->name))
			return code->parts[i];
	return NULL;
}

/* A module that was loaded again is the same part, elsewhere. */
static int parts_add(struct kernel_code *code, const struct kernel_part *news)
{
	struct kernel_part *part = part_known(code, news);
	if (part) {
		part->start = news->start;
		part->end = news->end;
		return 0;
	}
	struct kernel_part **parts = realloc(code->parts, (code->count + 1) * sizeof(*parts));
	if (!parts)
		return -ENOMEM;
	code->parts = parts;
	part = parts[code->count] = malloc(sizeof(*part));
	if (!part)
		return -ENOMEM;
	*part = *news;
	code->count++;
	return 0;
}

static int parts_add_kernel(struct kernel_code *code)
{
	struct kernel_part part = { .name = "vmlinux" };
	part.start = kallsyms_text(code->symbols);
	part.end = kallsyms_last(code->symbols) + LAST_FUNCTION_MAX;
	if (!part.start || !build_id_read(code->root, "/sys/kernel/notes", part.build_id))
		return 0;
	return parts_add(code, &part);
}

/* "name size uses users state address": without privileges the address is 0. */
static int parts_add_module(struct kernel_code *code, const char *line)
{
	char name[56], path[128];
	unsigned long long size, address;
	struct kernel_part part = { 0 };
	if (sscanf(line, "%55s %llu %*s %*s %*s %llx", name, &size, &address) != 3 || !address)
		return 0;
	snprintf(path, sizeof(path), "/sys/module/%s/notes/.note.gnu.build-id", name);
	snprintf(part.name, sizeof(part.name), "%s.ko", name);
	part.start = address;
	part.end = address + size;
	return build_id_read(code->root, path, part.build_id) ? parts_add(code, &part) : 0;
}

static int parts_add_modules(struct kernel_code *code)
{
	char line[4096];
	int error = 0, fd = code->modules_fd < 0 ? -1 : dup(code->modules_fd);
	FILE *modules = fd < 0 ? NULL : fdopen(fd, "r");
	if (!modules) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	rewind(modules);
	while (!error && fgets(line, sizeof(line), modules))
		error = parts_add_module(code, line);
	fclose(modules);
	return error;
}

static int kernel_code_read(struct kernel_code *code)
{
	int64_t now = now_ns();
	if (now < code->again_at_ns || code->symbols_fd < 0)
		return 0;
	code->again_at_ns = now + again_ns;
	struct kallsyms *symbols;
	int error = kallsyms_read(code->symbols_fd, &symbols);
	if (error)
		return error == -ENOMEM ? error : 0;
	kallsyms_free(code->symbols);
	code->symbols = symbols;
	for (size_t i = 0; i < code->count; i++)
		code->parts[i]->start = code->parts[i]->end = 0;
	error = parts_add_kernel(code);
	return error ? error : parts_add_modules(code);
}

static struct kernel_part *parts_find(const struct kernel_code *code, uint64_t address)
{
	for (size_t i = 0; i < code->count; i++)
		if (address >= code->parts[i]->start && address < code->parts[i]->end)
			return code->parts[i];
	return NULL;
}

int kernel_code_find(struct kernel_code *code, uint64_t address, struct kernel_part **out)
{
	*out = parts_find(code, address);
	if (*out)
		return 0;
	int error = kernel_code_read(code);
	*out = parts_find(code, address);
	return error;
}

int kernel_code_name(const struct kernel_code *code, uint64_t address, const char **name,
		     uint64_t *function_offset)
{
	uint64_t start;
	if (!code->symbols || kallsyms_find(code->symbols, address, name, &start))
		return -ENOENT;
	*function_offset = address - start;
	return 0;
}

static bool is_machinery(const char *name)
{
	static const char *const beginnings[] = {
		"bpf_prog_",        "bpf_trace_run",     "__bpf_trace_",  "__traceiter_",
		"bpf_trampoline_",  "perf_trace_",       "perf_tp_event", "trace_call_bpf",
		"__bpf_prog_enter", "__bpf_prog_exit",   "bpf_get_stack", "__do_trace_",
		"trace_event_raw_", "__perf_event_task",
	};
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
		if (!strncmp(name, beginnings[i], strlen(beginnings[i])))
			return true;
	return false;
}

/* A program's code is in no part, and has a name only if it is told (net.core.bpf_jit_kallsyms). */
int kernel_code_skip(struct kernel_code *code, const uint64_t *ip, int frames)
{
	int skip = 0, error = code->symbols ? 0 : kernel_code_read(code);
	if (error)
		return error;
	for (int i = 0; i < frames; i++) {
		const char *name;
		uint64_t offset;
		bool named = !kernel_code_name(code, ip[i], &name, &offset);
		if (named && is_machinery(name))
			skip = i + 1;
		else if (parts_find(code, ip[i]))
			break;
	}
	return skip < frames ? skip : 0;
}

void kernel_code_close(struct kernel_code *code)
{
	if (!code)
		return;
	for (size_t i = 0; i < code->count; i++)
		free(code->parts[i]);
	free(code->parts);
	kallsyms_free(code->symbols);
	if (code->symbols_fd >= 0)
		close(code->symbols_fd);
	if (code->modules_fd >= 0)
		close(code->modules_fd);
	free(code->root);
	free(code);
}
