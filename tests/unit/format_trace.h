/*
 * What the tests of the format share: traces in memory, a small one that has everything, and the
 * rows of a trace as records that can be compared.
 */
#ifndef TESTS_UNIT_FORMAT_TRACE_H
#define TESTS_UNIT_FORMAT_TRACE_H

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "format/hash.h"
#include "format/reader.h"
#include "format/writer.h"
#include "tests/check.h"

struct bytes {
	uint8_t *at;
	size_t n;
};

struct record {
	const struct table *table;
	unsigned session;
	uint32_t epoch, nulls;
	uint64_t values[COLUMNS_MAX]; /* of a text its hash */
	size_t lengths[COLUMNS_MAX];
};

struct records {
	struct record *list;
	size_t n, room;
	struct reader_report report;
	char damage[200];
};

static inline int memory_file(void)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static inline struct bytes file_bytes(int fd)
{
	struct bytes bytes = { .n = lseek(fd, 0, SEEK_END) };

	bytes.at = malloc(bytes.n + 1);
	CHECK(pread(fd, bytes.at, bytes.n, 0) == (ssize_t)bytes.n);
	return bytes;
}

static inline struct bytes joined(struct bytes a, struct bytes b)
{
	struct bytes both = { malloc(a.n + b.n + 1), a.n + b.n };

	memcpy(both.at, a.at, a.n);
	memcpy(both.at + a.n, b.at, b.n);
	return both;
}

/* Opens bytes as a trace; the reader is closed by the caller. */
static inline int open_bytes(const void *bytes, size_t n, struct reader **out)
{
	int fd = memory_file(), err;
	char path[64];

	CHECK(write(fd, bytes, n) == (ssize_t)n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = reader_open(path, out);
	close(fd);
	return err;
}

static inline void record_add(struct records *records, const struct batch *batch, size_t row)
{
	struct record *record;

	if (records->n == records->room) {
		records->room = records->room ? 2 * records->room : 256;
		records->list = realloc(records->list, records->room * sizeof(*records->list));
		CHECK(records->list);
	}
	record = &records->list[records->n++];
	memset(record, 0, sizeof(*record));
	record->table = batch->table;
	record->session = batch->session_number;
	record->epoch = batch->epoch;
	for (int i = 0; i < batch->table->n_columns; i++) {
		const struct column *column = &batch->columns[i];

		record->nulls |= (uint32_t)column_null(column, row) << i;
		if (batch->table->columns[i].kind != COLUMN_TEXT) {
			record->values[i] = column->values[row];
			continue;
		}
		record->lengths[i] = column->texts[row].len;
		record->values[i] = hash_text(column->texts[row].data, column->texts[row].len);
	}
}

static inline struct records records_of(struct reader *reader)
{
	struct records records = { 0 };
	struct batch batch;
	int got;

	while ((got = reader_next(reader, &batch)) > 0)
		for (size_t row = 0; row < batch.rows; row++)
			record_add(&records, &batch, row);
	CHECK_EQUAL(got, 0);
	CHECK_EQUAL(reader_next(reader, &batch), 0);
	records.report = *reader_report(reader);
	snprintf(records.damage, sizeof(records.damage), "%s", records.report.first_damage);
	records.report.first_damage = NULL;
	CHECK_EQUAL(records.report.rows, records.n);
	return records;
}

/* The rows of a trace that opens. */
static inline struct records records_read(const void *bytes, size_t n)
{
	struct reader *reader;
	struct records records;

	CHECK_EQUAL(open_bytes(bytes, n, &reader), 0);
	records = records_of(reader);
	reader_close(reader);
	return records;
}

static inline void records_free(struct records *records)
{
	free(records->list);
	memset(records, 0, sizeof(*records));
}

/* With `lossy`, references of `a` may be none where those of `b` are some. */
static inline bool record_same(const struct record *a, const struct record *b, bool lossy)
{
	if (a->table != b->table || a->epoch != b->epoch || a->nulls != b->nulls)
		return false;
	for (int i = 0; i < a->table->n_columns; i++) {
		const struct column_info *info = &a->table->columns[i];

		if (a->values[i] == b->values[i] && a->lengths[i] == b->lengths[i])
			continue;
		if (!lossy || !info->refers || info->identity || a->values[i])
			return false;
	}
	return true;
}

static inline void check_same(const struct records *a, const struct records *b)
{
	CHECK_EQUAL(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		if (!record_same(&a->list[i], &b->list[i], false))
			FAIL("row %zu (%s) differs", i, a->list[i].table->name);
}

/* Rows of one table, in the order of the trace. */
static inline const struct record *record_find(const struct records *records, const char *table,
					       size_t nth)
{
	for (size_t i = 0; i < records->n; i++)
		if (!strcmp(records->list[i].table->name, table) && !nth--)
			return &records->list[i];
	return NULL;
}

static inline size_t record_count(const struct records *records, const char *table)
{
	size_t n = 0;

	for (size_t i = 0; i < records->n; i++)
		n += !strcmp(records->list[i].table->name, table);
	return n;
}

static inline uint64_t record_value(const struct record *record, const char *column)
{
	int i;

	CHECK(record);
	i = table_column(record->table, column);
	CHECK(i >= 0);
	return record->values[i];
}

static inline bool record_null(const struct record *record, const char *column)
{
	CHECK(record);
	return record->nulls >> table_column(record->table, column) & 1;
}

/* Sets a cell by its column's name. */
static inline void cell_number(struct cell *cells, const char *table, const char *column,
			       uint64_t number)
{
	int i = table_column(table_named(table), column);

	CHECK(i >= 0);
	cells[i] = (struct cell){ .number = number };
}

static inline void cell_text(struct cell *cells, const char *table, const char *column,
			     const char *text)
{
	int i = table_column(table_named(table), column);

	CHECK(i >= 0);
	cells[i] = (struct cell){ .text = text, .length = strlen(text) };
}

static inline void cell_null(struct cell *cells, const char *table, const char *column)
{
	int i = table_column(table_named(table), column);

	CHECK(i >= 0);
	cells[i] = (struct cell){ .null = true };
}

static inline void cells_add(struct writer *writer, const char *table, struct cell *cells)
{
	CHECK_EQUAL(writer_add_cells(writer, table_named(table), cells), 0);
}

static inline struct writer *small_open(int *fd, uint8_t session)
{
	struct writer_options options = { .level = 1 };
	struct writer *writer;

	memset(options.session, session, sizeof(options.session));
	*fd = memory_file();
	CHECK_EQUAL(writer_open(dup(*fd), &options, &writer), 0);
	return writer;
}

static inline struct bytes small_close(struct writer *writer, int fd)
{
	struct bytes bytes;

	CHECK_EQUAL(writer_close(writer), 0);
	bytes = file_bytes(fd);
	close(fd);
	return bytes;
}

/*
 * The definitions of a small trace, with ids from `base` on: a host, two processes, an image with
 * and one without build id, three frames, a stack of three, a symbol found and one not.
 */
static inline void small_definitions(struct writer *writer, uint64_t base)
{
	struct cell host[COLUMNS_MAX] = { 0 }, process[COLUMNS_MAX] = { 0 };
	struct cell image[COLUMNS_MAX] = { 0 }, frame[COLUMNS_MAX] = { 0 };
	struct cell stack[COLUMNS_MAX] = { 0 }, symbol[COLUMNS_MAX] = { 0 };

	cell_number(host, "host", "id", base);
	cell_text(host, "host", "boot_id", "0f8fad5b-d9cb-469f-a165-70867728950e");
	cell_text(host, "host", "host", "example");
	cells_add(writer, "host", host);
	for (int i = 0; i < 2; i++) {
		cell_number(process, "process", "id", base + 3 + i);
		cell_number(process, "process", "host_id", base);
		cell_number(process, "process", "pid", 400 + i);
		cell_number(process, "process", "start_ticks", 77);
		cell_text(process, "process", "comm", "daemon");
		cell_number(process, "process", "parent_id", i ? base + 3 : 0);
		cell_number(process, "process", "uid", 0);
		if (i)
			cell_null(process, "process", "uid");
		cells_add(writer, "process", process);
		cell_number(image, "image", "id", base + 5 + i);
		cell_text(image, "image", "build_id", "a1b2c3");
		cell_text(image, "image", "path", i ? "/opt/\xff\x01" : "/usr/bin/daemon");
		cell_null(image, "image", "unidentified_path");
		if (i) {
			cell_null(image, "image", "build_id");
			cell_text(image, "image", "unidentified_path", "/opt/\xff\x01");
		}
		cells_add(writer, "image", image);
	}
	for (int i = 0; i < 3; i++) {
		cell_number(frame, "frame", "id", base + 10 + i);
		cell_number(frame, "frame", "image_id", i < 2 ? base + 5 + i : 0);
		cell_number(frame, "frame", "offset", 4096 + i);
		cells_add(writer, "frame", frame);
		cell_number(stack, "stack", "id", base + 20 + i);
		cell_number(stack, "stack", "parent_id", i ? base + 20 + i - 1 : 0);
		cell_number(stack, "stack", "frame_id", base + 10 + i);
		cells_add(writer, "stack", stack);
	}
	for (int i = 0; i < 2; i++) {
		cell_number(symbol, "symbol", "image_id", base + 5);
		cell_number(symbol, "symbol", "offset", 4096 + i);
		cell_text(symbol, "symbol", "symbol", "_ZN3foo3barEv");
		if (i)
			cell_null(symbol, "symbol", "symbol");
		cells_add(writer, "symbol", symbol);
	}
}

static inline void small_events(struct writer *writer, uint64_t base, int64_t at_ns)
{
	const struct table *fault = table_named("fault"), *heap = table_named("heap");
	struct cell snapshot[COLUMNS_MAX] = { 0 }, loss[COLUMNS_MAX] = { 0 };

	for (int i = 0; i < 5; i++) {
		uint64_t faults[COLUMNS_MAX] = { at_ns + 1000 * i,
						 base + 3 + i % 2,
						 400,
						 1,
						 2,
						 1,
						 i % 2 ? 0x7fff12345678 : 0xffffffff81000000,
						 -1ULL * i,
						 base + 20 + i % 3 };
		uint64_t heaps[] = { at_ns - 7 * i,    base + 3,       401, 1 + i,
				     0x5581 + 16 * i,  UINT64_MAX - i, 0,   0,
				     i ? base + 22 : 0 };

		CHECK_EQUAL(writer_add(writer, fault, faults, i % 3 ? 0 : 3U << 3), 0);
		CHECK_EQUAL(writer_add(writer, heap, heaps, 0), 0);
	}
	cell_number(snapshot, "snapshot_system", "ts_ns", at_ns);
	cell_text(snapshot, "snapshot_system", "path", "/proc/vmstat");
	cell_text(snapshot, "snapshot_system", "content_text", "pgfault 1\npgmajfault 0\n\xc3(");
	cells_add(writer, "snapshot_system", snapshot);
	cell_number(loss, "loss", "ts_ns", at_ns + 9);
	cell_number(loss, "loss", "begin_ns", at_ns - 9);
	cell_text(loss, "loss", "table_name", "heap");
	cell_text(loss, "loss", "cause", "ring");
	cell_null(loss, "loss", "cpu");
	cell_number(loss, "loss", "lost_rows", 12);
	cells_add(writer, "loss", loss);
}

static inline void small_end(struct writer *writer, int64_t at_ns)
{
	struct cell end[COLUMNS_MAX] = { 0 };

	cell_number(end, "end", "ts_ns", at_ns);
	cell_text(end, "end", "reason", "stopped");
	cells_add(writer, "end", end);
}

/* Two epochs whose ids differ, the second in two flushes; an END row. */
static inline struct bytes small_trace(uint8_t session)
{
	int fd;
	struct writer *writer = small_open(&fd, session);

	small_definitions(writer, 1);
	small_events(writer, 1, 1000000);
	CHECK_EQUAL(writer_epoch(writer, 2000000), 0);
	writer_lost(writer, 12);
	small_definitions(writer, 1000);
	CHECK_EQUAL(writer_flush(writer), 0);
	small_events(writer, 1000, 3000000);
	small_end(writer, 4000000);
	return small_close(writer, fd);
}

#endif
