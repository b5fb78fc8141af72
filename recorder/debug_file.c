#include "recorder/debug_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Takes over fd. */
static int open_same(int fd, const char *build_id, struct elf_file **out)
{
	char found[2 * ELF_BUILD_ID_MAX + 1];
	int err = elf_file_open(fd, out);

	if (err) {
		close(fd);
		return err == -ENOMEM ? err : -ENOENT;
	}
	elf_own_fd(*out);
	if (!elf_build_id(*out, found) && !strcmp(found, build_id) && elf_has_symbols(*out))
		return 0;
	elf_file_close(*out);
	return -ENOENT;
}

static int open_by_build_id(struct elf_file *file, const char *folder, struct elf_file **out)
{
	char build_id[2 * ELF_BUILD_ID_MAX + 1], path[PATH_MAX];
	int fd;

	if (elf_build_id(file, build_id) || strlen(build_id) < 3 ||
	    snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s.debug", folder, build_id,
		     build_id + 2) >= (int)sizeof(path))
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -ENOENT : open_same(fd, build_id, out);
}

/* Makes room for what is unpacked; false at the limit. */
static bool grow(lzma_stream *stream, uint8_t **bytes, size_t *size)
{
	size_t new_size = *size ? 2 * *size : 1 << 20;
	uint8_t *grown = new_size > DEBUGDATA_MAX ? NULL : realloc(*bytes, new_size);

	if (!grown)
		return false;
	stream->next_out = grown + *size;
	stream->avail_out = new_size - *size;
	*bytes = grown;
	*size = new_size;
	return true;
}

static uint8_t *unpack(const void *packed, size_t n, size_t *out_size)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_ret state = lzma_stream_decoder(&stream, DEBUGDATA_MEMORY_MAX, 0);
	uint8_t *bytes = NULL;
	size_t size = 0;

	stream.next_in = packed;
	stream.avail_in = n;
	while (state == LZMA_OK && (stream.avail_out || grow(&stream, &bytes, &size)))
		state = lzma_code(&stream, LZMA_FINISH);
	*out_size = stream.total_out;
	lzma_end(&stream);
	if (state == LZMA_STREAM_END)
		return bytes;
	free(bytes);
	return NULL;
}

/* The file that .gnu_debugdata holds. 0; -ENOENT: none, damaged, or too large; -ENOMEM. */
static int debugdata_open(struct elf_file *file, struct elf_file **out)
{
	const void *packed;
	uint8_t *bytes;
	size_t n;
	int err = elf_section(file, ".gnu_debugdata", DEBUGDATA_PACKED_MAX, &packed, &n);

	if (err)
		return err;
	bytes = unpack(packed, n, &n);
	if (!bytes)
		return -ENOENT;
	err = elf_file_open_bytes(bytes, n, out);
	return err == -ENOEXEC ? -ENOENT : err;
}

int debug_file_open(struct elf_file *file, const char *folder, struct elf_file **out)
{
	int err = open_by_build_id(file, folder, out);

	return err == -ENOENT ? debugdata_open(file, out) : err;
}
