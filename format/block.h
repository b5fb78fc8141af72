/*
 * The header of a block, as FORMAT.md lays it out: a skippable zstd frame of fixed size.
 */
#ifndef FORMAT_BLOCK_H
#define FORMAT_BLOCK_H

#include "format/table.h"

enum {
	BLOCK_SYNC = 16,     /* bytes of the sync marker */
	BLOCK_HEADER = 148,  /* of the header, sync marker included */
	BLOCK_SKIPPABLE = 8, /* of the skippable frame's own magic and length */
	BLOCK_FRAME = BLOCK_SKIPPABLE + BLOCK_HEADER,
};

#define BLOCK_MAGIC 0x184D2A5DU

extern const uint8_t block_sync[BLOCK_SYNC];

struct block_header {
	uint32_t length; /* of the header: what this version does not know is at its end */
	uint32_t version;
	uint8_t session[16];
	uint32_t epoch;
	uint32_t stream;
	uint64_t sequence;
	uint32_t stored, raw; /* bytes of the payload: its zstd frame, its content */
	int64_t first_ns, last_ns;
	uint64_t lost_rows;
	struct table_set tables;
	uint64_t pids[2]; /* Bloom filter */
};

/* Fills in length and version. */
void block_encode(struct block_header *, uint8_t out[BLOCK_FRAME]);

/*
 * Decodes a header at its sync marker. 0; -EBADMSG: none there, or damaged; -EAGAIN: `n` bytes are
 * too few; -ENOMSG: a newer version (then only length, version, stored and raw are set); -ERANGE:
 * it is whole but exceeds limits.h.
 */
int block_decode(const uint8_t *bytes, size_t n, struct block_header *out);

void block_add_pid(struct block_header *, uint64_t pid);
void block_add_every_pid(struct block_header *);

/* Whether rows of that process may be inside. */
bool block_has_pid(const struct block_header *, uint64_t pid);

/* Whether a zstd frame begins with these bytes: an ordinary one, a skippable one. */
bool block_zstd(const uint8_t head[4]);
bool block_skippable(const uint8_t head[4]);

/* Whether a skippable frame was meant to be a block header, though it may be damaged. */
bool block_ours(const uint8_t *head, size_t n);

#endif
