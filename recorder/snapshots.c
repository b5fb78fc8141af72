#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "recorder/snapshots.h"
#include "recorder/text_file.h"

/* Patterns of paths. What can be read only by writing to it, or costs more than reading, is not
 * among them (vm/stat_refresh, ksm's and damon's triggers). */
static const struct {
	enum round round;
	const char *pattern;
} system_files[] = {
	{ ROUND_SECOND, "/proc/meminfo" },
	{ ROUND_SECOND, "/proc/vmstat" },
	{ ROUND_SECOND, "/proc/stat" },
	{ ROUND_SECOND, "/proc/loadavg" },
	{ ROUND_SECOND, "/proc/uptime" },
	{ ROUND_SECOND, "/proc/pressure/*" },
	{ ROUND_INTERVAL, "/proc/swaps" },
	{ ROUND_INTERVAL, "/proc/diskstats" },
	{ ROUND_INTERVAL, "/proc/buddyinfo" },
	{ ROUND_INTERVAL, "/proc/pagetypeinfo" },
	{ ROUND_INTERVAL, "/proc/zoneinfo" },
	{ ROUND_INTERVAL, "/proc/slabinfo" },
	{ ROUND_INTERVAL, "/proc/sysvipc/shm" },
	{ ROUND_INTERVAL, "/sys/devices/system/node/node*/meminfo" },
	{ ROUND_INTERVAL, "/sys/devices/system/node/node*/numastat" },
	{ ROUND_INTERVAL, "/sys/devices/system/node/node*/vmstat" },
	{ ROUND_INTERVAL, "/sys/devices/system/node/node*/hugepages/*/*_hugepages" },
	{ ROUND_INTERVAL, "/sys/kernel/mm/hugepages/*/*_hugepages" },
	{ ROUND_INTERVAL, "/sys/kernel/mm/ksm/[!r]*" },
	{ ROUND_INTERVAL, "/sys/block/zram*/mm_stat" },
	{ ROUND_EPOCH, "/proc/version" },
	{ ROUND_EPOCH, "/proc/mounts" },
	{ ROUND_EPOCH, "/proc/tty/drivers" },
	{ ROUND_EPOCH, "/proc/sys/vm/[!s]*" },
	{ ROUND_EPOCH, "/proc/sys/vm/swappiness" },
	{ ROUND_EPOCH, "/sys/kernel/mm/transparent_hugepage/*" },
	{ ROUND_EPOCH, "/sys/kernel/mm/transparent_hugepage/*/*" },
	{ ROUND_EPOCH, "/sys/kernel/slab/" }, /* links: names of caches that share one */
	{ ROUND_EPOCH, "/sys/kernel/mm/swap/*" },
	{ ROUND_EPOCH, "/sys/kernel/mm/lru_gen/enabled" },
	{ ROUND_EPOCH, "/sys/module/zswap/parameters/*" },
	{ ROUND_EPOCH, "/sys/devices/system/node/node*/{cpulist,distance}" },
};

enum { PATTERNS = sizeof(system_files) / sizeof(*system_files), ROUNDS = ROUND_EPOCH + 1 };

struct file {
	int fd; /* -1: a folder of links */
	enum round round;
	char *path;
	bool readable;
	uint32_t epoch; /* of `print`, plus one; 0: never read */
	uint64_t print; /* of the text written last */
};

struct snapshots {
	struct writer *writer;
	struct snapshots_options options;
	struct file *files;
	size_t count;
	struct text_buffer buffer;
	uint32_t epoch; /* of the last round ROUND_EPOCH, plus one */
	int64_t interval_at;
	bool all_due, pressed;
};

static int files_add(struct snapshots *snapshots, enum round round, const char *path)
{
	struct file *files = realloc(snapshots->files, (snapshots->count + 1) * sizeof(*files));
	if (!files)
		return -ENOMEM;
	snapshots->files = files;
	struct file file = { .fd = -1, .round = round };
	size_t length = strlen(path);
	bool folder = path[length - 1] == '/';
	if (!folder)
		file.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (!folder && file.fd < 0) /* written only, or refused */
		return 0;
	file.path = strndup(path, length - folder);
	files[snapshots->count++] = file;
	return file.path ? 0 : -ENOMEM;
}

static int files_find(struct snapshots *snapshots, enum round round, const char *pattern)
{
	char text[4096];
	glob_t found;
	int error = 0;
	snprintf(text, sizeof(text), "%s%s", snapshots->options.root, pattern);
	int status = glob(text, GLOB_BRACE, NULL, &found);
	if (status)
		return status == GLOB_NOSPACE ? -ENOMEM : 0;
	for (size_t i = 0; i < found.gl_pathc && !error; i++)
		error = files_add(snapshots, round, found.gl_pathv[i]);
	globfree(&found);
	return error;
}

int snapshots_open(struct writer *writer, const struct snapshots_options *options,
		   struct snapshots **out)
{
	struct snapshots *snapshots = *out = calloc(1, sizeof(*snapshots));
	int error = 0;
	if (!snapshots)
		return -ENOMEM;
	snapshots->writer = writer;
	snapshots->options = *options;
	for (size_t i = 0; i < PATTERNS && !error; i++)
		error = files_find(snapshots, system_files[i].round, system_files[i].pattern);
	return error;
}

static int file_write(struct snapshots *snapshots, struct file *file, int64_t ts_ns, ssize_t length)
{
	uint32_t epoch = writer_epoch_number(snapshots->writer) + 1; /* 0: never */
	uint64_t print = length < 0 ? 0 : text_print(snapshots->buffer.data, (size_t)length);
	bool readable = length >= 0;
	struct row row;
	if (!readable && !file->readable)
		return 0;
	if (file->epoch == epoch && file->print == print && file->readable == readable)
		return 0;
	if (file->round == ROUND_SECOND && strstr(file->path, "/pressure/memory"))
		snapshots->pressed = true;
	file->epoch = epoch;
	file->print = print;
	file->readable = readable;
	row_begin(&row, "snapshot_system");
	row_number(&row, "ts_ns", (uint64_t)ts_ns);
	row_text(&row, "path", file->path + strlen(snapshots->options.root));
	row_bytes(&row, "content_text", readable ? snapshots->buffer.data : NULL, (size_t)length);
	row_number(&row, "round", file->round);
	return row_write(&row, snapshots->writer);
}

int snapshots_tick(struct writer *writer, int64_t ts_ns, enum round round, uint64_t files)
{
	struct row row;
	row_begin(&row, "snapshot_tick");
	row_number(&row, "ts_ns", (uint64_t)ts_ns);
	row_number(&row, "files", files);
	row_number(&row, "round", round);
	return row_write(&row, writer);
}

static int round_read(struct snapshots *snapshots, enum round round, int64_t ts_ns)
{
	uint64_t files = 0;
	for (size_t i = 0; i < snapshots->count; i++) {
		struct file *file = &snapshots->files[i];
		if (file->round != round)
			continue;
		ssize_t length = file->fd < 0 ? text_links_read(file->path, &snapshots->buffer)
					      : text_file_read(file->fd, &snapshots->buffer);
		if (length == -ENOMEM)
			return -ENOMEM;
		int error = file_write(snapshots, file, ts_ns, length);
		if (error)
			return error;
		files += length >= 0;
	}
	return snapshots_tick(snapshots->writer, ts_ns, round, files);
}

/* At the beginning of an epoch everything is: an epoch stands alone. */
static bool round_due(const struct snapshots *snapshots, enum round round, int64_t ts_ns)
{
	if (snapshots->all_due || snapshots->epoch != writer_epoch_number(snapshots->writer) + 1)
		return true;
	return round == ROUND_SECOND ||
	       (round == ROUND_INTERVAL && ts_ns >= snapshots->interval_at);
}

int snapshots_read(struct snapshots *snapshots, int64_t ts_ns)
{
	int error = 0;
	bool due[ROUNDS];
	for (int round = 0; round < ROUNDS; round++)
		due[round] = round_due(snapshots, round, ts_ns);
	for (int round = 0; round < ROUNDS && !error; round++)
		if (due[round])
			error = round_read(snapshots, round, ts_ns);
	if (due[ROUND_INTERVAL])
		snapshots->interval_at = ts_ns + snapshots->options.interval_ns;
	snapshots->epoch = writer_epoch_number(snapshots->writer) + 1;
	return error;
}

bool snapshots_pressed(struct snapshots *snapshots)
{
	bool pressed = snapshots->pressed;
	snapshots->pressed = false;
	return pressed;
}

void snapshots_all_due(struct snapshots *snapshots)
{
	snapshots->all_due = true;
}

void snapshots_close(struct snapshots *snapshots)
{
	if (!snapshots)
		return;
	for (size_t i = 0; i < snapshots->count; i++) {
		if (snapshots->files[i].fd >= 0)
			close(snapshots->files[i].fd);
		free(snapshots->files[i].path);
	}
	free(snapshots->files);
	free(snapshots->buffer.data);
	free(snapshots);
}
