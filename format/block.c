#include <errno.h>
#include <zlib.h>
#include <zstd.h>
#include "format/block.h"
#include "format/bytes.h"
#include "format/hash.h"

/* Offsets in the header. */
enum {
	AT_LENGTH = 16,
	AT_VERSION = 20,
	AT_FLAGS = 24,
	AT_STREAM = 28,
	AT_SESSION = 32,
	AT_EPOCH = 48,
	AT_STORED = 52,
	AT_RAW = 56,
	AT_RESERVED = 60,
	AT_SEQUENCE = 64,
	AT_FIRST = 72,
	AT_LAST = 80,
	AT_LOST = 88,
	AT_TABLES = 96,
	AT_PIDS = 128,
	AT_CHECKSUM = 144, /* in later versions too: the last 4 bytes */
};

const uint8_t block_sync[BLOCK_SYNC] = { 0x7e, 0xfb, 0xef, 0x58, 0x28, 0x51, 0x43, 0x34,
					 0xfd, 0x66, 0xc0, 0x76, 0xbf, 0xb5, 0x9a, 0x1f };

void block_encode(struct block_header *header, uint8_t out[BLOCK_FRAME])
{
	uint8_t *h = out + BLOCK_SKIPPABLE;

	header->length = BLOCK_HEADER;
	header->version = FORMAT_VERSION;
	put32(out, BLOCK_MAGIC);
	put32(out + 4, BLOCK_HEADER);
	memcpy(h, block_sync, BLOCK_SYNC);
	put32(h + AT_LENGTH, header->length);
	put32(h + AT_VERSION, header->version);
	put32(h + AT_FLAGS, 0);
	put32(h + AT_STREAM, header->stream);
	memcpy(h + AT_SESSION, header->session, 16);
	put32(h + AT_EPOCH, header->epoch);
	put32(h + AT_STORED, header->stored);
	put32(h + AT_RAW, header->raw);
	put32(h + AT_RESERVED, 0);
	put64(h + AT_SEQUENCE, header->sequence);
	put64(h + AT_FIRST, header->first_ns);
	put64(h + AT_LAST, header->last_ns);
	put64(h + AT_LOST, header->lost_rows);
	for (int i = 0; i < TABLES_MAX / 64; i++)
		put64(h + AT_TABLES + 8 * i, header->tables.bits[i]);
	put64(h + AT_PIDS, header->pids[0]);
	put64(h + AT_PIDS + 8, header->pids[1]);
	put32(h + AT_CHECKSUM, crc32(0, h, AT_CHECKSUM));
}

static void decode_fields(const uint8_t *h, struct block_header *out)
{
	memcpy(out->session, h + AT_SESSION, 16);
	out->epoch = get32(h + AT_EPOCH);
	out->stream = get32(h + AT_STREAM);
	out->sequence = get64(h + AT_SEQUENCE);
	out->first_ns = get64(h + AT_FIRST);
	out->last_ns = get64(h + AT_LAST);
	out->lost_rows = get64(h + AT_LOST);
	for (int i = 0; i < TABLES_MAX / 64; i++)
		out->tables.bits[i] = get64(h + AT_TABLES + 8 * i);
	out->pids[0] = get64(h + AT_PIDS);
	out->pids[1] = get64(h + AT_PIDS + 8);
}

int block_decode(const uint8_t *h, size_t n, struct block_header *out)
{
	memset(out, 0, sizeof(*out));
	if (memcmp(h, block_sync, n < BLOCK_SYNC ? n : BLOCK_SYNC))
		return -EBADMSG;
	if (n < BLOCK_HEADER)
		return -EAGAIN;
	out->length = get32(h + AT_LENGTH);
	out->version = get32(h + AT_VERSION);
	if (out->length < BLOCK_HEADER || out->length > HEADER_MAX)
		return -EBADMSG;
	if (n < out->length)
		return -EAGAIN;
	if (get32(h + out->length - 4) != crc32(0, h, out->length - 4))
		return -EBADMSG;
	out->stored = get32(h + AT_STORED);
	out->raw = get32(h + AT_RAW);
	if (out->version > FORMAT_VERSION)
		return -ENOMSG;
	decode_fields(h, out);
	if (out->stored > BLOCK_STORED_MAX || out->raw > BLOCK_RAW_MAX || out->stream >= STREAMS)
		return -ERANGE;
	return 0;
}

static void pid_bits(uint64_t pid, unsigned bits[2])
{
	uint64_t hash = hash_mix(pid);

	bits[0] = hash & 127;
	bits[1] = hash >> 7 & 127;
}

void block_add_pid(struct block_header *header, uint64_t pid)
{
	unsigned bits[2];

	pid_bits(pid, bits);
	for (int i = 0; i < 2; i++)
		header->pids[bits[i] / 64] |= 1ULL << bits[i] % 64;
}

void block_add_every_pid(struct block_header *header)
{
	header->pids[0] = header->pids[1] = UINT64_MAX;
}

bool block_has_pid(const struct block_header *header, uint64_t pid)
{
	unsigned bits[2];

	pid_bits(pid, bits);
	return header->pids[bits[0] / 64] >> bits[0] % 64 & 1 &&
	       header->pids[bits[1] / 64] >> bits[1] % 64 & 1;
}

bool block_zstd(const uint8_t head[4])
{
	return get32(head) == ZSTD_MAGICNUMBER;
}

bool block_skippable(const uint8_t head[4])
{
	return (get32(head) & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

bool block_ours(const uint8_t *head, size_t n)
{
	return get32(head) == BLOCK_MAGIC ||
	       (n >= BLOCK_SKIPPABLE + BLOCK_SYNC &&
		!memcmp(head + BLOCK_SKIPPABLE, block_sync, BLOCK_SYNC));
}
