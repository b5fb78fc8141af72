/* Files made to hurt: every limit is kept, damage is said, what is whole around it is read. */
#include <errno.h>
#include <sys/resource.h>
#include "tests/unit/format_craft.h"

static unsigned number(const char *table)
{
	return table_named(table)->number;
}

static struct bytes good_ticks(void)
{
	struct bytes body = { 0 };

	craft_column(&body, 1, (uint64_t[]){ 20, 2 }, 2);
	craft_column(&body, 2, (uint64_t[]){ 7, 8 }, 2);
	return body;
}

/*
 * A block with one bad batch between two good ones: the good ones are read, with a header and
 * without. Takes over the batch, which is a whole field of Trace.
 */
static void check_bad(enum stream stream, const char *good, struct bytes body, struct bytes bad,
		      const char *words)
{
	struct bytes content = { 0 }, again = { 0 };
	size_t good_rows = stream == STREAM_SNAPSHOTS ? 2 : 1;

	craft_bytes(&again, body.at, body.n);
	craft_block_row(&content, stream, 0);
	craft_batch(&content, good_rows, number(good), body);
	craft_bytes(&content, bad.at, bad.n);
	craft_batch(&content, good_rows, number(good), again);
	for (int headerless = 0; headerless < 2; headerless++) {
		struct bytes file = headerless ? craft_frame(content)
					       : craft_block(content, stream, 0);
		struct records got = records_read(file.at, file.n);

		CHECK_EQUAL(record_count(&got, good), 2 * good_rows);
		CHECK_EQUAL(got.report.damaged_blocks, 1);
		if (!strstr(got.damage, words))
			FAIL("\"%s\" does not say \"%s\"", got.damage, words);
		records_free(&got);
		free(file.at);
	}
	free(content.at);
	free(bad.at);
}

/* A bad batch of table snapshot_tick, or another of its stream. */
static void check_bad_batch(uint64_t rows, const char *table, struct bytes body, const char *words)
{
	struct bytes bad = { 0 };

	craft_batch(&bad, rows, number(table), body);
	check_bad(STREAM_SNAPSHOTS, "snapshot_tick", good_ticks(), bad, words);
}

static struct bytes column(uint32_t field, const uint64_t *values, size_t n)
{
	struct bytes body = { 0 };

	craft_column(&body, field, values, n);
	return body;
}

static struct bytes raw(const char *at, size_t n)
{
	struct bytes out = { 0 };

	craft_bytes(&out, at, n);
	return out;
}

static void test_lengths(void)
{
	static const uint64_t three[3] = { 1, 2, 3 };
	struct bytes body;

	check_bad_batch(2, "snapshot_tick", column(1, three, 3), "not as long as its batch");
	check_bad_batch(4, "snapshot_tick", column(1, three, 3), "not as long as its batch");
	check_bad_batch(BATCH_ROWS_MAX, "snapshot_tick", column(1, three, 3), "more rows than");
	check_bad_batch(BATCH_ROWS_MAX + 1ULL, "snapshot_tick", column(1, three, 3), "too many");
	check_bad_batch(UINT64_MAX, "snapshot_tick", column(1, three, 3), "too many rows");
	check_bad_batch(3, "snapshot_tick", column(60, three, 3), "no column");
	check_bad_batch(1, "snapshot_tick", raw("\x0a\0\x12\0", 4), "no column");
	body = column(1, three, 3);
	craft_column(&body, 2, three, 2);
	check_bad_batch(3, "snapshot_tick", body, "not as long as its batch");
}

static void test_null_lists(void)
{
	static const uint64_t values[2] = { 1, 2 };
	struct bytes body = column(5, values, 2);

	craft_column(&body, 105, (uint64_t[]){ 2 }, 1);
	check_bad_batch(2, "loss", body, "a row that is not there");
	body = column(5, values, 2);
	craft_column(&body, 105, (uint64_t[]){ UINT64_MAX }, 1);
	check_bad_batch(2, "loss", body, "a row that is not there");
}

static void test_texts(void)
{
	struct bytes body = { 0 }, text = { malloc(TEXT_MAX + 1), TEXT_MAX + 1 };

	craft_column(&body, 1, (uint64_t[]){ 1 }, 1);
	craft_field(&body, 2, (struct bytes){ memcpy(malloc(2), "\xff\xff", 2), 2 });
	check_bad_batch(1, "counter", body, "not UTF-8");
	memset(text.at, 'x', text.n);
	body = (struct bytes){ 0 };
	craft_column(&body, 1, (uint64_t[]){ 1 }, 1);
	craft_field(&body, 3, text);
	check_bad_batch(1, "snapshot_system", body, "too long");
}

static void test_messages(void)
{
	struct bytes bad = { 0 }, batch = { 0 }, body;

	/* No message of its table: a length beyond the end, a wrong wire type, a group. */
	check_bad_batch(2, "snapshot_tick", raw("\x0a\x7f", 2), "no message of its table");
	check_bad_batch(2, "snapshot_tick", raw("\x0d\1\2\3\4", 5), "wrong type");
	check_bad_batch(2, "snapshot_tick", raw("\x0b\x0c", 2), "no message of its table");
	/* No Batch. */
	craft_field(&bad, 1, raw("\xff\xff\xff", 3));
	check_bad(STREAM_SNAPSHOTS, "snapshot_tick", good_ticks(), bad, "a batch is none");
	/* Two tables in a batch. */
	craft_number(&batch, 1, 2);
	craft_field(&batch, number("snapshot_tick"), good_ticks());
	craft_field(&batch, number("counter"), good_ticks());
	bad = (struct bytes){ 0 };
	craft_field(&bad, 1, batch);
	check_bad(STREAM_SNAPSHOTS, "snapshot_tick", good_ticks(), bad, "a batch is none");
	/* A table of events among the snapshots. */
	body = column(1, (uint64_t[]){ 1 }, 1);
	check_bad_batch(1, "exit", body, "wrong stream");
}

static struct bytes host(uint64_t id)
{
	struct bytes body = { 0 };

	craft_column(&body, 1, &id, 1);
	craft_field(&body, 2, raw("boot", 4));
	return body;
}

/* Ids that no writer gives: they stay undefined, their rows are read. */
static void test_ids(void)
{
	static const uint64_t ids[] = { DEFINITIONS_MAX, UINT64_MAX, 1ULL << 63 };

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		struct bytes content = { 0 }, file;
		struct records got;

		craft_block_row(&content, STREAM_DEFINITIONS, 0);
		craft_batch(&content, 1, number("host"), host(1));
		craft_batch(&content, 1, number("host"), host(ids[i]));
		file = craft_block(content, STREAM_DEFINITIONS, 0);
		got = records_read(file.at, file.n);
		CHECK_EQUAL(record_count(&got, "host"), 2);
		CHECK(record_value(record_find(&got, "host", 1), "id") ==
		      record_value(record_find(&got, "host", 0), "id"));
		CHECK_EQUAL(got.report.damaged_blocks, 1);
		records_free(&got);
		free(file.at);
		free(content.at);
	}
}

/* Ids far apart, so that each needs a page of its own. Memory stays bounded. */
static void test_sparse_ids(void)
{
	enum { ROWS = DEFINITIONS_MAX / 512 };
	uint64_t *ids = calloc(ROWS, sizeof(*ids));
	struct bytes content = { 0 }, body = { 0 }, file;
	struct rusage usage;
	struct records got;

	craft_block_row(&content, STREAM_DEFINITIONS, 0);
	for (size_t i = 0; i < ROWS; i++)
		ids[i] = 512 * i + 1;
	craft_column(&body, 1, ids, ROWS);
	craft_batch(&content, ROWS, number("frame"), body);
	file = craft_block(content, STREAM_DEFINITIONS, 0);
	got = records_read(file.at, file.n);
	CHECK_EQUAL(record_count(&got, "frame"), ROWS);
	CHECK_EQUAL(got.report.damaged_blocks, 0);
	getrusage(RUSAGE_SELF, &usage);
	CHECK(usage.ru_maxrss < 1 << 20);
	records_free(&got);
	free(file.at);
	free(content.at);
	free(ids);
}

/* A definition that refers to itself, or forward: not defined yet. */
static void test_circles(void)
{
	struct bytes content = { 0 }, body = { 0 }, file;
	struct records got;

	craft_block_row(&content, STREAM_DEFINITIONS, 0);
	craft_column(&body, 1, (uint64_t[]){ 1, 2, 3 }, 3);
	craft_column(&body, 2, (uint64_t[]){ 1, 3, 0 }, 3);
	craft_batch(&content, 3, number("stack"), body);
	file = craft_block(content, STREAM_DEFINITIONS, 0);
	got = records_read(file.at, file.n);
	CHECK_EQUAL(record_count(&got, "stack"), 1);
	CHECK_EQUAL(record_value(record_find(&got, "stack", 0), "parent_id"), 0);
	CHECK_EQUAL(got.report.damaged_blocks, 1);
	records_free(&got);
	free(file.at);
	free(content.at);
}

/* Headers whose checksum is good and whose contents are not. */
static void test_headers(void)
{
	static const struct {
		size_t offset;
		uint32_t value;
	} bad[] = {
		{ 52, BLOCK_STORED_MAX + 1 },
		{ 52, UINT32_MAX },
		{ 56, BLOCK_RAW_MAX + 1 },
		{ 56, UINT32_MAX },
		{ 56, 1 },
		{ 56, 5000 },
		{ 52, 1 },
		{ 28, STREAMS },
		{ 16, 0 },
		{ 16, UINT32_MAX },
		{ 16, BLOCK_HEADER - 1 },
		{ 32, 99 },
		{ 48, 99 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct bytes small = small_trace(7), other = small_trace(8), both;
		struct records got, rest = records_read(other.at, other.n);

		put32(small.at + 8 + bad[i].offset, bad[i].value);
		if (get32(small.at + 8 + 16) == BLOCK_HEADER)
			craft_checksum(small.at);
		both = joined(small, other);
		got = records_read(both.at, both.n);
		CHECK(got.report.damaged_blocks >= 1);
		CHECK_EQUAL(got.report.first_damage_offset, 0);
		CHECK(got.n > rest.n);
		for (size_t k = 0; k < rest.n; k++)
			CHECK(record_same(&got.list[got.n - rest.n + k], &rest.list[k], false));
		records_free(&got);
		records_free(&rest);
		free(both.at);
		free(small.at);
		free(other.at);
	}
}

/* A content that does not begin with its own row, or has it twice. */
static void test_block_rows(void)
{
	struct bytes content = { 0 }, file;
	struct records got;

	craft_batch(&content, 2, number("snapshot_tick"), good_ticks());
	file = craft_block(content, STREAM_SNAPSHOTS, 0);
	got = records_read(file.at, file.n);
	CHECK_EQUAL(got.n, 0);
	CHECK(strstr(got.damage, "does not begin with its own row"));
	records_free(&got);
	free(file.at);

	content.n = 0;
	craft_block_row(&content, STREAM_SNAPSHOTS, 0);
	craft_block_row(&content, STREAM_SNAPSHOTS, 1);
	craft_batch(&content, 2, number("snapshot_tick"), good_ticks());
	file = craft_block(content, STREAM_SNAPSHOTS, 0);
	got = records_read(file.at, file.n);
	CHECK_EQUAL(got.n, 1);
	CHECK(strstr(got.damage, "its row and its header differ"));
	records_free(&got);
	free(file.at);
	free(content.at);
}

/* Much from little: a small frame that holds a batch larger than any may be. */
static void test_bombs(void)
{
	size_t n = 64 << 20;
	struct bytes content = { 0 }, zeros = { calloc(n, 1), n }, file;
	struct records got;

	craft_block_row(&content, STREAM_SNAPSHOTS, 0);
	craft_batch(&content, 2, number("snapshot_tick"), good_ticks());
	craft_varint(&content, 1 << 3 | WIRE_LENGTH);
	craft_varint(&content, n);
	craft_bytes(&content, zeros.at, n);
	file = craft_frame(content);
	CHECK(file.n < 100000);
	got = records_read(file.at, file.n);
	CHECK_EQUAL(got.n, 3);
	CHECK_EQUAL(got.report.damaged_blocks, 1);
	CHECK(strstr(got.damage, "too large"));
	records_free(&got);
	free(file.at);
	free(content.at);
	free(zeros.at);
}

/* Columns of four million rows that have one each: what they would take is bounded. */
static void test_unpacked_size(void)
{
	struct bytes bad = { 0 }, body = { 0 };
	struct bytes text = { calloc(TEXT_MAX, 1), TEXT_MAX };

	for (int i = 0; i < 5; i++)
		craft_field(&body, (uint32_t[]){ 1, 2, 3, 4, 8 }[i], raw("x", 1));
	craft_field(&body, 10, text);
	craft_batch(&bad, BATCH_ROWS_MAX, number("session"), body);
	check_bad(STREAM_DEFINITIONS, "host", host(1), bad, "a batch is too large");
}

static void test_sessions(void)
{
	struct bytes content = { 0 }, frame;
	struct records got;

	for (uint64_t i = 0; i < SESSIONS_MAX + 3; i++) {
		struct bytes body = { 0 };

		craft_field(&body, 1, raw((const char *)&i, sizeof(i)));
		craft_field(&body, 2, raw((const char *)&i, sizeof(i)));
		craft_column(&body, 4, (uint64_t[]){ STREAM_SNAPSHOTS }, 1);
		craft_batch(&content, 1, number("block"), body);
		craft_batch(&content, 2, number("snapshot_tick"), good_ticks());
	}
	frame = craft_frame(content);
	got = records_read(frame.at, frame.n);
	CHECK_EQUAL(got.report.sessions, SESSIONS_MAX);
	CHECK_EQUAL(got.n, 3 * SESSIONS_MAX);
	CHECK(got.report.damaged_blocks > 0);
	CHECK(strstr(got.damage, "session too many"));
	records_free(&got);
	free(frame.at);
	free(content.at);
}

int main(void)
{
	test_sparse_ids(); /* first: it measures memory */
	test_lengths();
	test_null_lists();
	test_texts();
	test_messages();
	test_ids();
	test_circles();
	test_headers();
	test_block_rows();
	test_bombs();
	test_unpacked_size();
	test_sessions();
	return 0;
}
