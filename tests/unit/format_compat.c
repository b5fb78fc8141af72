/* Older readers and newer traces, and files that are none: what is not known is skipped. */
#include <errno.h>
#include <sys/stat.h>
#include "tests/unit/format_craft.h"

/* Three snapshot ticks and what `extra` adds to their table. */
static struct bytes ticks(struct bytes extra)
{
	struct bytes body = { 0 };

	craft_column(&body, 1, (uint64_t[]){ 20, 2, 1 }, 3); /* 10, 11, 10 as differences */
	craft_column(&body, 2, (uint64_t[]){ 7, 8, 9 }, 3);
	craft_bytes(&body, extra.at, extra.n);
	free(extra.at);
	return body;
}

static unsigned tick_number(void)
{
	return table_named("snapshot_tick")->number;
}

static void check_ticks(const struct records *got)
{
	static const int64_t times[] = { 10, 11, 10 };

	CHECK_EQUAL(record_count(got, "snapshot_tick"), 3);
	for (int i = 0; i < 3; i++) {
		const struct record *tick = record_find(got, "snapshot_tick", i);

		CHECK_EQUAL(record_value(tick, "ts_ns"), times[i]);
		CHECK_EQUAL(record_value(tick, "files"), 7 + i);
	}
	CHECK_EQUAL(got->report.damaged_blocks, 0);
}

/* Reads the content as a block with a header and without. */
static struct records read_content(struct bytes content, bool headerless)
{
	struct bytes file = headerless ? craft_frame(content)
				       : craft_block(content, STREAM_SNAPSHOTS, 0);
	struct records got = records_read(file.at, file.n);

	free(file.at);
	return got;
}

static void test_plain(void)
{
	struct bytes content = { 0 };

	craft_block_row(&content, STREAM_SNAPSHOTS, 0);
	craft_batch(&content, 3, tick_number(), ticks((struct bytes){ 0 }));
	for (int headerless = 0; headerless < 2; headerless++) {
		struct records got = read_content(content, headerless);

		check_ticks(&got);
		CHECK_EQUAL(got.report.unknown_tables + got.report.unknown_columns, 0);
		records_free(&got);
	}
	free(content.at);
}

static void test_unknown_table(void)
{
	struct bytes content = { 0 }, body = { 0 }, large = { 0 };

	craft_block_row(&content, STREAM_SNAPSHOTS, 0);
	craft_column(&body, 1, (uint64_t[]){ 1, 2 }, 2);
	craft_batch(&content, 2, 255, body);
	craft_batch(&content, 3, tick_number(), ticks((struct bytes){ 0 }));
	craft_column(&large, 1, (uint64_t[]){ 1, 2 }, 2);
	craft_batch(&content, 2, 70000, large);
	for (int headerless = 0; headerless < 2; headerless++) {
		struct records got = read_content(content, headerless);

		check_ticks(&got);
		CHECK_EQUAL(got.report.unknown_tables, 2);
		records_free(&got);
	}
	free(content.at);
}

/* New columns of every wire type, and a list of NULLs of one of them. */
static void test_unknown_column(void)
{
	struct bytes content = { 0 }, extra = { 0 };

	craft_column(&extra, 50, (uint64_t[]){ 5, 5, 5 }, 3);
	craft_number(&extra, 51, 12345);
	craft_column(&extra, 150, (uint64_t[]){ 1 }, 1);
	craft_varint(&extra, 52 << 3 | WIRE_64);
	craft_bytes(&extra, "12345678", 8);
	craft_varint(&extra, 53 << 3 | WIRE_32);
	craft_bytes(&extra, "1234", 4);
	craft_block_row(&content, STREAM_SNAPSHOTS, 0);
	craft_batch(&content, 3, tick_number(), ticks(extra));
	for (int headerless = 0; headerless < 2; headerless++) {
		struct records got = read_content(content, headerless);

		check_ticks(&got);
		CHECK_EQUAL(got.report.unknown_columns, 5);
		records_free(&got);
	}
	free(content.at);
}

/* Fields that Trace and Batch may get one day. */
static void test_unknown_fields(void)
{
	struct bytes content = { 0 }, batch = { 0 };

	craft_block_row(&content, STREAM_SNAPSHOTS, 0);
	craft_number(&content, 2, 99);
	craft_field(&content, 3, ticks((struct bytes){ 0 }));
	craft_number(&batch, 1, 3);
	craft_number(&batch, 300, 1);
	craft_field(&batch, 400, ticks((struct bytes){ 0 }));
	craft_field(&batch, tick_number(), ticks((struct bytes){ 0 }));
	craft_field(&content, 1, batch);
	for (int headerless = 0; headerless < 2; headerless++) {
		struct records got = read_content(content, headerless);

		check_ticks(&got);
		records_free(&got);
	}
	free(content.at);
}

/* Columns that are not packed, or in pieces, are the same to protobuf. */
static void test_unpacked(void)
{
	struct bytes content = { 0 }, body = { 0 };

	craft_column(&body, 1, (uint64_t[]){ 20, 2 }, 2);
	for (int i = 0; i < 3; i++)
		craft_number(&body, 2, 7 + i);
	craft_column(&body, 1, (uint64_t[]){ 1 }, 1);
	craft_block_row(&content, STREAM_SNAPSHOTS, 0);
	craft_batch(&content, 3, tick_number(), body);
	for (int headerless = 0; headerless < 2; headerless++) {
		struct records got = read_content(content, headerless);

		check_ticks(&got);
		records_free(&got);
	}
	free(content.at);
}

/* What stands in the place of a NULL is nobody's business, but counts in a sum of differences. */
static void test_null_places(void)
{
	struct bytes content = { 0 }, body = { 0 };

	craft_column(&body, 1, (uint64_t[]){ 20, 2, 2 }, 3);
	craft_column(&body, 5, (uint64_t[]){ 5, 99, 7 }, 3);
	craft_number(&body, 105, 1);
	craft_block_row(&content, STREAM_SNAPSHOTS, 0);
	craft_batch(&content, 3, table_named("loss")->number, body);
	for (int headerless = 0; headerless < 2; headerless++) {
		struct records got = read_content(content, headerless);

		for (int i = 0; i < 3; i++) {
			const struct record *loss = record_find(&got, "loss", i);

			CHECK_EQUAL(record_null(loss, "cpu"), i == 1);
			CHECK_EQUAL(record_value(loss, "cpu"), i == 1 ? 0 : 5 + i);
			CHECK_EQUAL(record_value(loss, "ts_ns"), 10 + i);
			CHECK(record_null(loss, "cause"));
		}
		records_free(&got);
	}
	free(content.at);
}

/* The bytes of a header, as FORMAT.md has them. */
static void test_header_bytes(void)
{
	static const uint8_t marker[16] = { 0x7e, 0xfb, 0xef, 0x58, 0x28, 0x51, 0x43, 0x34,
					    0xfd, 0x66, 0xc0, 0x76, 0xbf, 0xb5, 0x9a, 0x1f };
	struct bytes small = small_trace(7);
	const uint8_t *second, *frame = small.at;

	CHECK_EQUAL(get32(frame), 0x184D2A5D);
	CHECK_EQUAL(get32(frame + 4), 148);
	CHECK(!memcmp(frame + 8, marker, 16));
	CHECK_EQUAL(get32(frame + 8 + 16), 148);
	CHECK_EQUAL(get32(frame + 8 + 20), 1);
	CHECK_EQUAL(get32(frame + 8 + 28), 0);
	CHECK(frame[8 + 32] == 7 && frame[8 + 47] == 7);
	second = frame + 156 + get32(frame + 8 + 52);
	CHECK_EQUAL(get32(second + 8 + 28), 1);
	CHECK_EQUAL(get64(second + 8 + 72), 1000000 - 28);
	CHECK_EQUAL(get64(second + 8 + 80), 1004000);
	CHECK_EQUAL(get64(second + 8 + 96), 1 << 2);
	CHECK_EQUAL(get64(second + 8 + 112), 3);
	CHECK_EQUAL(get32(second + 8 + 144), crc32(0, second + 8, 144));
	CHECK_EQUAL(get32(second + 156), 0xFD2FB528);
	free(small.at);
}

/* The filter of an event block has the pids of its processes and few others. */
static void test_pids(void)
{
	struct bytes small = small_trace(7);
	struct block_header header;
	uint8_t *second = small.at + 156 + get32(small.at + 8 + 52);
	int others = 0;

	CHECK_EQUAL(block_decode(second + 8, 148, &header), 0);
	CHECK(block_has_pid(&header, 400) && block_has_pid(&header, 401));
	for (int pid = 402; pid < 1402; pid++)
		others += block_has_pid(&header, pid);
	CHECK(others < 20);
	free(small.at);
}

/* Of a process that is not known, as after the beginning of an epoch, it has every pid. */
static void test_pid_unknown(void)
{
	uint64_t row[9] = { 1, 4 };
	struct block_header header;
	struct bytes bytes;
	int fd;
	struct writer *writer = small_open(&fd, 1);
	size_t second;

	small_definitions(writer, 1);
	CHECK_EQUAL(writer_epoch(writer, 5), 0);
	second = writer_bytes(writer);
	CHECK_EQUAL(writer_add(writer, table_named("heap"), row, 0), 0);
	bytes = small_close(writer, fd);
	CHECK_EQUAL(block_decode(bytes.at + second + 8, 148, &header), 0);
	CHECK(header.pids[0] == UINT64_MAX && header.pids[1] == UINT64_MAX);
	free(bytes.at);
}

static int open_error(struct bytes bytes, const char *why)
{
	struct reader *reader;
	int err = open_bytes(bytes.at, bytes.n, &reader);

	if (err && !strstr(reader_why(reader), why))
		FAIL("\"%s\" does not say \"%s\"", reader_why(reader), why);
	reader_close(reader);
	return err;
}

static void test_newer(void)
{
	struct bytes first = small_trace(7), second = small_trace(8), both;
	struct records got, old = records_read(first.at, first.n);

	put32(second.at + 8 + 20, FORMAT_VERSION + 1);
	craft_checksum(second.at);
	CHECK_EQUAL(open_error(second, "version 2"), -ENOMSG);
	both = joined(first, second);
	got = records_read(both.at, both.n);
	CHECK(strstr(got.damage, "newer version"));
	CHECK_EQUAL(got.report.damaged_blocks, 2); /* that, and what its ids were needed for */
	for (size_t i = 0; i < old.n; i++)
		CHECK(record_same(&got.list[i], &old.list[i], false));
	records_free(&got);
	records_free(&old);
	free(both.at);
	free(first.at);
	free(second.at);
}

/* A header of this version with more at its end. */
static void test_longer_header(void)
{
	struct bytes content = { 0 }, block, longer = { 0 };
	uint8_t zeros[12] = { 0 };
	struct records got;

	craft_block_row(&content, STREAM_SNAPSHOTS, 0);
	craft_batch(&content, 3, tick_number(), ticks((struct bytes){ 0 }));
	block = craft_block(content, STREAM_SNAPSHOTS, 0);
	craft_bytes(&longer, block.at, BLOCK_FRAME);
	craft_bytes(&longer, zeros, sizeof(zeros));
	craft_bytes(&longer, block.at + BLOCK_FRAME, block.n - BLOCK_FRAME);
	put32(longer.at + 4, BLOCK_HEADER + sizeof(zeros));
	put32(longer.at + 8 + 16, BLOCK_HEADER + sizeof(zeros));
	craft_checksum(longer.at);
	got = records_read(longer.at, longer.n);
	check_ticks(&got);
	CHECK_EQUAL(got.report.headerless, 0);
	records_free(&got);
	free(longer.at);
	free(block.at);
	free(content.at);
}

/* Other programs' skippable frames: before, between and after the blocks. */
static void test_foreign_skippable(void)
{
	static const uint8_t foreign[] = { 0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c' };
	struct bytes small = small_trace(7), one = { 0 };
	struct records all = records_read(small.at, small.n), got;
	size_t end = 156 + get32(small.at + 8 + 52);

	craft_bytes(&one, foreign, sizeof(foreign));
	craft_bytes(&one, small.at, end);
	craft_bytes(&one, foreign, sizeof(foreign));
	craft_bytes(&one, small.at + end, small.n - end);
	craft_bytes(&one, foreign, sizeof(foreign));
	got = records_read(one.at, one.n);
	check_same(&got, &all);
	CHECK_EQUAL(got.report.damaged_blocks, 0);
	CHECK_EQUAL(got.report.blocks, 6);
	records_free(&got);
	records_free(&all);
	free(one.at);
	free(small.at);
}

static struct bytes text(const char *words)
{
	return (struct bytes){ (uint8_t *)words, strlen(words) };
}

static void test_no_trace(void)
{
	static char zeros[100000];
	struct bytes foreign = craft_frame(text("root:x:0:0:root:/root:/bin/bash\n"));
	struct bytes large = craft_frame((struct bytes){ (uint8_t *)zeros, sizeof(zeros) });
	struct bytes nothing = craft_frame((struct bytes){ 0 });
	struct bytes ticks_only = { 0 }, tick_frame;
	struct reader *reader;

	CHECK_EQUAL(open_error((struct bytes){ 0 }, "empty"), -ENODATA);
	CHECK_EQUAL(open_error(text("x"), "not a memtape trace: "), -EBADMSG);
	CHECK_EQUAL(open_error(text("just some words\n"), "not a memtape trace: "), -EBADMSG);
	CHECK_EQUAL(open_error((struct bytes){ (uint8_t *)zeros, sizeof(zeros) },
			       "not a memtape trace: "),
		    -EBADMSG);
	CHECK_EQUAL(open_error(foreign, "not a memtape trace: "), -EBADMSG);
	CHECK_EQUAL(open_error(large, "not a memtape trace: "), -EBADMSG);
	CHECK_EQUAL(open_error(nothing, "not a memtape trace: "), -EBADMSG);
	craft_batch(&ticks_only, 3, tick_number(), ticks((struct bytes){ 0 }));
	tick_frame = craft_frame(ticks_only);
	CHECK_EQUAL(open_error(tick_frame, "not a memtape trace: "), -EBADMSG);
	CHECK_EQUAL(reader_open("/nonexistent/trace", &reader), -ENOENT);
	CHECK_TEXT(reader_why(reader), "No such file or directory");
	reader_close(reader);
	CHECK_EQUAL(reader_open("/", &reader), -EISDIR);
	reader_close(reader);
	free(foreign.at);
	free(large.at);
	free(nothing.at);
	free(ticks_only.at);
	free(tick_frame.at);
}

/* A whole trace, then something else. */
static void test_foreign_behind(void)
{
	struct bytes small = small_trace(7);
	struct bytes frame = craft_frame(text("root:x:0:0:root:/root:/bin/bash\n"));
	struct bytes both = joined(small, frame);
	struct records all = records_read(small.at, small.n), got = records_read(both.at, both.n);

	check_same(&got, &all);
	CHECK_EQUAL(got.report.damaged_blocks, 1);
	CHECK_EQUAL(got.report.first_damage_offset, small.n);
	records_free(&got);
	records_free(&all);
	free(both.at);
	free(frame.at);
	free(small.at);
}

int main(void)
{
	test_plain();
	test_unknown_table();
	test_unknown_column();
	test_unknown_fields();
	test_unpacked();
	test_null_places();
	test_header_bytes();
	test_pids();
	test_pid_unknown();
	test_newer();
	test_longer_header();
	test_foreign_skippable();
	test_no_trace();
	test_foreign_behind();
	return 0;
}
