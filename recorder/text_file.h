/*
 * Files of procfs and sysfs as text: read whole, again and again.
 */
#ifndef RECORDER_TEXT_FILE_H
#define RECORDER_TEXT_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Grows to what the longest file needs. */
struct text_buffer {
	char *data;
	size_t room;
};

/*
 * Reads the file from its beginning into the buffer. The length; -EFBIG: longer than a text in a
 * trace may be; -errno.
 */
ssize_t text_file_read(int fd, struct text_buffer *);

/*
 * The symbolic links of a folder, a line "NAME TARGET" each, by name. The length; -errno as above.
 */
ssize_t text_links_read(const char *path, struct text_buffer *);

/* What tells a text from the one before. */
static inline uint64_t text_print(const char *text, size_t length)
{
	uint64_t print = length, word;
	for (size_t at = 0; at < length; at += sizeof(word)) {
		size_t left = length - at;
		word = 0;
		__builtin_memcpy(&word, text + at, left < sizeof(word) ? left : sizeof(word));
		print = (print ^ word) * 0x9e3779b97f4a7c15;
		print ^= print >> 29;
	}
	return print;
}

#endif
