#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd_errors.h>
#include "format/content.h"

enum {
	STREAM_FIRST = 512 << 10,
	STREAM_MAX = BLOCK_RAW_MAX + 2 * VARINT_MAX, /* a batch with its tag and length */
	STREAM_READ = 128 << 10,
};

int content_open(struct content *content)
{
	memset(content, 0, sizeof(*content));
	content->zstd = ZSTD_createDCtx();
	return content->zstd ? 0 : -ENOMEM;
}

static int reserve(uint8_t **bytes, size_t *room, size_t size)
{
	uint8_t *more;

	if (size <= *room)
		return 0;
	more = realloc(*bytes, size);
	if (!more)
		return -ENOMEM;
	*bytes = more;
	*room = size;
	return 0;
}

static int fail(struct content *content, int err, const char *why)
{
	content_drop(content);
	content->why = why;
	return err;
}

static int zstd_failed(struct content *content, size_t code)
{
	if (ZSTD_getErrorCode(code) == ZSTD_error_checksum_wrong)
		return fail(content, -EBADMSG, "the checksum of its content is wrong");
	return fail(content, -EBADMSG, "its content does not decompress");
}

int content_block(struct content *content, const struct input *input, uint64_t offset,
		  const struct block_header *header)
{
	ssize_t got;
	size_t raw;

	content_drop(content);
	if (reserve(&content->stored, &content->stored_room, header->stored) ||
	    reserve(&content->bytes, &content->room, header->raw + 1))
		return -ENOMEM;
	got = input_read(input, offset, content->stored, header->stored);
	if (got < 0)
		return got;
	if (got < (ssize_t)header->stored)
		return fail(content, -ENODATA, "its content is cut off");
	raw = ZSTD_decompressDCtx(content->zstd, content->bytes, header->raw, content->stored,
				  header->stored);
	if (ZSTD_isError(raw))
		return zstd_failed(content, raw);
	if (raw != header->raw)
		return fail(content, -EBADMSG,
			    "its content has another length than its header says");
	content->end = raw;
	content->headerless = false;
	return 0;
}

void content_stream(struct content *content)
{
	ZSTD_DCtx_reset(content->zstd, ZSTD_reset_session_only);
	content->stored_at = content->stored_end = 0;
	content->streaming = content->headerless = true;
}

/* Room for more of a stream: what is cut goes, then the buffer grows. */
static int make_room(struct content *content)
{
	size_t left = content_left(content), size = content->room;

	if (content->at)
		memmove(content->bytes, content->bytes + content->at, left);
	content->at = 0;
	content->end = left;
	if (left < size / 2 && size >= STREAM_FIRST)
		return 0;
	size = size < STREAM_FIRST ? STREAM_FIRST : 2 * size;
	if (size > STREAM_MAX)
		size = STREAM_MAX;
	if (left >= STREAM_MAX)
		return fail(content, -EBADMSG, "a batch is too large, or it is none");
	return reserve(&content->bytes, &content->room, size);
}

static int refill(struct content *content, const struct input *input, uint64_t at)
{
	ssize_t got;

	if (content->stored_at < content->stored_end)
		return 0;
	if (reserve(&content->stored, &content->stored_room, STREAM_READ))
		return -ENOMEM;
	got = input_read(input, at, content->stored, STREAM_READ);
	if (got < 0)
		return got;
	if (!got)
		return fail(content, -ENODATA, "it is cut off");
	content->stored_at = 0;
	content->stored_end = got;
	return 0;
}

static int stream_more(struct content *content, const struct input *input, uint64_t *at)
{
	ZSTD_inBuffer in;
	ZSTD_outBuffer out;
	size_t left;
	int err = make_room(content);

	if (!err)
		err = refill(content, input, *at);
	if (err)
		return err;
	in = (ZSTD_inBuffer){ content->stored, content->stored_end, content->stored_at };
	out = (ZSTD_outBuffer){ content->bytes, content->room, content->end };
	left = ZSTD_decompressStream(content->zstd, &out, &in);
	if (ZSTD_isError(left))
		return zstd_failed(content, left);
	*at += in.pos - content->stored_at;
	content->stored_at = in.pos;
	content->end = out.pos;
	content->streaming = left != 0;
	return 0;
}

static bool cut(struct content *content, struct wire_field *out)
{
	struct wire wire;

	if (!content_left(content))
		return false;
	wire = (struct wire){ content->bytes + content->at, content->bytes + content->end };
	if (!wire_field(&wire, out))
		return false;
	content->at = wire.at - content->bytes;
	return true;
}

int content_next(struct content *content, const struct input *input, uint64_t *at,
		 struct wire_field *out)
{
	while (!cut(content, out)) {
		int err;

		if (!content->streaming && (content->headerless || !content_left(content)))
			return 0;
		if (!content->streaming)
			return fail(content, -EBADMSG, "its content is no sequence of batches");
		err = stream_more(content, input, at);
		if (err)
			return err;
	}
	return 1;
}

size_t content_left(const struct content *content)
{
	return content->end - content->at;
}

void content_drop(struct content *content)
{
	content->at = content->end = 0;
	content->stored_at = content->stored_end = 0;
	content->streaming = content->headerless = false;
}

void content_close(struct content *content)
{
	ZSTD_freeDCtx(content->zstd);
	free(content->bytes);
	free(content->stored);
	memset(content, 0, sizeof(*content));
}
