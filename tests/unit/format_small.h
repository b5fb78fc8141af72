/* The small trace with what is known of its blocks, and how damaged ones compare with it. */
#ifndef TESTS_UNIT_FORMAT_SMALL_H
#define TESTS_UNIT_FORMAT_SMALL_H

#include "format/block.h"
#include "tests/unit/format_trace.h"

enum { BLOCKS = 6 };

/* The small trace's blocks: definitions, events, snapshots; twice. */
struct small {
	struct bytes bytes;
	struct records all;
	size_t ends[BLOCKS]; /* in the file */
	size_t rows[BLOCKS]; /* inside */
};

static inline struct small small_make(uint8_t session)
{
	struct small small = { .bytes = small_trace(session) };
	size_t at = 0, block = 0;

	small.all = records_read(small.bytes.at, small.bytes.n);
	for (; at < small.bytes.n; block++) {
		struct block_header header;

		CHECK(block < BLOCKS);
		CHECK_EQUAL(block_decode(small.bytes.at + at + BLOCK_SKIPPABLE,
					 small.bytes.n - at - BLOCK_SKIPPABLE, &header),
			    0);
		at += BLOCK_SKIPPABLE + header.length + header.stored;
		small.ends[block] = at;
	}
	CHECK_EQUAL(block, BLOCKS);
	CHECK_EQUAL(at, small.bytes.n);
	for (size_t i = 0, n = 0; i < small.all.n; i++) {
		n += small.all.list[i].table == table_named("block");
		small.rows[n - 1]++;
	}
	return small;
}

static inline void small_free(struct small *small)
{
	free(small->bytes.at);
	records_free(&small->all);
}

static inline size_t block_start(const struct small *small, int block)
{
	return block ? small->ends[block - 1] : 0;
}

/* The file made of these blocks, in this order. */
static inline struct bytes blocks_of(const struct small *small, const int *blocks, int n)
{
	struct bytes out = { malloc(n * small->bytes.n + 1), 0 };

	for (int i = 0; i < n; i++) {
		size_t start = block_start(small, blocks[i]), end = small->ends[blocks[i]];

		memcpy(out.at + out.n, small->bytes.at + start, end - start);
		out.n += end - start;
	}
	return out;
}

/* Every row is one of the originals, in their order. */
static inline void check_subset(const struct records *got, const struct records *all)
{
	size_t next = 0;

	for (size_t i = 0; i < got->n; i++) {
		while (next < all->n && !record_same(&got->list[i], &all->list[next],
						     got->report.damaged_blocks > 0))
			next++;
		if (next == all->n)
			FAIL("row %zu, of table %s, was never written", i,
			     got->list[i].table->name);
		next++;
	}
	if (got->n < all->n)
		CHECK(got->report.damaged_blocks > 0 && got->damage[0]);
}

#endif
