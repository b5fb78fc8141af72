/* Joined, merged and recompressed traces, selections, rewinding. */
#include <errno.h>
#include <zstd.h>
#include "tests/unit/format_small.h"

static void test_joined(void)
{
	struct small a = small_make(7), b = small_make(8);
	struct bytes both = joined(a.bytes, b.bytes), twice = joined(a.bytes, a.bytes), part;
	struct records got = records_read(both.at, both.n);

	CHECK_EQUAL(got.n, a.all.n + b.all.n);
	CHECK_EQUAL(got.report.sessions, 2);
	CHECK_EQUAL(got.report.ended_sessions, 2);
	CHECK_EQUAL(got.report.repeated_blocks, 0);
	CHECK_EQUAL(got.report.damaged_blocks, 0);
	for (size_t i = 0; i < got.n; i++) {
		bool second = i >= a.all.n;

		CHECK_EQUAL(got.list[i].session, second);
		CHECK(record_same(&got.list[i], second ? &b.all.list[i - a.all.n] : &a.all.list[i],
				  false));
	}
	records_free(&got);

	got = records_read(twice.at, twice.n);
	check_same(&got, &a.all);
	CHECK_EQUAL(got.report.sessions, 1);
	CHECK_EQUAL(got.report.ended_sessions, 1);
	CHECK_EQUAL(got.report.repeated_blocks, BLOCKS);
	CHECK_EQUAL(got.report.damaged_blocks, 0);
	CHECK_EQUAL(got.report.missing_blocks, 0);
	records_free(&got);

	/* The first part is cut off; its rows come once, the rest from the second. */
	part = joined((struct bytes){ a.bytes.at, a.ends[3] + 30 }, a.bytes);
	got = records_read(part.at, part.n);
	check_same(&got, &a.all);
	CHECK_EQUAL(got.report.repeated_blocks, 4);
	CHECK_EQUAL(got.report.damaged_blocks, 1);
	records_free(&got);
	free(part.at);
	free(both.at);
	free(twice.at);
	small_free(&a);
	small_free(&b);
}

/* The second epoch's definitions come first, then the whole: they hold again where they stand. */
static void test_epoch_left(void)
{
	struct small small = small_make(7);
	struct bytes bytes = blocks_of(&small, (int[]){ 3, 0, 1, 2, 3, 4, 5 }, 7);
	struct records got = records_read(bytes.at, bytes.n);

	CHECK_EQUAL(got.n, small.all.n);
	CHECK_EQUAL(got.report.damaged_blocks, 0);
	CHECK_EQUAL(got.report.repeated_blocks, 1);
	for (size_t i = 0; i < 5; i++)
		CHECK(record_same(record_find(&got, "heap", 5 + i),
				  record_find(&small.all, "heap", 5 + i), false));
	records_free(&got);
	free(bytes.at);
	small_free(&small);
}

/* Blocks of two sessions by turns. */
static void test_merged(void)
{
	struct small a = small_make(7), b = small_make(8);
	struct bytes bytes = { malloc(a.bytes.n + b.bytes.n), 0 };
	struct records got;
	size_t from_a = 0, from_b = 0;

	for (int i = 0; i < BLOCKS; i++)
		for (int second = 0; second < 2; second++) {
			struct bytes one = blocks_of(second ? &b : &a, &i, 1);

			memcpy(bytes.at + bytes.n, one.at, one.n);
			bytes.n += one.n;
			free(one.at);
		}
	got = records_read(bytes.at, bytes.n);
	CHECK_EQUAL(got.n, a.all.n + b.all.n);
	CHECK_EQUAL(got.report.damaged_blocks, 0);
	for (size_t i = 0; i < got.n; i++)
		CHECK(record_same(&got.list[i],
				  got.list[i].session ? &b.all.list[from_b++]
						      : &a.all.list[from_a++],
				  false));
	records_free(&got);
	free(bytes.at);
	small_free(&a);
	small_free(&b);
}

/* The content of all blocks. */
static struct bytes unpacked(const struct small *small)
{
	struct bytes out = { malloc(1 << 20), 0 };
	size_t n = ZSTD_decompress(out.at, 1 << 20, small->bytes.at, small->bytes.n);

	CHECK(!ZSTD_isError(n));
	out.n = n;
	return out;
}

static struct bytes packed(const void *at, size_t n)
{
	struct bytes out = { malloc(ZSTD_compressBound(n)), 0 };

	out.n = ZSTD_compress(out.at, ZSTD_compressBound(n), at, n, 3);
	CHECK(!ZSTD_isError(out.n));
	return out;
}

/* As `zstdcat a.mtape | zstd` makes it; and that in two frames cut at any byte. */
static void test_headerless(void)
{
	struct small small = small_make(7);
	struct bytes content = unpacked(&small), frame = packed(content.at, content.n);
	struct records got = records_read(frame.at, frame.n);

	check_same(&got, &small.all);
	CHECK_EQUAL(got.report.damaged_blocks, 0);
	CHECK_EQUAL(got.report.blocks, BLOCKS);
	CHECK(got.report.headerless > BLOCKS);
	CHECK_EQUAL(got.report.ended_sessions, 1);
	CHECK_EQUAL(got.report.first_ns, small.all.report.first_ns);
	CHECK_EQUAL(got.report.last_ns, small.all.report.last_ns);
	records_free(&got);
	for (size_t n = 200; n < content.n; n++) {
		struct bytes a = packed(content.at, n), b = packed(content.at + n, content.n - n);
		struct bytes both = joined(a, b);

		got = records_read(both.at, both.n);
		check_same(&got, &small.all);
		CHECK_EQUAL(got.report.damaged_blocks, 0);
		records_free(&got);
		free(a.at);
		free(b.at);
		free(both.at);
	}
	free(content.at);
	free(frame.at);
	small_free(&small);
}

/* A headerless file cut anywhere: rows from its beginning, and a word about it. */
static void test_headerless_prefixes(void)
{
	struct small small = small_make(7);
	struct bytes content = unpacked(&small), frame = packed(content.at, content.n);

	for (size_t n = 1; n < frame.n; n++) {
		struct reader *reader;
		struct records got;
		int err = open_bytes(frame.at, n, &reader);

		if (err) {
			CHECK_EQUAL(err, -EBADMSG);
			reader_close(reader);
			continue;
		}
		got = records_of(reader);
		reader_close(reader);
		check_subset(&got, &small.all);
		CHECK_EQUAL(got.report.damaged_blocks, 1);
		CHECK(strstr(got.damage, "cut off at byte"));
		records_free(&got);
	}
	free(content.at);
	free(frame.at);
	small_free(&small);
}

/* A whole trace, a recompressed one and a whole one again. */
static void test_mixed(void)
{
	struct small a = small_make(7), b = small_make(8);
	struct bytes content = unpacked(&a), frame = packed(content.at, content.n);
	struct bytes two = joined(b.bytes, frame), three = joined(two, b.bytes);
	struct records got = records_read(three.at, three.n);

	CHECK_EQUAL(got.n, a.all.n + b.all.n);
	CHECK_EQUAL(got.report.damaged_blocks, 0);
	CHECK_EQUAL(got.report.repeated_blocks, BLOCKS);
	for (size_t i = 0; i < a.all.n; i++)
		CHECK(record_same(&got.list[b.all.n + i], &a.all.list[i], false));
	records_free(&got);
	free(content.at);
	free(frame.at);
	free(two.at);
	free(three.at);
	small_free(&a);
	small_free(&b);
}

static struct records read_selected(const struct bytes *bytes, const struct reader_selection *what)
{
	struct reader *reader;
	struct records got;

	CHECK_EQUAL(open_bytes(bytes->at, bytes->n, &reader), 0);
	reader_select(reader, what);
	got = records_of(reader);
	reader_close(reader);
	return got;
}

static bool is_original(const struct record *record, const struct records *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (record_same(record, &all->list[i], false))
			return true;
	return false;
}

/* Checks a selection, with headers and without: it must be what a filter finds. */
static void check_selection(const struct small *small, const struct bytes *bytes, const char *table,
			    int64_t from_ns, int64_t to_ns, size_t rows)
{
	struct reader_selection selection = { .from_ns = from_ns, .to_ns = to_ns };
	struct records got;

	table_set_add(&selection.tables, table_named(table)->number);
	got = read_selected(bytes, &selection);
	CHECK_EQUAL(got.n, rows);
	for (size_t i = 0; i < got.n; i++)
		CHECK_TEXT(got.list[i].table->name, table);
	for (size_t i = 0; i < got.n; i++)
		CHECK(is_original(&got.list[i], &small->all));
	CHECK_EQUAL(got.report.damaged_blocks, 0);
	CHECK_EQUAL(got.report.ended_sessions, 1);
	CHECK_EQUAL(got.report.first_ns, small->all.report.first_ns);
	records_free(&got);
}

static void test_selection(void)
{
	struct small small = small_make(7);
	struct bytes content = unpacked(&small), frame = packed(content.at, content.n);
	const struct bytes *files[] = { &small.bytes, &frame };

	for (int i = 0; i < 2; i++) {
		check_selection(&small, files[i], "heap", 0, INT64_MAX, 10);
		check_selection(&small, files[i], "heap", 0, 1500000, 5);
		check_selection(&small, files[i], "heap", 2999972, 2999972, 5);
		check_selection(&small, files[i], "heap", 3004001, INT64_MAX, 0);
		check_selection(&small, files[i], "stack", 0, 1, 6);
		check_selection(&small, files[i], "end", 0, INT64_MAX, 1);
		check_selection(&small, files[i], "exit", 0, INT64_MAX, 0);
		check_selection(&small, files[i], "block", 0, 1500000, 4);
	}
	free(content.at);
	free(frame.at);
	small_free(&small);
}

static void test_rewind(void)
{
	struct small small = small_make(7);
	struct reader_selection heap = { .all_times = true };
	struct reader *reader;
	struct records got;

	table_set_add(&heap.tables, table_named("heap")->number);
	small.bytes.at[small.ends[4] - 1] ^= 1;
	CHECK_EQUAL(open_bytes(small.bytes.at, small.bytes.n, &reader), 0);
	for (int i = 0; i < 3; i++) {
		got = records_of(reader);
		CHECK_EQUAL(got.n, i == 1 ? 5 : small.all.n - small.rows[4]);
		CHECK_EQUAL(got.report.damaged_blocks, 1);
		CHECK_EQUAL(got.report.blocks, BLOCKS);
		CHECK_EQUAL(got.report.repeated_blocks, 0);
		records_free(&got);
		reader_rewind(reader);
		CHECK_EQUAL(reader_report(reader)->rows, 0);
		CHECK_TEXT(reader_report(reader)->first_damage, "");
		reader_select(reader, i ? NULL : &heap);
	}
	reader_close(reader);
	small_free(&small);
}

int main(void)
{
	test_joined();
	test_epoch_left();
	test_merged();
	test_headerless();
	test_headerless_prefixes();
	test_mixed();
	test_selection();
	test_rewind();
	return 0;
}
