#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "recorder/watched.h"

static const char *const names[PROCESS_FILES] = {
	[FILE_STAT] = "stat",       [FILE_STATUS] = "status",
	[FILE_CGROUP] = "cgroup",   [FILE_OOM_SCORE_ADJ] = "oom_score_adj",
	[FILE_CMDLINE] = "cmdline", [FILE_SMAPS] = "smaps",
};

static uint32_t epoch_now(const struct watcher *watcher)
{
	return writer_epoch_number(watcher->options.writer) + 1; /* 0: never */
}

bool watched_has(const struct watcher *watcher, const struct watched *watched,
		 enum process_file file)
{
	return watched->written[file].epoch == epoch_now(watcher);
}

static int file_open(const struct watcher *watcher, const struct watched *watched,
		     enum process_file file)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/proc/%u/%s", watcher->options.root, watched->pid,
		 names[file]);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The length; -errno. */
static ssize_t file_read(struct watcher *watcher, struct watched *watched, enum process_file file)
{
	bool hold = file < FILES_HELD;
	int fd = hold && watched->fds[file] >= 0 ? watched->fds[file]
						 : file_open(watcher, watched, file);
	if (fd < 0)
		return fd;
	ssize_t length = text_file_read(fd, &watcher->buffer);
	if (hold && watched->fds[file] == fd)
		return length;
	if (hold && length > 0 && watcher->held < watcher->held_most) {
		watched->fds[file] = fd;
		watcher->held++;
	} else {
		close(fd);
	}
	return length;
}

static int text_write(struct watcher *watcher, struct watched *watched, enum process_file file,
		      const char *text, size_t length)
{
	struct row row;
	uint64_t id;
	int error = process_define(watcher->options.tasks, watched->process, &id);
	if (error)
		return error;
	row_begin(&row, file == FILE_CMDLINE ? "snapshot_cmdline" : "snapshot_process");
	row_number(&row, "ts_ns", (uint64_t)watcher->ts_ns);
	row_number(&row, "process_id", id);
	if (file != FILE_CMDLINE)
		row_text(&row, "file_path", names[file]);
	row_bytes(&row, file == FILE_CMDLINE ? "cmdline" : "content_text", text, length);
	return row_write(&row, watcher->options.writer);
}

/* Words end with a NUL each. */
static size_t words_join(char *text, size_t length)
{
	while (length && !text[length - 1])
		length--;
	for (size_t i = 0; i < length; i++)
		if (!text[i])
			text[i] = ' ';
	return length;
}

/* Field 22 of stat, counted behind the name in brackets, which may hold anything. */
static uint64_t stat_start(const char *text, size_t length)
{
	const char *at = memrchr(text, ')', length);
	for (int field = 2; at && field < 22; field++)
		at = memchr(at + 1, ' ', (size_t)(text + length - at - 1));
	return at ? strtoull(at, NULL, 10) : 0;
}

/* The process of that pid now: after an exec, or when the pid was given again, another than before.
 */
static int identity_check(struct watcher *watcher, struct watched *watched, size_t length)
{
	uint64_t start = stat_start(watcher->buffer.data, length);
	struct process *process = tasks_met(watcher->options.tasks, watched->pid, start);
	if (!process)
		return -ENOMEM;
	if (process != watched->process) {
		watched->process = process;
		memset(watched->written, 0, sizeof(watched->written));
	}
	return 0;
}

static int reading_failed(ssize_t length)
{
	if (length == -ENOMEM)
		return -ENOMEM;
	return length == -ENOENT || length == -ESRCH ? -ESRCH : 0; /* else it is refused */
}

int watched_read(struct watcher *watcher, struct watched *watched, enum process_file file)
{
	ssize_t length = file_read(watcher, watched, file);
	int error = 0;
	if (length < 0)
		return reading_failed(length);
	watcher->files++;
	if (file == FILE_STAT)
		error = identity_check(watcher, watched, (size_t)length);
	if (error)
		return error;
	if (file == FILE_CMDLINE)
		length = (ssize_t)words_join(watcher->buffer.data, (size_t)length);
	uint64_t print = text_print(watcher->buffer.data, (size_t)length);
	if (watched_has(watcher, watched, file) && watched->written[file].print == print)
		return 0;
	error = text_write(watcher, watched, file, watcher->buffer.data, (size_t)length);
	if (error)
		return error;
	watched->written[file].epoch = epoch_now(watcher);
	watched->written[file].print = print;
	return 1;
}

int watched_gone(struct watcher *watcher, struct watched *watched)
{
	return watched->process ? text_write(watcher, watched, FILE_STAT, NULL, 0) : 0;
}

void watched_release(struct watcher *watcher, struct watched *watched)
{
	for (int i = 0; i < FILES_HELD; i++)
		if (watched->fds[i] >= 0) {
			close(watched->fds[i]);
			watcher->held--;
		}
}
