/*
 * writer_flush_events: definitions and events are in the file, snapshots wait, and none is lost or
 * comes twice.
 */
#include <fcntl.h>
#include <unistd.h>
#include "format/reader.h"
#include "format/writer.h"
#include "tests/check.h"

static void add(struct writer *writer, const char *name, uint64_t ts_ns)
{
	const struct table *table = table_named(name);
	struct cell cells[COLUMNS_MAX] = { 0 };

	for (int i = 0; i < table->n_columns; i++)
		if (table->columns[i].kind == COLUMN_TEXT)
			cells[i] = (struct cell){ .text = "text", .length = 4 };
	if (table->ts_ns >= 0)
		cells[table->ts_ns].number = ts_ns;
	CHECK(!writer_add_cells(writer, table, cells));
}

/* The rows of a table that are in the file now. */
static size_t rows_in(const char *path, const char *name)
{
	struct reader *reader;
	struct batch batch;
	size_t rows = 0;
	int err;

	CHECK(!reader_open(path, &reader));
	while ((err = reader_next(reader, &batch)) > 0)
		if (batch.table == table_named(name))
			rows += batch.rows;
	CHECK_EQUAL(err, 0);
	CHECK_EQUAL(reader_report(reader)->damaged_blocks, 0);
	reader_close(reader);
	return rows;
}

int main(void)
{
	const struct writer_options how = { .session = "0123456789abcde", .level = 1 };
	char path[] = "/tmp/memtape-flush-XXXXXX";
	struct writer *writer;
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	CHECK(!writer_open(fd, &how, &writer));
	for (uint64_t second = 1; second <= 10; second++) {
		add(writer, "fork", second * 1000000000);
		add(writer, "snapshot_system", second * 1000000000);
		CHECK(!writer_flush_events(writer));
		CHECK_EQUAL(rows_in(path, "fork"), second);
		CHECK_EQUAL(rows_in(path, "snapshot_system"), second <= 5 ? 0 : 5);
		if (second == 5)
			CHECK(!writer_flush(writer));
	}
	CHECK_EQUAL(writer_rows(writer, table_named("snapshot_system")), 10);
	/* What waits is no reason to lose the limit of a block. */
	for (uint64_t i = 0; i < 100000; i++)
		add(writer, "snapshot_system", 11000000000 + i);
	CHECK(rows_in(path, "snapshot_system") > 50000);
	CHECK(!writer_close(writer));
	CHECK_EQUAL(rows_in(path, "snapshot_system"), 100010);
	CHECK_EQUAL(rows_in(path, "fork"), 10);
	unlink(path);
	return 0;
}
