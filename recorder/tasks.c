#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "recorder/hash.h"
#include "recorder/session.h"
#include "recorder/tasks.h"
#include "recorder/users.h"

struct tasks {
	struct definer *definer;
	const struct table *host_table, *process_table;
	struct hash by_tgid;
	struct process **all;
	size_t count;
	struct process *last; /* the one asked for last */
	struct mark host_mark;
	struct cgroups *cgroups;
	struct host host;
	const char *root; /* "": the host's own /proc */
	uint64_t tick_ns;
	struct users *users;
};

int tasks_open(struct definer *definer, const char *root, const struct host *host,
	       struct tasks **out)
{
	struct tasks *tasks = *out = calloc(1, sizeof(*tasks));
	char users[4096];
	if (!tasks)
		return -ENOMEM;
	tasks->definer = definer;
	tasks->root = root;
	tasks->host = *host;
	tasks->tick_ns = 1000000000ULL / host->ticks_per_s;
	tasks->host_table = table_named("host");
	tasks->process_table = table_named("process");
	snprintf(users, sizeof(users), "%s/etc/passwd", root);
	int error = *root ? 0 : cgroups_open(definer, &tasks->cgroups);
	return error ? error : users_open(definer, users, &tasks->users);
}

void tasks_move(struct tasks *tasks, const char *root)
{
	tasks->root = root;
}

static struct process *tasks_make(struct tasks *tasks, uint32_t tgid)
{
	struct process **all = realloc(tasks->all, (tasks->count + 1) * sizeof(*all));
	if (!all)
		return NULL;
	tasks->all = all;
	struct process *process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->tgid = tgid;
	process->uid = -1;
	if (hash_set(&tasks->by_tgid, tgid, 0, (uintptr_t)process)) {
		free(process);
		return NULL;
	}
	tasks->all[tasks->count++] = process;
	tasks->last = NULL;
	return process;
}

/* Fields of /proc/PID/stat behind the comm, which may hold anything: 10 minflt, 12 majflt, 22
 * starttime. */
static void process_read_stat(const char *root, struct process *process, bool faults)
{
	char name[4096], text[1024];
	uint64_t minor = 0, major = 0, start = 0;
	snprintf(name, sizeof(name), "%s/proc/%u/stat", root, process->tgid);
	FILE *file = fopen(name, "re");
	if (!file)
		return;
	size_t size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (!open || !close || close < open ||
	    sscanf(close + 2,
		   "%*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %*s %" SCNu64
		   " %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64,
		   &minor, &major, &start) != 3)
		return;
	snprintf(process->comm, sizeof(process->comm), "%.*s", (int)(close - open - 1), open + 1);
	process->start_ticks = start;
	if (faults)
		process->faults_before = minor + major;
}

static void process_read_status(const char *root, struct process *process)
{
	char name[4096], line[256];
	unsigned uid;
	snprintf(name, sizeof(name), "%s/proc/%u/status", root, process->tgid);
	FILE *file = fopen(name, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Uid: %u", &uid) == 1)
			process->uid = uid;
	fclose(file);
}

static int process_read(struct tasks *tasks, struct process *process)
{
	process_read_stat(tasks->root, process, false);
	process_read_status(tasks->root, process);
	return tasks->cgroups ? cgroups_of_process(tasks->cgroups, process->tgid, &process->cgroup)
			      : 0;
}

struct process *tasks_known(const struct tasks *tasks, uint32_t tgid)
{
	return (struct process *)hash_get(&tasks->by_tgid, tgid, 0);
}

struct process *tasks_get(struct tasks *tasks, uint32_t tgid)
{
	if (tasks->last && tasks->last->tgid == tgid)
		return tasks->last;
	struct process *process = tasks_known(tasks, tgid);
	if (!process) {
		process = tasks_make(tasks, tgid);
		if (!process)
			return NULL;
		if (process_read(tasks, process))
			return NULL;
	}
	return tasks->last = process;
}

struct process *tasks_met(struct tasks *tasks, uint32_t tgid, uint64_t start_ticks)
{
	struct process *process = tasks_get(tasks, tgid);
	if (!process || !start_ticks || process->start_ticks == start_ticks)
		return process;
	process = tasks_make(tasks, tgid);
	if (!process)
		return NULL;
	return process_read(tasks, process) ? NULL : process;
}

struct process *tasks_next_target(const struct tasks *tasks, size_t *at)
{
	while (*at < tasks->count) {
		struct process *process = tasks->all[(*at)++];
		if (process->target && !process->ended &&
		    tasks_known(tasks, process->tgid) == process)
			return process;
	}
	return NULL;
}

struct process *tasks_learn(struct tasks *tasks, const struct task_news *news)
{
	struct process *before = tasks_known(tasks, news->tgid);
	struct process *parent = tasks_get(tasks, news->parent_tgid);
	struct process *process = tasks_make(tasks, news->tgid);
	if (!process || cgroups_by_id(tasks->cgroups, news->cgroup, &process->cgroup))
		return NULL;
	process->start_ticks = news->start_boottime_ns / tasks->tick_ns;
	process->uid = news->uid;
	snprintf(process->comm, sizeof(process->comm), "%.15s", news->comm);
	process->target = true;
	process->parent = parent;
	if (!news->exec || !before)
		return process;
	process->before = before;
	process->exec_count = before->exec_count + 1;
	process->incomplete = before->incomplete; /* as a rule exec is faster than the probes */
	process->parent = before->parent ? before->parent : parent;
	return process;
}

void process_begin(struct process *process)
{
	process->target = true;
	process_read_stat("", process, true);
}

int tasks_host(struct tasks *tasks, uint64_t *id)
{
	struct row row;
	bool known = define_known(tasks->definer, &tasks->host_mark);
	if (!known)
		define_new(tasks->definer, tasks->host_table, &tasks->host_mark);
	*id = tasks->host_mark.id;
	if (known)
		return 0;
	row_begin(&row, "host");
	row_number(&row, "id", *id);
	row_text(&row, "boot_id", tasks->host.boot_id);
	row_text(&row, "host", tasks->host.name);
	return row_write(&row, tasks->definer->writer);
}

int tasks_cgroup(struct tasks *tasks, uint64_t raw, uint64_t *id)
{
	struct cgroup *cgroup;
	uint64_t host;
	int error = cgroups_by_id(tasks->cgroups, raw, &cgroup);
	if (!error)
		error = tasks_host(tasks, &host);
	return error ? error : cgroup_define(tasks->cgroups, cgroup, host, id);
}

static int process_write(struct tasks *tasks, struct process *process, uint64_t host,
			 uint64_t parent, uint64_t cgroup)
{
	struct row row;
	row_begin(&row, "process");
	row_number(&row, "id", process->mark.id);
	row_number(&row, "host_id", host);
	row_number(&row, "pid", process->tgid);
	row_number(&row, "start_ticks", process->start_ticks);
	row_number(&row, "exec_count", process->exec_count);
	row_text(&row, "comm", process->comm[0] ? process->comm : NULL);
	row_number(&row, "parent_id", parent);
	if (process->uid >= 0)
		row_number(&row, "uid", (uint64_t)process->uid);
	row_number(&row, "target", process->target);
	row_number(&row, "incomplete", process->incomplete);
	row_number(&row, "faults_before", process->faults_before);
	row_number(&row, "cgroup_id", cgroup);
	return row_write(&row, tasks->definer->writer);
}

int process_define(struct tasks *tasks, struct process *process, uint64_t *id)
{
	uint64_t host, parent = 0, cgroup = 0;
	*id = process ? process->mark.id : 0;
	if (!process || define_known(tasks->definer, &process->mark))
		return 0;
	int error = tasks_host(tasks, &host);
	if (!error)
		error = process_define(tasks, process->parent, &parent);
	if (!error)
		error = cgroup_define(tasks->cgroups, process->cgroup, host, &cgroup);
	if (!error && process->uid >= 0)
		error = users_define(tasks->users, (uint32_t)process->uid);
	if (error)
		return error;
	define_new(tasks->definer, tasks->process_table, &process->mark);
	*id = process->mark.id;
	return process_write(tasks, process, host, parent, cgroup);
}

void tasks_close(struct tasks *tasks)
{
	if (!tasks)
		return;
	for (size_t i = 0; i < tasks->count; i++)
		free(tasks->all[i]);
	free(tasks->all);
	hash_release(&tasks->by_tgid);
	cgroups_close(tasks->cgroups);
	users_close(tasks->users);
	free(tasks);
}
