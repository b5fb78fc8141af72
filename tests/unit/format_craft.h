/* Traces made byte by byte, for what no writer of this version writes. */
#ifndef TESTS_UNIT_FORMAT_CRAFT_H
#define TESTS_UNIT_FORMAT_CRAFT_H

#include <zlib.h>
#include <zstd.h>
#include "format/block.h"
#include "format/bytes.h"
#include "format/wire.h"
#include "tests/unit/format_trace.h"

static inline size_t craft_room(size_t n)
{
	return 16ULL << (64 - __builtin_clzll(n | 1));
}

/* Appends to bytes that began as none. */
static inline void craft_bytes(struct bytes *out, const void *at, size_t n)
{
	if (!out->at || craft_room(out->n + n) != craft_room(out->n))
		out->at = realloc(out->at, craft_room(out->n + n));
	CHECK(out->at);
	if (n)
		memcpy(out->at + out->n, at, n);
	out->n += n;
}

static inline void craft_varint(struct bytes *out, uint64_t value)
{
	uint8_t bytes[VARINT_ROOM];

	craft_bytes(out, bytes, varint_put(bytes, value) - bytes);
}

static inline void craft_number(struct bytes *out, uint32_t field, uint64_t value)
{
	craft_varint(out, (uint64_t)field << 3 | WIRE_VARINT);
	craft_varint(out, value);
}

static inline void craft_field(struct bytes *out, uint32_t field, struct bytes inside)
{
	craft_varint(out, (uint64_t)field << 3 | WIRE_LENGTH);
	craft_varint(out, inside.n);
	craft_bytes(out, inside.at, inside.n);
	free(inside.at);
}

/* A packed column of varints. */
static inline void craft_column(struct bytes *out, uint32_t field, const uint64_t *values, size_t n)
{
	struct bytes inside = { 0 };

	for (size_t i = 0; i < n; i++)
		craft_varint(&inside, values[i]);
	craft_field(out, field, inside);
}

/* Appends a batch to a content; takes over the table's bytes. */
static inline void craft_batch(struct bytes *out, uint64_t rows, unsigned table, struct bytes body)
{
	struct bytes batch = { 0 };

	craft_number(&batch, 1, rows);
	craft_field(&batch, table, body);
	craft_field(out, 1, batch);
}

/* The row that begins a block. */
static inline void craft_block_row(struct bytes *out, enum stream stream, uint64_t sequence)
{
	uint8_t session[16] = { 0 };
	struct bytes body = { 0 };

	craft_field(&body, 1, (struct bytes){ memcpy(malloc(8), session, 8), 8 });
	craft_field(&body, 2, (struct bytes){ memcpy(malloc(8), session, 8), 8 });
	craft_column(&body, 3, (uint64_t[]){ 0 }, 1);
	craft_column(&body, 4, (uint64_t[]){ stream }, 1);
	craft_column(&body, 5, &sequence, 1);
	craft_batch(out, 1, table_named("block")->number, body);
}

static inline struct bytes craft_frame(struct bytes content)
{
	struct bytes frame = { malloc(ZSTD_compressBound(content.n)), 0 };
	ZSTD_CCtx *zstd = ZSTD_createCCtx();

	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	frame.n = ZSTD_compress2(zstd, frame.at, ZSTD_compressBound(content.n), content.at,
				 content.n);
	CHECK(!ZSTD_isError(frame.n));
	ZSTD_freeCCtx(zstd);
	return frame;
}

/* A file of one block with that content, with a header. */
static inline struct bytes craft_block(struct bytes content, enum stream stream, uint64_t sequence)
{
	struct bytes frame = craft_frame(content), out = { 0 };
	struct block_header header = {
		.stream = stream,
		.sequence = sequence,
		.stored = frame.n,
		.raw = content.n,
	};
	uint8_t bytes[BLOCK_FRAME];

	memset(&header.tables, 0xff, sizeof(header.tables));
	block_encode(&header, bytes);
	craft_bytes(&out, bytes, sizeof(bytes));
	craft_bytes(&out, frame.at, frame.n);
	free(frame.at);
	return out;
}

/* Makes the checksum of a header good again after it was changed. */
static inline void craft_checksum(uint8_t *frame)
{
	uint8_t *header = frame + BLOCK_SKIPPABLE;
	uint32_t length = get32(header + 16);

	put32(header + length - 4, crc32(0, header, length - 4));
}

#endif
