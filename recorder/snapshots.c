#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "recorder/snapshots.h"

static const char *const system_files[] = {
	"/proc/meminfo",     "/proc/vmstat",       "/proc/pressure/memory",
	"/proc/pressure/io", "/proc/pressure/cpu",
};

enum { FILES = sizeof(system_files) / sizeof(*system_files), SNAPSHOT_MAX = 256 << 10 };

struct file {
	int fd;
	uint32_t epoch; /* of `text`, plus one */
	char *text;
	size_t length;
};

struct snapshots {
	struct writer *writer;
	struct file files[FILES];
	char *buffer;
};

int snapshots_open(struct writer *writer, struct snapshots **out)
{
	struct snapshots *snapshots = *out = calloc(1, sizeof(*snapshots));
	if (!snapshots)
		return -ENOMEM;
	snapshots->writer = writer;
	for (size_t i = 0; i < FILES; i++)
		snapshots->files[i].fd = open(system_files[i], O_RDONLY | O_CLOEXEC);
	snapshots->buffer = malloc(SNAPSHOT_MAX);
	return snapshots->buffer ? 0 : -ENOMEM;
}

static ssize_t file_read(const struct file *file, char *buffer)
{
	size_t length = 0;
	while (length < SNAPSHOT_MAX) {
		ssize_t n = pread(file->fd, buffer + length, SNAPSHOT_MAX - length, (off_t)length);
		if (n < 0)
			return -errno;
		if (!n)
			break;
		length += (size_t)n;
	}
	return (ssize_t)length;
}

static int file_keep(struct file *file, const char *text, size_t length, uint32_t epoch)
{
	char *copy = realloc(file->text, length ? length : 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, length);
	file->text = copy;
	file->length = length;
	file->epoch = epoch;
	return 0;
}

static int snapshots_write(struct snapshots *snapshots, size_t i, int64_t ts_ns, size_t length)
{
	struct file *file = &snapshots->files[i];
	uint32_t epoch = writer_epoch_number(snapshots->writer) + 1; /* 0: never */
	struct row row;
	if (file->epoch == epoch && file->length == length &&
	    !memcmp(file->text, snapshots->buffer, length))
		return 0;
	if (file_keep(file, snapshots->buffer, length, epoch))
		return -ENOMEM;
	row_begin(&row, "snapshot_system");
	row_number(&row, "ts_ns", (uint64_t)ts_ns);
	row_text(&row, "path", system_files[i]);
	row_bytes(&row, "content_text", snapshots->buffer, length);
	return row_write(&row, snapshots->writer);
}

int snapshots_read(struct snapshots *snapshots, int64_t ts_ns)
{
	struct row row;
	uint64_t files = 0;
	for (size_t i = 0; i < FILES; i++) {
		if (snapshots->files[i].fd < 0)
			continue;
		ssize_t length = file_read(&snapshots->files[i], snapshots->buffer);
		if (length < 0) /* pressure files give EOPNOTSUPP where PSI is off */
			continue;
		int error = snapshots_write(snapshots, i, ts_ns, (size_t)length);
		if (error)
			return error;
		files++;
	}
	row_begin(&row, "snapshot_tick");
	row_number(&row, "ts_ns", (uint64_t)ts_ns);
	row_number(&row, "files", files);
	return row_write(&row, snapshots->writer);
}

void snapshots_close(struct snapshots *snapshots)
{
	if (!snapshots)
		return;
	for (size_t i = 0; i < FILES; i++) {
		if (snapshots->files[i].fd >= 0)
			close(snapshots->files[i].fd);
		free(snapshots->files[i].text);
	}
	free(snapshots->buffer);
	free(snapshots);
}
