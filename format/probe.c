#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "format/blocks.h"
#include "format/bytes.h"
#include "format/decode.h"

/* Where the second header is at the latest if the first is damaged. */
enum { PROBE_BYTES = BLOCK_STORED_MAX + 2 * HEADER_MAX };

static int foreign(struct blocks *blocks, const char *words)
{
	snprintf(blocks->why, sizeof(blocks->why), "not a memtape trace: %s", words);
	return -EBADMSG;
}

static int version_check(struct blocks *blocks, const struct block_header *header)
{
	if (header->version <= FORMAT_VERSION)
		return 0;
	snprintf(blocks->why, sizeof(blocks->why),
		 "written in version %u of the format; this program knows versions up to %d",
		 header->version, FORMAT_VERSION);
	return -ENOMSG;
}

static int system_error(struct blocks *blocks, int err)
{
	snprintf(blocks->why, sizeof(blocks->why), "%s", strerror(-err));
	return err;
}

/* A frame without a block header: is its first field a batch of table `block`? */
static int probe_frame(struct blocks *blocks, uint64_t at)
{
	const struct table *block = table_named("block");
	struct wire_field field;
	struct batch_view view;
	int got;

	content_stream(&blocks->content);
	got = content_next(&blocks->content, &blocks->input, &at, &field);
	if (got < 0 && got != -EBADMSG && got != -ENODATA)
		return system_error(blocks, got);
	if (got < 0)
		return foreign(blocks, "its first zstd frame is damaged or holds something else");
	if (got == 1 && field.number == 1 && field.type == WIRE_LENGTH &&
	    batch_view(field.bytes, &view) && block && view.number == block->number)
		return 0;
	return foreign(blocks, "its first zstd frame holds something else");
}

/* What is at the beginning is no block; perhaps only that is damaged. */
static int probe_later(struct blocks *blocks)
{
	uint8_t head[HEADER_MAX];
	struct block_header header;
	uint64_t marker;
	ssize_t got = input_find_block(&blocks->input, 0, PROBE_BYTES, &marker);

	if (got > 0)
		got = input_read(&blocks->input, marker, head, sizeof(head));
	if (got < 0)
		return system_error(blocks, got);
	if (!got)
		return foreign(blocks, "it does not begin with a zstd frame of one");
	block_decode(head, got, &header);
	return version_check(blocks, &header);
}

static int probe(struct blocks *blocks)
{
	uint8_t head[BLOCK_SKIPPABLE + HEADER_MAX];
	struct block_header header;
	uint64_t at = 0;

	for (;;) {
		ssize_t n = input_read(&blocks->input, at, head, sizeof(head));
		int err;

		if (n < 0)
			return system_error(blocks, n);
		if (!n && !at) {
			snprintf(blocks->why, sizeof(blocks->why), "the file is empty");
			return -ENODATA;
		}
		if (n >= 4 && block_zstd(head))
			return probe_frame(blocks, at);
		if (n < BLOCK_SKIPPABLE || !block_skippable(head))
			return probe_later(blocks);
		err = block_decode(head + BLOCK_SKIPPABLE, n - BLOCK_SKIPPABLE, &header);
		if (!err || err == -ENOMSG)
			return version_check(blocks, &header);
		if (block_ours(head, n))
			return probe_later(blocks);
		at += BLOCK_SKIPPABLE + (uint64_t)get32(head + 4);
	}
}

int blocks_probe(struct blocks *blocks)
{
	int err = probe(blocks);

	blocks_rewind(blocks);
	return err;
}
