#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "recorder/hash.h"
#include "recorder/snapshots.h"
#include "recorder/watched.h"

static const int64_t second_ns = 1000000000LL;
static const int64_t end_most_ns = 5 * second_ns;

struct processes {
	struct watcher watcher;
	DIR *folder;
	struct hash by_pid;
	struct watched **all;
	size_t count;
	uint32_t round; /* counted from 1 */
	uint32_t epoch; /* in which the last round began, plus one */
	bool running;   /* a round over all */
	bool last;
	int64_t round_at, targets_at;
};

int processes_move(struct processes *processes, const char *root)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/proc", root);
	if (processes->folder)
		closedir(processes->folder);
	processes->folder = opendir(path);
	processes->watcher.options.root = root;
	return processes->folder ? 0 : -errno;
}

int processes_open(const struct processes_options *options, struct processes **out)
{
	struct processes *processes = *out = calloc(1, sizeof(*processes));
	struct rlimit limit = { .rlim_cur = 1024 };
	if (!processes)
		return -ENOMEM;
	processes->watcher.options = *options;
	getrlimit(RLIMIT_NOFILE, &limit);
	processes->watcher.held_most = *options->root ? 0 : limit.rlim_cur / 2;
	return processes_move(processes, options->root);
}

static struct watched *watched_of(struct processes *processes, uint32_t pid)
{
	struct watched *watched = (struct watched *)hash_get(&processes->by_pid, pid, 0);
	if (watched)
		return watched;
	struct watched **all = realloc(processes->all, (processes->count + 1) * sizeof(*all));
	if (!all)
		return NULL;
	processes->all = all;
	watched = calloc(1, sizeof(*watched));
	if (!watched || hash_set(&processes->by_pid, pid, 0, (uintptr_t)watched)) {
		free(watched);
		return NULL;
	}
	watched->pid = pid;
	memset(watched->fds, -1, sizeof(watched->fds));
	processes->all[processes->count++] = watched;
	return watched;
}

static int watched_drop(struct processes *processes, size_t i)
{
	struct watched *watched = processes->all[i];
	int error = watched_gone(&processes->watcher, watched);
	hash_remove(&processes->by_pid, watched->pid, 0);
	watched_release(&processes->watcher, watched);
	free(watched);
	processes->all[i] = processes->all[--processes->count];
	return error;
}

/* Whether its mappings are to be read now. */
static bool smaps_due(const struct processes *processes, const struct watched *watched)
{
	const struct processes_options *options = &processes->watcher.options;
	bool wanted = options->targets ? watched->process->target : options->smaps_ns > 0;
	if (!wanted)
		return false;
	return processes->last || !watched->written[FILE_SMAPS].epoch ||
	       (options->smaps_ns && processes->watcher.ts_ns >= watched->smaps_at);
}

/* What hardly changes comes once in an epoch, and at the end. */
static bool file_due(const struct processes *processes, const struct watched *watched, int file,
		     bool changed)
{
	const struct watcher *watcher = &processes->watcher;
	if (file == FILE_SMAPS)
		return smaps_due(processes, watched);
	if (file == FILE_CMDLINE && !watcher->options.cmdline)
		return false;
	if (!watched_has(watcher, watched, file) || processes->last)
		return true;
	/* Nearly all that status says follows from what stat says. */
	return file == FILE_STATUS && (changed || processes->round % 8 == 0);
}

/* 0; -errno. A process that is gone is left to the end of the round. */
static int process_read(struct processes *processes, struct watched *watched)
{
	int changed = watched_read(&processes->watcher, watched, FILE_STAT);
	if (changed == -ESRCH && watched->fds[FILE_STAT] >= 0) {
		/* The pid may have been given again. */
		watched_release(&processes->watcher, watched);
		memset(watched->fds, -1, sizeof(watched->fds));
		changed = watched_read(&processes->watcher, watched, FILE_STAT);
	}
	if (changed < 0)
		return changed == -ESRCH ? 0 : changed;
	watched->round = processes->round;
	for (int file = FILE_STATUS; file < PROCESS_FILES; file++) {
		if (!watched->process || !file_due(processes, watched, file, changed))
			continue;
		if (file == FILE_SMAPS)
			watched->smaps_at = processes->watcher.ts_ns +
					    processes->watcher.options.smaps_ns;
		/* One that is not there need not mean that the process is gone. */
		int error = watched_read(&processes->watcher, watched, file);
		if (error < 0 && error != -ESRCH)
			return error;
	}
	return 0;
}

/* ---- Rounds */

static void round_begin(struct processes *processes, int64_t now)
{
	processes->running = true;
	processes->round++;
	processes->round_at = now + processes->watcher.options.interval_ns;
	processes->epoch = writer_epoch_number(processes->watcher.options.writer) + 1;
	processes->watcher.ts_ns = now;
	processes->watcher.files = 0;
	rewinddir(processes->folder);
}

static int round_end(struct processes *processes)
{
	int error = 0;
	processes->running = false;
	for (size_t i = 0; i < processes->count && !error;)
		if (processes->all[i]->round == processes->round)
			i++;
		else
			error = watched_drop(processes, i);
	return error ? error
		     : snapshots_tick(processes->watcher.options.writer, processes->watcher.ts_ns,
				      ROUND_PROCESSES, processes->watcher.files);
}

static int round_go_on(struct processes *processes, int64_t until_ns)
{
	const struct dirent *entry;
	while ((entry = readdir(processes->folder))) {
		uint32_t pid = (uint32_t)strtoul(entry->d_name, NULL, 10);
		struct watched *watched = pid ? watched_of(processes, pid) : NULL;
		if (pid && !watched)
			return -ENOMEM;
		int error = pid ? process_read(processes, watched) : 0;
		if (error)
			return error;
		if (pid && now_ns() >= until_ns)
			return 1;
	}
	return round_end(processes);
}

/* The processes that were named, and their children, between two rounds over all. */
static int targets_read(struct processes *processes, int64_t now)
{
	struct tasks *tasks = processes->watcher.options.tasks;
	struct process *target;
	processes->targets_at = now + second_ns;
	processes->watcher.ts_ns = now;
	for (size_t at = 0; (target = tasks_next_target(tasks, &at));) {
		struct watched *watched = watched_of(processes, target->tgid);
		int error = watched ? process_read(processes, watched) : -ENOMEM;
		if (error)
			return error;
	}
	return 0;
}

static bool round_due(const struct processes *processes, int64_t now)
{
	return now >= processes->round_at ||
	       processes->epoch != writer_epoch_number(processes->watcher.options.writer) + 1;
}

int processes_step(struct processes *processes, int64_t now, int64_t until_ns)
{
	int error = 0;
	if (!processes->running && round_due(processes, now))
		round_begin(processes, now);
	if (processes->running)
		return round_go_on(processes, until_ns);
	if (processes->watcher.options.targets && now >= processes->targets_at)
		error = targets_read(processes, now);
	return error;
}

int processes_end(struct processes *processes, int64_t now)
{
	int64_t until_ns = now_ns() + end_most_ns; /* `now` may be the time of a recorded tree */
	int error;
	processes->last = true;
	round_begin(processes, now);
	do
		error = processes_step(processes, now, until_ns);
	while (error > 0 && now_ns() < until_ns);
	return error < 0 ? error : 0;
}

void processes_close(struct processes *processes)
{
	if (!processes)
		return;
	for (size_t i = 0; i < processes->count; i++) {
		watched_release(&processes->watcher, processes->all[i]);
		free(processes->all[i]);
	}
	free(processes->all);
	hash_release(&processes->by_pid);
	free(processes->watcher.buffer.data);
	if (processes->folder)
		closedir(processes->folder);
	free(processes);
}
