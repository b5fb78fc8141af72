#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "format/limits.h"
#include "recorder/text_file.h"

enum { ROOM_LEAST = 64 << 10 };

static int buffer_grow(struct text_buffer *buffer)
{
	size_t room = buffer->room ? buffer->room * 2 : ROOM_LEAST;
	if (buffer->room >= TEXT_MAX)
		return -EFBIG;
	char *data = realloc(buffer->data, room);
	if (!data)
		return -ENOMEM;
	buffer->data = data;
	buffer->room = room;
	return 0;
}

ssize_t text_file_read(int fd, struct text_buffer *buffer)
{
	size_t length = 0;
	for (;;) {
		int error = length == buffer->room ? buffer_grow(buffer) : 0;
		if (error)
			return error;
		ssize_t n = pread(fd, buffer->data + length, buffer->room - length, (off_t)length);
		if (n < 0)
			return -errno;
		if (!n)
			return (ssize_t)length;
		length += (size_t)n;
	}
}

static int is_link(const struct dirent *entry)
{
	return entry->d_type == DT_LNK;
}

static int link_add(int folder, const char *name, struct text_buffer *buffer, size_t *length)
{
	char target[NAME_MAX + 1];
	ssize_t n = readlinkat(folder, name, target, sizeof(target));
	if (n < 0 || n > NAME_MAX) /* it went away meanwhile */
		return 0;
	while (buffer->room - *length < strlen(name) + (size_t)n + sizeof("  ")) {
		int error = buffer_grow(buffer);
		if (error)
			return error;
	}
	*length += (size_t)sprintf(buffer->data + *length, "%s %.*s\n", name, (int)n, target);
	return 0;
}

ssize_t text_links_read(const char *path, struct text_buffer *buffer)
{
	struct dirent **names = NULL;
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int n = folder < 0 ? -1 : scandirat(folder, ".", &names, is_link, alphasort);
	int error = n < 0 ? -errno : 0;
	size_t length = 0;
	for (int i = 0; i < n; i++) {
		if (!error)
			error = link_add(folder, names[i]->d_name, buffer, &length);
		free(names[i]);
	}
	free(names);
	if (folder >= 0)
		close(folder);
	return error ? error : (ssize_t)length;
}
