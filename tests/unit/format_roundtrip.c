/*
 * What a writer is given is what a reader yields. For tests of the golden kind: `write FILE` writes
 * a small trace, `rows FILE` prints the rows of one.
 */
#include <errno.h>
#include "format/limits.h"
#include "tests/unit/format_trace.h"

static void check_integer(uint64_t got, uint64_t wanted, const char *what)
{
	if (got != wanted)
		FAIL("%s is %" PRIu64 ", not %" PRIu64, what, got, wanted);
}

static void check_text(const struct record *record, const char *column, const char *text)
{
	int i = table_column(record->table, column);

	CHECK_EQUAL(record->lengths[i], strlen(text));
	check_integer(record->values[i], hash_text(text, strlen(text)), column);
}

/* The definitions of the small trace, in one epoch. */
static void check_definitions(const struct records *all, int epoch)
{
	const struct record *host = record_find(all, "host", epoch);
	const struct record *first = record_find(all, "process", 2 * epoch);
	const struct record *second = record_find(all, "process", 2 * epoch + 1);
	const struct record *image = record_find(all, "image", 2 * epoch);
	const struct record *plain = record_find(all, "image", 2 * epoch + 1);

	CHECK(host && first && second && image && plain);
	check_text(host, "host", "example");
	CHECK_EQUAL(record_value(first, "pid"), 400);
	CHECK_EQUAL(record_value(second, "pid"), 401);
	check_integer(record_value(first, "host_id"), record_value(host, "id"), "host_id");
	CHECK_EQUAL(record_value(first, "parent_id"), 0);
	check_integer(record_value(second, "parent_id"), record_value(first, "id"), "parent_id");
	CHECK(!record_null(first, "uid") && record_null(second, "uid"));
	check_text(second, "comm", "daemon");
	check_text(image, "build_id", "a1b2c3");
	check_text(image, "path", "/usr/bin/daemon");
	CHECK(!record_null(image, "build_id") && record_null(image, "unidentified_path"));
	CHECK(record_null(plain, "build_id") && !record_null(plain, "unidentified_path"));
	check_text(plain, "unidentified_path", "/opt/\xff\x01");
}

static void check_stacks(const struct records *all, int epoch)
{
	uint64_t parent = 0;

	for (int i = 0; i < 3; i++) {
		const struct record *frame = record_find(all, "frame", 3 * epoch + i);
		const struct record *stack = record_find(all, "stack", 3 * epoch + i);

		CHECK(record_value(frame, "id") && record_value(stack, "id"));
		CHECK(record_value(frame, "id") != record_value(stack, "id"));
		CHECK_EQUAL(record_value(frame, "offset"), 4096 + i);
		check_integer(record_value(stack, "parent_id"), parent, "parent_id");
		check_integer(record_value(stack, "frame_id"), record_value(frame, "id"),
			      "frame_id");
		if (i < 2)
			check_integer(record_value(frame, "image_id"),
				      record_value(record_find(all, "image", 2 * epoch + i), "id"),
				      "image_id");
		parent = record_value(stack, "id");
	}
	CHECK_EQUAL(record_value(record_find(all, "frame", 3 * epoch + 2), "image_id"), 0);
}

static void check_events(const struct records *all, int epoch, int64_t at_ns)
{
	for (int i = 0; i < 5; i++) {
		const struct record *fault = record_find(all, "fault", 5 * epoch + i);
		const struct record *heap = record_find(all, "heap", 5 * epoch + i);

		CHECK_EQUAL(record_value(fault, "ts_ns"), at_ns + 1000 * i);
		check_integer(record_value(fault, "process_id"),
			      record_value(record_find(all, "process", i % 2), "id"), "process_id");
		check_integer(record_value(fault, "addr"),
			      i % 2 ? 0x7fff12345678 : 0xffffffff81000000, "addr");
		check_integer(record_value(fault, "ip_addr"), -1ULL * i, "ip_addr");
		check_integer(record_value(fault, "stack_id"),
			      record_value(record_find(all, "stack", i % 3), "id"), "stack_id");
		CHECK_EQUAL(record_null(fault, "kind"), i % 3 == 0);
		CHECK_EQUAL(record_null(fault, "access"), i % 3 == 0);
		CHECK_EQUAL(record_value(fault, "access"), i % 3 ? 2 : 0);
		CHECK_EQUAL(record_value(heap, "ts_ns"), at_ns - 7 * i);
		check_integer(record_value(heap, "size_bytes"), UINT64_MAX - i, "size_bytes");
		CHECK_EQUAL(record_value(heap, "op"), 1 + i);
		CHECK_EQUAL(record_value(heap, "stack_id") == 0, i == 0);
	}
	check_text(record_find(all, "snapshot_system", epoch), "content_text",
		   "pgfault 1\npgmajfault 0\n\xc3(");
	CHECK(record_null(record_find(all, "loss", epoch), "cpu"));
	CHECK_EQUAL(record_value(record_find(all, "loss", epoch), "begin_ns"), at_ns - 9);
	check_text(record_find(all, "loss", epoch), "table_name", "heap");
}

/* Ids are void in the next epoch, hashes are not. */
static void check_epochs(const struct records *all)
{
	static const struct {
		const char *table;
		size_t n;
	} definitions[] = {
		{ "host", 1 }, { "process", 2 }, { "image", 2 }, { "frame", 3 }, { "stack", 3 }
	};

	for (size_t t = 0; t < sizeof(definitions) / sizeof(*definitions); t++)
		for (size_t i = 0; i < definitions[t].n; i++) {
			const struct record *a = record_find(all, definitions[t].table, i);
			const struct record *b = record_find(all, definitions[t].table,
							     definitions[t].n + i);

			CHECK_EQUAL(a->epoch, 0);
			CHECK_EQUAL(b->epoch, 1);
			check_integer(record_value(b, "id"), record_value(a, "id"), "id");
		}
}

static void test_small(void)
{
	struct bytes bytes = small_trace(7);
	struct records all = records_read(bytes.at, bytes.n);

	for (int epoch = 0; epoch < 2; epoch++) {
		check_definitions(&all, epoch);
		check_stacks(&all, epoch);
		check_events(&all, epoch, epoch ? 3000000 : 1000000);
	}
	check_epochs(&all);
	CHECK_EQUAL(all.report.damaged_blocks, 0);
	CHECK_TEXT(all.damage, "");
	CHECK_EQUAL(all.report.blocks, 6);
	CHECK_EQUAL(record_count(&all, "block"), 6);
	CHECK_EQUAL(all.report.bytes, bytes.n);
	CHECK_EQUAL(all.report.missing_blocks, 0);
	CHECK_EQUAL(all.report.headerless, 0);
	CHECK_EQUAL(all.report.sessions, 1);
	CHECK_EQUAL(all.report.ended_sessions, 1);
	CHECK_EQUAL(all.report.first_ns, 1000000 - 28);
	CHECK_EQUAL(all.report.last_ns, 4000000);
	CHECK_EQUAL(record_value(record_find(&all, "block", 0), "lost_rows"), 0);
	CHECK_EQUAL(record_value(record_find(&all, "block", 5), "lost_rows"), 12);
	records_free(&all);
	free(bytes.at);
}

/* Content hashes, computed by hand from FORMAT.md: they may never change. */
static void test_hashes(void)
{
	struct bytes bytes = small_trace(7);
	struct records all = records_read(bytes.at, bytes.n);

	check_integer(record_value(record_find(&all, "host", 0), "id"), 0x58723d3ddec9db0b, "host");
	check_integer(record_value(record_find(&all, "process", 1), "id"), 0xdb476f61cdf3e361,
		      "process");
	check_integer(record_value(record_find(&all, "stack", 0), "id"), 0x2845926fae8292bd,
		      "stack");
	records_free(&all);
	free(bytes.at);
}

/* A value for every width that a varint can have, and a little more. */
static uint64_t value_of(unsigned i)
{
	uint64_t bit = 1ULL << i % 64;

	switch (i / 64 % 3) {
	case 0:
		return bit;
	case 1:
		return bit - 1;
	default:
		return ~bit;
	}
}

/* Every width in plain and difference columns; differences wrap; a gap of NULLs changes nothing. */
static void test_integers(void)
{
	enum { ROWS = 1000 };
	const struct table *fault = table_named("fault"), *block = table_named("block");
	int fd;
	struct writer *writer = small_open(&fd, 1);
	struct bytes bytes;
	struct records all;

	for (unsigned i = 0; i < ROWS; i++) {
		uint64_t row[COLUMNS_MAX] = {
			value_of(i),  0, value_of(i + 1), value_of(i + 2), i, 1, value_of(3 * i),
			-value_of(i), 0
		};

		CHECK_EQUAL(writer_add(writer, fault, row, i % 7 ? 0 : 1 << 3), 0);
		CHECK_EQUAL(writer_rows(writer, fault), i + 1);
	}
	CHECK_EQUAL(writer_add(writer, block, (uint64_t[8]){ 0 }, 0), -EINVAL);
	bytes = small_close(writer, fd);
	all = records_read(bytes.at, bytes.n);
	CHECK_EQUAL(record_count(&all, "fault"), ROWS);
	for (unsigned i = 0; i < ROWS; i++) {
		const struct record *row = &all.list[i + 1];

		check_integer(record_value(row, "ts_ns"), value_of(i), "ts_ns");
		check_integer(record_value(row, "tid"), value_of(i + 1), "tid");
		check_integer(record_value(row, "addr"), value_of(3 * i), "addr");
		check_integer(record_value(row, "ip_addr"), -value_of(i), "ip_addr");
		CHECK_EQUAL(record_null(row, "kind"), i % 7 == 0);
		check_integer(record_value(row, "kind"), i % 7 ? value_of(i + 2) : 0, "kind");
		CHECK_EQUAL(record_value(row, "access"), i);
	}
	records_free(&all);
	free(bytes.at);
}

/*
 * A column that is NULL throughout is absent, with a list of NULLs or without; one that has no list
 * and changes begins another batch.
 */
static void test_absent(void)
{
	struct cell session[COLUMNS_MAX] = { 0 }, loss[COLUMNS_MAX] = { 0 };
	const struct table *table = table_named("session");
	int fd, batches = 0;
	struct writer *writer = small_open(&fd, 1);
	struct bytes bytes;
	struct reader *reader;
	struct batch batch;

	for (int i = 0; i < table->n_columns; i++)
		session[i].null = true;
	cell_text(session, "session", "host", "example");
	cell_number(session, "session", "utc_offset_s", -3600);
	cells_add(writer, "session", session);
	cell_null(session, "session", "host");
	cells_add(writer, "session", session);
	cell_text(loss, "loss", "cause", "");
	cell_null(loss, "loss", "table_name");
	cell_null(loss, "loss", "cpu");
	for (int i = 0; i < 3; i++)
		cells_add(writer, "loss", loss);
	bytes = small_close(writer, fd);

	CHECK_EQUAL(open_bytes(bytes.at, bytes.n, &reader), 0);
	while (reader_next(reader, &batch) > 0) {
		const struct column *host, *cpu, *cause;

		if (batch.table == table) {
			host = &batch.columns[table_column(table, "host")];
			CHECK_EQUAL(batch.rows, 1);
			CHECK(column_null(&batch.columns[0], 0) && batch.columns[0].absent);
			CHECK_EQUAL(host->absent, batches);
			CHECK_EQUAL(host->texts[0].len, batches ? 0 : 7);
			CHECK_EQUAL(batch.columns[table_column(table, "utc_offset_s")].values[0],
				    -3600);
			CHECK_EQUAL(batch.columns[table_column(table, "cpus")].values[0], 0);
			batches++;
		}
		if (strcmp(batch.table->name, "loss"))
			continue;
		cpu = &batch.columns[table_column(batch.table, "cpu")];
		cause = &batch.columns[table_column(batch.table, "cause")];
		CHECK(cpu->absent && cpu->values[2] == 0);
		CHECK(!cause->absent && !column_null(cause, 2) && cause->texts[2].len == 0);
		CHECK(batch.columns[table_column(batch.table, "table_name")].absent);
		batches++;
	}
	CHECK_EQUAL(batches, 3);
	reader_close(reader);
	free(bytes.at);
}

/* Many rows: the writer flushes by itself, and says when an epoch is due. */
static void test_many(void)
{
	enum { ROWS = 300000 };
	const struct table *heap = table_named("heap");
	int fd;
	struct writer *writer = small_open(&fd, 1);
	struct bytes bytes;
	struct records all;
	uint64_t sum = 0, got = 0, row[9] = { 0 };

	small_definitions(writer, 1);
	CHECK(!writer_epoch_due(writer, 1LL << 62));
	for (uint64_t i = 0; i < ROWS; i++) {
		row[0] += i % 1000;
		row[1] = 4 + i % 2;
		row[4] = i * 0x9e3779b97f4a7c15;
		row[8] = 21 + i % 3;
		sum += row[4];
		CHECK_EQUAL(writer_add(writer, heap, row, 0), 0);
	}
	CHECK(writer_bytes(writer) > 0);
	CHECK_EQUAL(writer_epoch_number(writer), 0);
	CHECK(!writer_epoch_due(writer, 1));
	CHECK(writer_epoch_due(writer, EPOCH_NS));
	CHECK_EQUAL(writer_epoch(writer, EPOCH_NS), 0);
	CHECK_EQUAL(writer_epoch_number(writer), 1);
	CHECK(!writer_epoch_due(writer, 2 * EPOCH_NS - 1));
	CHECK(writer_epoch_due(writer, 2 * EPOCH_NS));
	CHECK_EQUAL(writer_rows(writer, heap), ROWS);
	bytes = small_close(writer, fd);
	all = records_read(bytes.at, bytes.n);
	CHECK_EQUAL(record_count(&all, "heap"), ROWS);
	CHECK(all.report.blocks > 10 && all.report.damaged_blocks == 0);
	for (size_t i = 0; i < all.n; i++)
		if (all.list[i].table == heap)
			got += record_value(&all.list[i], "addr");
	check_integer(got, sum, "sum of addresses");
	records_free(&all);
	free(bytes.at);
}

static void test_epoch_bytes(void)
{
	static char text[1 << 20];
	struct cell cells[COLUMNS_MAX] = { 0 };
	int fd;
	struct writer *writer = small_open(&fd, 1);
	int n = 0;

	memset(text, 'x', sizeof(text) - 1);
	cell_text(cells, "snapshot_system", "content_text", text);
	for (; !writer_epoch_due(writer, 0); n++)
		cells_add(writer, "snapshot_system", cells);
	CHECK(n >= 16 && n <= 17);
	free(small_close(writer, fd).at);
}

static void test_refused(void)
{
	static const char *const bad[] = {
		"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"
	};
	const struct table *source = table_named("source"), *snapshot;
	struct cell cells[COLUMNS_MAX] = { 0 };
	int fd;
	struct writer *writer = small_open(&fd, 1);
	char *large = malloc(TEXT_MAX + 1);
	struct bytes bytes;
	struct records all;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cell_text(cells, "source", "way", bad[i]);
		CHECK_EQUAL(writer_add_cells(writer, source, cells), -EINVAL);
	}
	cells[table_column(source, "way")] = (struct cell){ .text = "a\0b", .length = 3 };
	CHECK_EQUAL(writer_add_cells(writer, source, cells), -EINVAL);
	CHECK_EQUAL(writer_add(writer, source, (uint64_t[4]){ 0 }, 0), -EINVAL);
	snapshot = table_named("snapshot_system");
	memset(large, 'x', TEXT_MAX + 1);
	memset(cells, 0, sizeof(cells));
	cells[2] = (struct cell){ .text = large, .length = TEXT_MAX + 1 };
	CHECK_EQUAL(writer_add_cells(writer, snapshot, cells), -EMSGSIZE);
	cells[1] = cells[2] = (struct cell){ .text = large, .length = TEXT_MAX };
	CHECK_EQUAL(writer_add_cells(writer, snapshot, cells), 0);
	CHECK_EQUAL(writer_rows(writer, snapshot), 1);
	CHECK_EQUAL(writer_rows(writer, source), 0);
	bytes = small_close(writer, fd);
	all = records_read(bytes.at, bytes.n);
	CHECK_EQUAL(all.n, 2);
	CHECK_EQUAL(record_find(&all, "snapshot_system", 0)->lengths[1], TEXT_MAX);
	records_free(&all);
	free(bytes.at);
	free(large);
}

static void test_nothing(void)
{
	int fd;
	struct writer *writer = small_open(&fd, 1);
	struct bytes bytes;

	CHECK_EQUAL(writer_flush(writer), 0);
	CHECK_EQUAL(writer_epoch(writer, 5), 0);
	bytes = small_close(writer, fd);
	CHECK_EQUAL(bytes.n, 0);
	free(bytes.at);
	CHECK_EQUAL(writer_close(NULL), 0);
	reader_close(NULL);
}

static void write_small(const char *path)
{
	struct bytes bytes = small_trace(7);
	FILE *file = fopen(path, "w");

	CHECK(file && fwrite(bytes.at, bytes.n, 1, file) == 1 && !fclose(file));
	free(bytes.at);
}

/* One line a row: session, epoch, table, values; a text as the hash of it. */
static void print_rows(const char *path)
{
	struct reader *reader;
	struct records all;

	CHECK_EQUAL(reader_open(path, &reader), 0);
	all = records_of(reader);
	reader_close(reader);
	CHECK_EQUAL(all.report.damaged_blocks, 0);
	for (size_t i = 0; i < all.n; i++) {
		const struct record *row = &all.list[i];

		printf("%u %u %s", row->session, row->epoch, row->table->name);
		for (int k = 0; k < row->table->n_columns; k++)
			printf(row->nulls >> k & 1 ? " -" : " %" PRIx64, row->values[k]);
		putchar('\n');
	}
	records_free(&all);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "write")) {
		write_small(argv[2]);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "rows")) {
		print_rows(argv[2]);
		return 0;
	}
	test_small();
	test_hashes();
	test_integers();
	test_absent();
	test_many();
	test_epoch_bytes();
	test_refused();
	test_nothing();
	return 0;
}
