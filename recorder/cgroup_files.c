#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "format/hash.h"
#include "recorder/cgroup_files.h"
#include "recorder/hash.h"
#include "recorder/snapshots.h"
#include "recorder/text_file.h"

/* Of version 1 and of version 2; those that are not there are left out. */
static const char *const names[] = {
	"memory.usage_in_bytes",
	"memory.max_usage_in_bytes",
	"memory.limit_in_bytes",
	"memory.soft_limit_in_bytes",
	"memory.failcnt",
	"memory.memsw.usage_in_bytes",
	"memory.memsw.limit_in_bytes",
	"memory.kmem.usage_in_bytes",
	"memory.oom_control",
	"memory.current",
	"memory.peak",
	"memory.min",
	"memory.low",
	"memory.high",
	"memory.max",
	"memory.events",
	"memory.swap.current",
	"memory.swap.max",
	"memory.swap.events",
	"memory.zswap.current",
	"memory.oom.group",
	"memory.pressure",
	"memory.swappiness",
	"memory.stat",
	"memory.numa_stat",
};

enum { NAMES = sizeof(names) / sizeof(*names) };

struct folder {
	char *path; /* from the hierarchy's root */
	uint32_t round;
	struct {
		uint32_t epoch; /* of `print`, plus one; 0: never written */
		uint64_t print;
	} written[NAMES];
};

struct cgroup_files {
	struct writer *writer;
	char *root;
	int64_t interval_ns, round_at, ts_ns;
	uint32_t round, epoch;
	uint64_t files;
	FTS *walk; /* NULL: no round is under way */
	struct folder **all;
	size_t count;
	struct hash by_path;
	struct text_buffer buffer;
};

int cgroup_files_open(struct writer *writer, const char *folder, int64_t interval_ns,
		      struct cgroup_files **out)
{
	struct cgroup_files *files = *out = calloc(1, sizeof(*files));
	if (!files)
		return -ENOMEM;
	files->writer = writer;
	files->interval_ns = interval_ns;
	files->root = folder ? strdup(folder) : NULL;
	return folder && !files->root ? -ENOMEM : 0;
}

static struct folder *folder_of(struct cgroup_files *files, const char *path)
{
	uint64_t key = hash_text(path, strlen(path));
	struct folder *folder = (struct folder *)hash_get(&files->by_path, key, 0);
	if (folder)
		return folder;
	struct folder **all = realloc(files->all, (files->count + 1) * sizeof(*all));
	if (!all)
		return NULL;
	files->all = all;
	folder = calloc(1, sizeof(*folder));
	if (!folder)
		return NULL;
	folder->path = strdup(path);
	if (!folder->path || hash_set(&files->by_path, key, 0, (uintptr_t)folder)) {
		free(folder->path);
		free(folder);
		return NULL;
	}
	return files->all[files->count++] = folder;
}

static int text_write(struct cgroup_files *files, const struct folder *folder, int name,
		      const char *text, size_t length)
{
	struct row row;
	row_begin(&row, "snapshot_cgroup");
	row_number(&row, "ts_ns", (uint64_t)files->ts_ns);
	row_text(&row, "cgroup_path", folder->path);
	row_text(&row, "file_path", names[name]);
	row_bytes(&row, "content_text", text, length);
	return row_write(&row, files->writer);
}

static int file_take(struct cgroup_files *files, struct folder *folder, int name, ssize_t length)
{
	uint32_t epoch = writer_epoch_number(files->writer) + 1;
	uint64_t print = text_print(files->buffer.data, (size_t)length);
	files->files++;
	if (folder->written[name].epoch == epoch && folder->written[name].print == print)
		return 0;
	folder->written[name].epoch = epoch;
	folder->written[name].print = print;
	return text_write(files, folder, name, files->buffer.data, (size_t)length);
}

static int folder_read(struct cgroup_files *files, const char *path)
{
	const char *below = path + strlen(files->root);
	struct folder *folder = folder_of(files, *below ? below : "/");
	int parent = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), error = 0;
	if (!folder)
		error = -ENOMEM;
	for (int i = 0; i < NAMES && !error && parent >= 0; i++) {
		int fd = openat(parent, names[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		ssize_t length = text_file_read(fd, &files->buffer);
		close(fd);
		if (length >= 0)
			error = file_take(files, folder, i, length);
		else if (length == -ENOMEM)
			error = -ENOMEM;
	}
	if (parent >= 0)
		close(parent);
	if (folder)
		folder->round = files->round;
	return error;
}

/* ---- Rounds */

static int folder_drop(struct cgroup_files *files, size_t at)
{
	struct folder *folder = files->all[at];
	int error = 0;
	for (int i = 0; i < NAMES && !error; i++)
		if (folder->written[i].epoch)
			error = text_write(files, folder, i, NULL, 0);
	hash_remove(&files->by_path, hash_text(folder->path, strlen(folder->path)), 0);
	free(folder->path);
	free(folder);
	files->all[at] = files->all[--files->count];
	return error;
}

static int round_end(struct cgroup_files *files)
{
	int error = 0;
	fts_close(files->walk);
	files->walk = NULL;
	for (size_t i = 0; i < files->count && !error;)
		if (files->all[i]->round == files->round)
			i++;
		else
			error = folder_drop(files, i);
	return error ? error
		     : snapshots_tick(files->writer, files->ts_ns, ROUND_CGROUPS, files->files);
}

static int round_begin(struct cgroup_files *files, int64_t now)
{
	char *const roots[] = { files->root, NULL };
	files->walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	files->round++;
	files->round_at = now + files->interval_ns;
	files->epoch = writer_epoch_number(files->writer) + 1;
	files->ts_ns = now;
	files->files = 0;
	return files->walk ? 0 : -errno;
}

static bool round_due(const struct cgroup_files *files, int64_t now)
{
	return now >= files->round_at || files->epoch != writer_epoch_number(files->writer) + 1;
}

int cgroup_files_step(struct cgroup_files *files, int64_t now, int64_t until_ns)
{
	const FTSENT *entry;
	int error = 0;
	if (!files->root || (!files->walk && !round_due(files, now)))
		return 0;
	if (!files->walk)
		error = round_begin(files, now);
	/* fts_read() sets errno to 0 where there is no more. */
	while (!error && (entry = fts_read(files->walk))) {
		if (entry->fts_info != FTS_D)
			continue;
		error = folder_read(files, entry->fts_path);
		if (!error && now_ns() >= until_ns)
			return 1;
	}
	if (!error)
		error = -errno;
	return error ? error : round_end(files);
}

int cgroup_files_end(struct cgroup_files *files, int64_t now)
{
	if (files->walk)
		fts_close(files->walk);
	files->walk = NULL;
	files->round_at = 0;
	int status = cgroup_files_step(files, now, INT64_MAX);
	return status < 0 ? status : 0;
}

void cgroup_files_close(struct cgroup_files *files)
{
	if (!files)
		return;
	if (files->walk)
		fts_close(files->walk);
	for (size_t i = 0; i < files->count; i++) {
		free(files->all[i]->path);
		free(files->all[i]);
	}
	free(files->all);
	hash_release(&files->by_path);
	free(files->buffer.data);
	free(files->root);
	free(files);
}
