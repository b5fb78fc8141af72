#include <errno.h>
#include <stdlib.h>
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
