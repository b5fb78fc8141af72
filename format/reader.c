#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "format/blocks.h"
#include "format/bytes.h"
#include "format/decode.h"
#include "format/translate.h"

struct reader {
	int fd;
	const struct table *block, *end;
	struct blocks blocks;
	struct decoder decoder;
	bool undefined_noted;
};

static int opened(struct reader *reader, const char *path)
{
	const char *why;
	int err;

	if (!tables(NULL, &why)) {
		snprintf(reader->blocks.why, sizeof(reader->blocks.why), "%s", why);
		return -EINVAL;
	}
	reader->block = table_named("block");
	reader->end = table_named("end");
	reader->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (reader->fd < 0) {
		err = -errno;
		snprintf(reader->blocks.why, sizeof(reader->blocks.why), "%s", strerror(-err));
		return err;
	}
	err = blocks_open(&reader->blocks, reader->fd);
	return err ? err : blocks_probe(&reader->blocks);
}

int reader_open(const char *path, struct reader **out)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	*out = reader;
	if (!reader)
		return -ENOMEM;
	reader->fd = -1;
	return opened(reader, path);
}

void reader_select(struct reader *reader, const struct reader_selection *selection)
{
	blocks_select(&reader->blocks, selection);
}

static void big_endian(uint64_t value, uint8_t *out)
{
	value = htobe64(value);
	memcpy(out, &value, sizeof(value));
}

static uint64_t cell(const struct decoder *decoder, const char *name)
{
	return decoder->out[table_column(decoder->table, name)].values[0];
}

/* The row of table `block`, as far as a header says the same. */
static void row_header(const struct decoder *decoder, struct block_header *out)
{
	*out = (struct block_header){
		.version = FORMAT_VERSION,
		.epoch = cell(decoder, "epoch"),
		.stream = cell(decoder, "stream"),
		.sequence = cell(decoder, "sequence"),
		.first_ns = cell(decoder, "first_ns"),
		.last_ns = cell(decoder, "last_ns"),
		.lost_rows = cell(decoder, "lost_rows"),
	};
	big_endian(cell(decoder, "session_hi"), out->session);
	big_endian(cell(decoder, "session_lo"), out->session + 8);
	memset(&out->tables, 0xff, sizeof(out->tables));
}

static bool selected(const struct reader *reader, const struct table *table)
{
	const struct blocks *blocks = &reader->blocks;

	return blocks->pass &&
	       (blocks->all_tables || table_set_has(&blocks->selection.tables, table->number));
}

/* 1; 0: damaged, noted; -errno. */
static int decode(struct reader *reader, const struct table *table, const struct batch_view *view)
{
	const char *why;
	int err = decoder_run(&reader->decoder, table, view, &why);

	reader->blocks.report.unknown_columns += reader->decoder.unknown_columns;
	if (err == -EBADMSG) {
		blocks_damaged(&reader->blocks, why);
		return 0;
	}
	return err ? err : 1;
}

/* 1; 0: there is nothing to pass on; -errno. */
static int translated(struct reader *reader)
{
	struct blocks *blocks = &reader->blocks;
	bool undefined;
	int err = translate(&reader->decoder, blocks->session, &blocks->sessions.pages, &undefined);

	if (err == -EBADMSG) {
		blocks_damaged(blocks, "a batch is too large");
		return 0;
	}
	if (err)
		return err;
	if (undefined && !reader->undefined_noted) {
		blocks_damaged(blocks, "it refers to definitions that are missing");
		reader->undefined_noted = true;
	}
	return reader->decoder.rows > 0;
}

static int pass(struct reader *reader, struct batch *out)
{
	const struct blocks *blocks = &reader->blocks;

	decoder_finish(&reader->decoder);
	*out = (struct batch){
		.table = reader->decoder.table,
		.rows = reader->decoder.rows,
		.columns = reader->decoder.out,
		.session_number = blocks->session->number,
		.epoch = blocks->block.epoch,
	};
	memcpy(out->session, blocks->session->id, sizeof(out->session));
	reader->blocks.report.rows += out->rows;
	return 1;
}

static int block_row(struct reader *reader, const struct batch_view *view, struct batch *out)
{
	struct block_header header;
	int got;

	if (view->rows != 1) {
		blocks_drop(&reader->blocks, "its own row is not one");
		return 0;
	}
	got = decode(reader, reader->block, view);
	if (got <= 0)
		return got;
	decoder_finish(&reader->decoder);
	row_header(&reader->decoder, &header);
	got = blocks_row(&reader->blocks, &header);
	if (got <= 0 || !selected(reader, reader->block))
		return got < 0 ? got : 0;
	return pass(reader, out);
}

/* 1: `out` is to be passed on; 0: go on; -errno. */
static int batch(struct reader *reader, struct wire bytes, struct batch *out)
{
	struct blocks *blocks = &reader->blocks;
	const struct table *table;
	struct batch_view view;
	int got;

	if (!batch_view(bytes, &view)) {
		blocks_damaged(blocks, "a batch is none");
		return 0;
	}
	table = table_numbered(view.number);
	if (table == reader->block)
		return block_row(reader, &view, out);
	if (!blocks->headerless && blocks->fresh) {
		blocks_drop(blocks, "it does not begin with its own row");
		return 0;
	}
	blocks->report.unknown_tables += !table;
	if (!table || !view.rows)
		return 0;
	if (!blocks->session) {
		blocks_damaged(blocks, "a batch stands in no block");
		return 0;
	}
	if (table->stream != blocks->block.stream) {
		blocks_damaged(blocks, "a batch is in the wrong stream");
		return 0;
	}
	if (table == reader->end)
		blocks_ended(blocks);
	if (!selected(reader, table) && !(table->id >= 0 && blocks->need_ids))
		return 0;
	got = decode(reader, table, &view);
	if (got > 0)
		got = translated(reader);
	if (got <= 0 || !selected(reader, table))
		return got < 0 ? got : 0;
	return pass(reader, out);
}

int reader_next(struct reader *reader, struct batch *out)
{
	struct wire bytes;

	for (;;) {
		int got = blocks_next(&reader->blocks, &bytes);

		if (got > 0)
			got = batch(reader, bytes, out);
		else if (!got)
			return 0;
		if (got)
			return got;
	}
}

void reader_rewind(struct reader *reader)
{
	blocks_rewind(&reader->blocks);
	reader->undefined_noted = false;
}

const struct reader_report *reader_report(const struct reader *reader)
{
	return &reader->blocks.report;
}

const char *reader_why(const struct reader *reader)
{
	return reader ? reader->blocks.why : "no memory";
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	blocks_close(&reader->blocks);
	decoder_free(&reader->decoder);
	if (reader->fd >= 0)
		close(reader->fd);
	free(reader);
}
