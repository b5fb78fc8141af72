/*
 * The content of a trace, piece by piece: that of one block, or of a zstd frame of any size that
 * has no block header, decompressed as it is read.
 */
#ifndef FORMAT_CONTENT_H
#define FORMAT_CONTENT_H

#include <zstd.h>
#include "format/input.h"
#include "format/wire.h"

struct content {
	ZSTD_DCtx *zstd;
	uint8_t *bytes; /* [at, end) are not yet cut into fields */
	size_t room, at, end;
	uint8_t *stored; /* [stored_at, stored_end) are not yet decompressed */
	size_t stored_room, stored_at, stored_end;
	bool headerless; /* it is of frames without headers; `streaming`: one of them goes on */
	bool streaming;
	const char *why; /* of -EBADMSG and -ENODATA */
};

int content_open(struct content *);

/* Reads and decompresses the payload of a block. 0; -EBADMSG: damaged; -ENODATA: cut off; -errno.
 */
int content_block(struct content *, const struct input *, uint64_t offset,
		  const struct block_header *);

/* Begins a frame without a header. A field that the frame before began goes on in this one. */
void content_stream(struct content *);

/*
 * The next field of message Trace; valid until the next call. 1; 0: the content has ended; errors
 * as of content_block. In a stream, *at is the offset of the next compressed byte, and moved.
 */
int content_next(struct content *, const struct input *, uint64_t *at, struct wire_field *out);

/* Bytes of a field that is not complete. */
size_t content_left(const struct content *);

void content_drop(struct content *);
void content_close(struct content *);

#endif
