#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include "recorder/existing.h"

static int take_target(void *context, uint32_t pid)
{
	struct existing *existing = context;
	uint64_t id;
	struct process *process = tasks_get(existing->tasks, pid);
	if (!process)
		return -ENOMEM;
	if (existing->shared)
		shared_target(existing->shared, pid, true);
	process_begin(process);
	int error = spaces_scan(existing->spaces, pid);
	return error == -ENOMEM ? error : process_define(existing->tasks, process, &id);
}

/* All are targets anyway, and come into the trace when a row speaks of them. */
static int take_host(struct existing *existing)
{
	const struct dirent *entry;
	DIR *processes = opendir("/proc");
	int error = processes ? 0 : -errno;
	while (!error && (entry = readdir(processes))) {
		uint32_t pid = (uint32_t)strtoul(entry->d_name, NULL, 10);
		if (pid && (!tasks_get(existing->tasks, pid) ||
			    spaces_scan(existing->spaces, pid) == -ENOMEM))
			error = -ENOMEM;
	}
	if (processes)
		closedir(processes);
	return error;
}

int existing_take(struct existing *existing)
{
	const struct target *target = existing->target;
	int error = 0;
	if (target_is_host(target))
		return take_host(existing);
	if (target->cgroup)
		return target_each_member(target, take_target, existing);
	for (size_t i = 0; i < target->count && !error; i++)
		error = take_target(existing, target->pids[i]);
	return error;
}
