/* Damaged and cut traces: what is whole is read, nothing else is. */
#include <errno.h>
#include "tests/unit/format_small.h"

static void check_prefix(const struct small *small, const struct records *got, size_t n)
{
	char words[100];
	size_t rows = 0, whole = 0;
	int blocks = 0;

	for (; blocks < BLOCKS && small->ends[blocks] <= n; blocks++) {
		whole = small->ends[blocks];
		rows += small->rows[blocks];
	}
	CHECK_EQUAL(got->n, rows);
	for (size_t i = 0; i < rows; i++)
		CHECK(record_same(&got->list[i], &small->all.list[i], false));
	snprintf(words, sizeof(words), "cut off at byte %zu: the last block is incomplete", n);
	CHECK_TEXT(got->damage, whole == n ? "" : words);
	CHECK_EQUAL(got->report.damaged_blocks, whole != n);
	CHECK_EQUAL(got->report.ended_sessions, n == small->bytes.n);
}

/* A trace that was cut anywhere has the rows of its whole blocks. */
static void test_prefixes(void)
{
	struct small small = small_make(7);

	for (size_t n = 0; n <= small.bytes.n; n++) {
		struct reader *reader;
		int err = open_bytes(small.bytes.at, n, &reader);

		if (n < BLOCK_FRAME) {
			CHECK_EQUAL(err, n ? -EBADMSG : -ENODATA);
			CHECK(strlen(reader_why(reader)) > 0);
		} else {
			struct records got;

			CHECK_EQUAL(err, 0);
			got = records_of(reader);
			check_prefix(&small, &got, n);
			records_free(&got);
		}
		reader_close(reader);
	}
	small_free(&small);
}

static int block_at(const struct small *small, size_t offset)
{
	int block = 0;

	while (small->ends[block] <= offset)
		block++;
	return block;
}

/* One flipped bit costs at most its block. */
static void test_flips(void)
{
	struct small small = small_make(7);

	for (size_t bit = 0; bit < 8 * small.bytes.n; bit++) {
		uint8_t mask = 1 << bit % 8;
		struct records got;

		small.bytes.at[bit / 8] ^= mask;
		got = records_read(small.bytes.at, small.bytes.n);
		check_subset(&got, &small.all);
		CHECK(got.n >= small.all.n - small.rows[block_at(&small, bit / 8)]);
		records_free(&got);
		small.bytes.at[bit / 8] ^= mask;
	}
	small_free(&small);
}

/* A damaged block is not missing as well; its whole copy further on is read. */
static void test_second_copy(void)
{
	struct small small = small_make(7);
	struct bytes both = joined(small.bytes, small.bytes);
	struct records got;

	both.at[small.ends[1] - 1] ^= 1;
	got = records_read(both.at, both.n);
	CHECK_EQUAL(got.n, small.all.n);
	CHECK_EQUAL(got.report.damaged_blocks, 1);
	CHECK_EQUAL(got.report.missing_blocks, 0);
	CHECK_EQUAL(got.report.repeated_blocks, BLOCKS - 1);
	CHECK_EQUAL(record_count(&got, "heap"), 10);
	for (size_t i = 0; i < 5; i++)
		CHECK(record_same(record_find(&got, "heap", 5 + i),
				  record_find(&small.all, "heap", i), false));
	records_free(&got);
	free(both.at);
	small_free(&small);
}

/* What is skipped is checked if that is asked for. */
static void test_verify(void)
{
	struct small small = small_make(7);
	struct reader_selection selection = { .all_times = true };

	table_set_add(&selection.tables, table_named("clock")->number);
	small.bytes.at[small.ends[1] - 1] ^= 1;
	for (int verify = 0; verify < 2; verify++) {
		struct reader *reader;
		struct records got;

		selection.verify = verify;
		CHECK_EQUAL(open_bytes(small.bytes.at, small.bytes.n, &reader), 0);
		reader_select(reader, &selection);
		got = records_of(reader);
		reader_close(reader);
		CHECK_EQUAL(got.n, 0);
		CHECK_EQUAL(got.report.damaged_blocks, verify);
		CHECK_EQUAL(got.report.blocks, BLOCKS);
		CHECK_EQUAL(got.report.missing_blocks, 0);
		records_free(&got);
	}
	small_free(&small);
}

static void test_words(void)
{
	struct small small = small_make(7);
	char words[100];
	struct records got;

	small.bytes.at[small.ends[1] - 1] ^= 1;
	got = records_read(small.bytes.at, small.bytes.n);
	snprintf(words, sizeof(words),
		 "damaged block at byte %zu: the checksum of its content is wrong", small.ends[0]);
	CHECK_TEXT(got.damage, words);
	CHECK_EQUAL(got.report.first_damage_offset, small.ends[0]);
	CHECK_EQUAL(got.report.damaged_blocks, 1);
	CHECK_EQUAL(got.n, small.all.n - small.rows[1]);
	records_free(&got);
	small.bytes.at[small.ends[1] - 1] ^= 1;

	small.bytes.at[small.ends[2] + 60] ^= 1;
	got = records_read(small.bytes.at, small.bytes.n);
	snprintf(words, sizeof(words), "damaged block at byte %zu: its header is damaged",
		 small.ends[2]);
	CHECK_TEXT(got.damage, words);
	records_free(&got);
	small_free(&small);
}

/* Bytes lost out of the middle, or put there. */
static void test_holes(void)
{
	struct small small = small_make(7);
	struct bytes shorter = { malloc(small.bytes.n), 0 }, longer;
	size_t at = small.ends[1] - 5, hole = 20;
	struct bytes head = { small.bytes.at, at };
	struct records got;

	memcpy(shorter.at, small.bytes.at, at);
	memcpy(shorter.at + at, small.bytes.at + at + hole, small.bytes.n - at - hole);
	got = records_read(shorter.at, small.bytes.n - hole);
	check_subset(&got, &small.all);
	CHECK_EQUAL(got.n, small.all.n - small.rows[1] - small.rows[2]);
	records_free(&got);

	head.n = small.ends[1];
	longer = joined(head, (struct bytes){ (uint8_t *)"not a frame", 11 });
	shorter.n = small.bytes.n - small.ends[1];
	memcpy(shorter.at, small.bytes.at + small.ends[1], shorter.n);
	head = joined(longer, shorter);
	got = records_read(head.at, head.n);
	check_same(&got, &small.all);
	CHECK_EQUAL(got.report.damaged_blocks, 1);
	CHECK_EQUAL(got.report.first_damage_offset, small.ends[1]);
	records_free(&got);
	free(head.at);
	free(longer.at);
	free(shorter.at);
	small_free(&small);
}

/* Definitions are lost: rows stay, their references become none, no id is invented. */
static void test_undefined(void)
{
	struct small small = small_make(7);
	struct bytes bytes = blocks_of(&small, (int[]){ 0, 1, 2, 4, 5 }, 5);
	struct records got = records_read(bytes.at, bytes.n);

	check_subset(&got, &small.all);
	CHECK_EQUAL(got.n, small.all.n - small.rows[3]);
	CHECK_EQUAL(got.report.damaged_blocks, 1);
	CHECK(strstr(got.damage, "refers to definitions that are missing"));
	CHECK_EQUAL(record_value(record_find(&got, "heap", 5), "process_id"), 0);
	CHECK_EQUAL(record_value(record_find(&got, "heap", 9), "stack_id"), 0);
	CHECK(record_value(record_find(&got, "heap", 0), "process_id") != 0);
	records_free(&got);
	free(bytes.at);
	small_free(&small);
}

/* Rubbish of any length before the next header: also where the search reads its next piece. */
static void test_search(void)
{
	struct small small = small_make(7);
	size_t first = small.ends[0], rest = small.bytes.n - first;
	uint8_t *file = calloc(1, small.bytes.n + (300 << 10));

	memcpy(file, small.bytes.at, first);
	for (size_t n = (256 << 10) - 200; n < (256 << 10) + 50; n += 3) {
		struct records got;

		memset(file + first, 'x', n);
		memcpy(file + first + n, small.bytes.at + first, rest);
		got = records_read(file, first + n + rest);
		check_same(&got, &small.all);
		CHECK_EQUAL(got.report.damaged_blocks, 1);
		records_free(&got);
	}
	free(file);
	small_free(&small);
}

static void test_missing(void)
{
	const struct table *heap = table_named("heap");
	uint64_t row[9] = { 0 };
	size_t ends[5];
	int fd;
	struct writer *writer = small_open(&fd, 1);
	struct bytes bytes, gap;
	struct records got;

	for (int i = 0; i < 5; i++) {
		row[4] = i;
		CHECK_EQUAL(writer_add(writer, heap, row, 0), 0);
		CHECK_EQUAL(writer_flush(writer), 0);
		ends[i] = writer_bytes(writer);
	}
	bytes = small_close(writer, fd);
	CHECK_EQUAL(bytes.n, ends[4]);
	gap = joined((struct bytes){ bytes.at, ends[0] },
		     (struct bytes){ bytes.at + ends[2], bytes.n - ends[2] });
	got = records_read(gap.at, gap.n);
	CHECK_EQUAL(record_count(&got, "heap"), 3);
	CHECK_EQUAL(got.report.missing_blocks, 2);
	CHECK_EQUAL(got.report.damaged_blocks, 0);
	records_free(&got);
	free(gap.at);
	/* What was missing comes later. */
	gap = joined((struct bytes){ bytes.at + ends[2], bytes.n - ends[2] }, bytes);
	got = records_read(gap.at, gap.n);
	CHECK_EQUAL(record_count(&got, "heap"), 5);
	CHECK_EQUAL(got.report.missing_blocks, 0);
	CHECK_EQUAL(got.report.repeated_blocks, 2);
	records_free(&got);
	free(gap.at);
	free(bytes.at);
}

/* An id of the epoch before means nothing in this one. */
static void test_old_ids(void)
{
	uint64_t row[9] = { 1, 4, 400, 1, 0, 0, 0, 0, 23 };
	int fd;
	struct writer *writer = small_open(&fd, 1);
	struct bytes bytes;
	struct records got;

	small_definitions(writer, 1);
	CHECK_EQUAL(writer_add(writer, table_named("heap"), row, 0), 0);
	CHECK_EQUAL(writer_epoch(writer, 5), 0);
	CHECK_EQUAL(writer_add(writer, table_named("heap"), row, 0), 0);
	bytes = small_close(writer, fd);
	got = records_read(bytes.at, bytes.n);
	CHECK(record_value(record_find(&got, "heap", 0), "process_id") != 0);
	CHECK(record_value(record_find(&got, "heap", 0), "stack_id") != 0);
	CHECK_EQUAL(record_value(record_find(&got, "heap", 1), "process_id"), 0);
	CHECK_EQUAL(record_value(record_find(&got, "heap", 1), "stack_id"), 0);
	CHECK_EQUAL(got.report.damaged_blocks, 1);
	records_free(&got);
	free(bytes.at);
}

int main(void)
{
	test_prefixes();
	test_flips();
	test_second_copy();
	test_verify();
	test_words();
	test_holes();
	test_search();
	test_undefined();
	test_old_ids();
	test_missing();
	return 0;
}
