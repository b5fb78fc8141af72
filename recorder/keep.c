#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "recorder/attach.h"
#include "recorder/keep.h"
#include "recorder/libc.h"

/* Keepers that were replaced: closed together, when the new ones are there. */
struct replaced {
	int *fds;
	size_t count;
};

/* A thread that ends has no mappings any more. */
static bool thread_lives(uint32_t tid)
{
	char name[64];
	snprintf(name, sizeof(name), "/proc/%u/maps", tid);
	FILE *file = fopen(name, "re");
	bool lives = file && fgetc(file) != EOF;
	if (file)
		fclose(file);
	return lives;
}

/* The oldest one, which will likely stay; 0: there is none. */
static uint32_t thread_choose(uint32_t pid, uint32_t ended)
{
	char name[64];
	const struct dirent *entry;
	uint32_t found = 0;
	snprintf(name, sizeof(name), "/proc/%u/task", pid);
	DIR *threads = opendir(name);
	while (threads && !found && (entry = readdir(threads))) {
		uint32_t tid = (uint32_t)strtoul(entry->d_name, NULL, 10);
		if (tid && tid != pid && tid != ended && thread_lives(tid))
			found = tid;
	}
	if (threads)
		closedir(threads);
	return found;
}

static int keeper_type(void)
{
	int type = -1;
	FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	if (file && fscanf(file, "%d", &type) != 1)
		type = -1;
	if (file)
		fclose(file);
	return type;
}

/* It is never enabled: it only wants the breakpoint. */
static int keeper_open(const struct libc_function *function, uint32_t tid)
{
	int type = keeper_type();
	struct perf_event_attr attr = {
		.type = (uint32_t)type,
		.size = sizeof(attr),
		.disabled = 1,
		.uprobe_path = (uintptr_t)function->path,
		.probe_offset = function->offset,
	};
	if (type < 0)
		return -ENOENT;
	int fd = (int)syscall(SYS_perf_event_open, &attr, (pid_t)tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Whether the process runs the file's own instruction. What cannot be read is not said to be gone.
 */
static bool breakpoint_gone(const struct session_link *link, uint32_t tid)
{
	char name[64];
	uint8_t code = 0;
	snprintf(name, sizeof(name), "/proc/%u/mem", tid);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	bool gone = fd >= 0 && pread(fd, &code, 1, (off_t)link->address) == 1 && code == link->code;
	if (fd >= 0)
		close(fd);
	return gone;
}

static int link_find(struct session_link *link, uint32_t tid, struct libc_function *function)
{
	struct program_name name;
	char why[256];
	if (!program_name_parse(bpf_program__name(link->program), &name))
		return -EINVAL;
	int error = libc_find(tid, name.event, function, why, sizeof(why));
	if (error)
		return error;
	link->address = libc_address(tid, function);
	link->code = function->code;
	return link->address ? 0 : -ENOENT;
}

/* Without a thread the process has ended, and needs nothing. A keeper that cannot be opened is
 * tried again in a second; a breakpoint that goes meanwhile is counted. */
static void link_keep(struct object *object, struct session_link *link, uint32_t ended,
		      struct replaced *replaced)
{
	struct libc_function function;
	uint32_t tid = link->keeper_tid;
	if (!tid || tid == ended || !thread_lives(tid))
		tid = thread_choose(link->pid, ended);
	bool known = link->kept && link->address;
	link->kept = tid != 0;
	if (!tid)
		return;
	if (known && link->keeper >= 0 && link->keeper_tid == tid && !breakpoint_gone(link, tid))
		return;
	if (link_find(link, tid, &function))
		return;
	object->breakpoints_lost += breakpoint_gone(link, tid);
	int keeper = keeper_open(&function, tid);
	if (keeper < 0)
		return;
	if (link->keeper >= 0)
		replaced->fds[replaced->count++] = link->keeper;
	link->keeper = keeper;
	link->keeper_tid = tid;
}

int keep_thread_ended(struct object *object, uint32_t pid, uint32_t tid)
{
	struct replaced replaced = { calloc(object->session_count + 1, sizeof(int)), 0 };
	if (!replaced.fds)
		return -ENOMEM;
	for (size_t i = 0; i < object->session_count; i++) {
		struct session_link *link = &object->sessions[i];
		if (link->pid == pid && (tid == pid || (link->kept && tid == link->keeper_tid)))
			link_keep(object, link, tid, &replaced);
	}
	probes_close(replaced.fds, replaced.count);
	free(replaced.fds);
	return 0;
}

int keep_check(struct object *object)
{
	struct replaced replaced = { calloc(object->session_count + 1, sizeof(int)), 0 };
	if (!replaced.fds)
		return -ENOMEM;
	for (size_t i = 0; i < object->session_count; i++)
		if (object->sessions[i].kept)
			link_keep(object, &object->sessions[i], 0, &replaced);
	probes_close(replaced.fds, replaced.count);
	free(replaced.fds);
	return 0;
}
