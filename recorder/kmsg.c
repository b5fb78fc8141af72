#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "recorder/kmsg.h"

enum { LINE_MAX_BYTES = 8192 }; /* the kernel's CONSOLE_EXT_LOG_MAX */

struct kmsg {
	struct writer *writer;
	int fd; /* -1: refused */
	bool begun, counted;
	uint64_t next, lost; /* the sequence number that comes next */
};

int kmsg_open(struct writer *writer, struct kmsg **out)
{
	struct kmsg *kmsg = *out = calloc(1, sizeof(*kmsg));
	if (!kmsg)
		return -ENOMEM;
	kmsg->writer = writer;
	kmsg->fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return 0;
}

/* "priority,sequence,microseconds,flags;message\n KEY=value..." */
static int line_write(struct kmsg *kmsg, char *line, int64_t ts_ns)
{
	uint64_t priority, sequence;
	int64_t stamp_us;
	char *message = strchr(line, ';');
	struct row row;
	if (!message ||
	    sscanf(line, "%" SCNu64 ",%" SCNu64 ",%" SCNd64, &priority, &sequence, &stamp_us) != 3)
		return 0;
	message[1 + strcspn(message + 1, "\n")] = '\0';
	if (kmsg->counted && sequence > kmsg->next)
		kmsg->lost += sequence - kmsg->next;
	kmsg->counted = true;
	kmsg->next = sequence + 1;
	row_begin(&row, "kmsg");
	row_number(&row, "ts_ns", (uint64_t)ts_ns);
	row_number(&row, "stamp_us", (uint64_t)stamp_us);
	row_number(&row, "sequence", sequence);
	row_number(&row, "priority", priority);
	row_number(&row, "old", !kmsg->begun);
	row_text(&row, "message_text", message + 1);
	return row_write(&row, kmsg->writer);
}

int kmsg_read(struct kmsg *kmsg, int64_t ts_ns)
{
	char line[LINE_MAX_BYTES + 1];
	int error = 0;
	while (kmsg->fd >= 0 && !error) {
		ssize_t n = read(kmsg->fd, line, LINE_MAX_BYTES);
		if (n < 0 && errno == EPIPE) /* overwritten: goes on at the oldest that is left */
			continue;
		if (n <= 0)
			break;
		line[n] = '\0';
		error = line_write(kmsg, line, ts_ns);
	}
	kmsg->begun = true;
	return error;
}

uint64_t kmsg_lost(const struct kmsg *kmsg)
{
	return kmsg->lost;
}

void kmsg_close(struct kmsg *kmsg)
{
	if (!kmsg)
		return;
	if (kmsg->fd >= 0)
		close(kmsg->fd);
	free(kmsg);
}
