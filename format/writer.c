#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zstd.h>
#include "format/block.h"
#include "format/pids.h"
#include "format/rows.h"
#include "format/utf8.h"
#include "format/wire.h"
#include "format/writer.h"

/* Texts of a row, bytes; leaves room in a block for what is collected already. */
enum { ROW_MAX = BLOCK_RAW_MAX / 2 };

struct buffer {
	uint8_t *bytes;
	size_t size;
};

struct writer {
	int fd;
	int error; /* of a flush: nothing more is written */
	uint8_t session[16];
	struct rows *rows[TABLES_MAX];
	size_t raw; /* bytes collected */
	uint64_t written, lost_rows;
	uint64_t sequence[STREAMS];

	uint32_t epoch;
	uint64_t epoch_raw; /* bytes flushed in it */
	bool began;         /* its beginning is known: began_ns */
	int64_t began_ns;

	struct rows *block; /* the row that begins every block */
	const struct table *process;
	int process_pid;
	struct pids pids; /* of the epoch's processes */

	ZSTD_CCtx *zstd;
	struct buffer content, stored;
};

static void writer_free(struct writer *writer)
{
	if (!writer)
		return;
	for (int i = 0; i < TABLES_MAX; i++)
		rows_close(writer->rows[i]);
	rows_close(writer->block);
	ZSTD_freeCCtx(writer->zstd);
	free(writer->content.bytes);
	free(writer->stored.bytes);
	pids_free(&writer->pids);
	free(writer);
}

int writer_open(int fd, const struct writer_options *options, struct writer **out)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	const struct table *block = table_named("block");
	int err = -ENOMEM;

	if (!writer || !block)
		goto fail;
	writer->fd = fd;
	memcpy(writer->session, options->session, sizeof(writer->session));
	memcpy(writer->sequence, options->sequence, sizeof(writer->sequence));
	writer->epoch = options->epoch;
	writer->lost_rows = options->lost_rows;
	writer->process = table_named("process");
	writer->process_pid = table_column(writer->process, "pid");
	err = rows_open(block, &writer->block);
	if (err)
		goto fail;
	err = -ENOMEM;
	writer->zstd = ZSTD_createCCtx();
	if (!writer->zstd)
		goto fail;
	ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, options->level);
	ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
	*out = writer;
	return 0;
fail:
	writer_free(writer);
	return err;
}

static int buffer_reserve(struct buffer *buffer, size_t size)
{
	uint8_t *bytes;

	if (size <= buffer->size)
		return 0;
	bytes = realloc(buffer->bytes, size + size / 2);
	if (!bytes)
		return -ENOMEM;
	buffer->bytes = bytes;
	buffer->size = size + size / 2;
	return 0;
}

static int write_all(int fd, struct iovec *parts, int n)
{
	while (n) {
		ssize_t wrote = writev(fd, parts, n);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -errno;
		for (; n && (size_t)wrote >= parts->iov_len; n--)
			wrote -= parts++->iov_len;
		if (n) {
			parts->iov_base = (char *)parts->iov_base + wrote;
			parts->iov_len -= wrote;
		}
	}
	return 0;
}

static void pids_add(const struct writer *writer, const struct rows *rows,
		     struct block_header *header)
{
	for (size_t i = 0; i < rows->n_processes; i++) {
		uint32_t pid = pids_get(&writer->pids, rows->processes[i]);

		if (pid)
			block_add_pid(header, pid);
		else
			block_add_every_pid(header);
	}
}

static void header_add(const struct writer *writer, const struct rows *rows,
		       struct block_header *header, bool *timed)
{
	table_set_add(&header->tables, rows->table->number);
	pids_add(writer, rows, header);
	if (rows->table->ts_ns < 0)
		return;
	if (!*timed || rows->first_ns < header->first_ns)
		header->first_ns = rows->first_ns;
	if (!*timed || rows->last_ns > header->last_ns)
		header->last_ns = rows->last_ns;
	*timed = true;
}

static bool in_stream(const struct rows *rows, enum stream stream)
{
	return rows && rows->count && rows->table->stream == stream;
}

static uint64_t big_endian(const uint8_t *bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

static int block_row(struct writer *writer, const struct block_header *header)
{
	uint64_t values[] = {
		big_endian(header->session),
		big_endian(header->session + 8),
		header->epoch,
		header->stream,
		header->sequence,
		header->first_ns,
		header->last_ns,
		header->lost_rows,
	};

	_Static_assert(sizeof(values) / sizeof(*values) == 8, "the columns of message Block");
	rows_clear(writer->block);
	if (rows_add(writer->block, values, 0))
		return -ENOMEM;
	rows_encode(writer->block);
	return 0;
}

/* Puts the rows of a rank behind each other; the highest rank that there is into *highest. */
static uint8_t *rank_pack(const struct writer *writer, enum stream stream, int rank, int *highest,
			  uint8_t *at)
{
	for (int i = 0; i < TABLES_MAX; i++) {
		if (!in_stream(writer->rows[i], stream))
			continue;
		if (writer->rows[i]->table->rank > *highest)
			*highest = writer->rows[i]->table->rank;
		if (writer->rows[i]->table->rank == rank)
			at = rows_pack(writer->rows[i], at);
	}
	return at;
}

/* Packs the rows of a stream into the content of a block, what is referred to first. */
static int block_pack(struct writer *writer, struct block_header *header)
{
	size_t size = rows_size(writer->block);
	uint8_t *at;

	for (int i = 0; i < TABLES_MAX; i++)
		if (in_stream(writer->rows[i], header->stream))
			size += rows_size(writer->rows[i]);
	if (buffer_reserve(&writer->content, size + VARINT_ROOM))
		return -ENOMEM;
	at = rows_pack(writer->block, writer->content.bytes);
	for (int rank = 0, highest = 0; rank <= highest; rank++)
		at = rank_pack(writer, header->stream, rank, &highest, at);
	header->raw = at - writer->content.bytes;
	return 0;
}

static int block_write(struct writer *writer, struct block_header *header)
{
	uint8_t frame[BLOCK_FRAME];
	struct iovec parts[] = { { .iov_base = frame, .iov_len = sizeof(frame) }, { 0 } };
	size_t stored;
	int err;

	if (buffer_reserve(&writer->stored, ZSTD_compressBound(header->raw)))
		return -ENOMEM;
	stored = ZSTD_compress2(writer->zstd, writer->stored.bytes, writer->stored.size,
				writer->content.bytes, header->raw);
	if (ZSTD_isError(stored))
		return -ENOMEM;
	header->stored = stored;
	block_encode(header, frame);
	parts[1].iov_base = writer->stored.bytes;
	parts[1].iov_len = stored;
	err = write_all(writer->fd, parts, 2);
	if (!err)
		writer->written += sizeof(frame) + stored;
	return err;
}

static int stream_flush(struct writer *writer, enum stream stream)
{
	struct block_header header = {
		.stream = stream,
		.epoch = writer->epoch,
		.sequence = writer->sequence[stream],
		.lost_rows = writer->lost_rows,
	};
	bool timed = false, any = false;
	int err;

	for (int i = 0; i < TABLES_MAX; i++) {
		const struct rows *rows = writer->rows[i];

		if (!in_stream(rows, stream))
			continue;
		header_add(writer, rows, &header, &timed);
		any = true;
	}
	if (!any)
		return 0;
	if (timed && !writer->began) {
		writer->began_ns = header.first_ns;
		writer->began = true;
	}
	table_set_add(&header.tables, writer->block->table->number);
	memcpy(header.session, writer->session, sizeof(header.session));
	err = block_row(writer, &header);
	if (!err)
		err = block_pack(writer, &header);
	if (!err)
		err = block_write(writer, &header);
	writer->sequence[stream] += !err;
	return err;
}

/* Takes what was flushed out, and what waits into account. */
static void streams_clear(struct writer *writer, enum stream last)
{
	size_t waits = 0;

	for (int i = 0; i < TABLES_MAX; i++) {
		struct rows *rows = writer->rows[i];

		if (!rows || !rows->count)
			continue;
		if (rows->table->stream <= last)
			rows_clear(rows);
		else
			waits += rows->bytes;
	}
	writer->epoch_raw += writer->raw - waits;
	writer->raw = waits;
}

static int streams_flush(struct writer *writer, enum stream last)
{
	if (writer->error)
		return writer->error;
	for (int i = 0; i < TABLES_MAX; i++)
		if (writer->rows[i])
			rows_encode(writer->rows[i]);
	for (enum stream stream = 0; stream <= last && !writer->error; stream++)
		writer->error = stream_flush(writer, stream);
	streams_clear(writer, last);
	return writer->error;
}

int writer_flush(struct writer *writer)
{
	return streams_flush(writer, STREAM_SNAPSHOTS);
}

int writer_flush_events(struct writer *writer)
{
	return streams_flush(writer, STREAM_EVENTS);
}

static int rows_of(struct writer *writer, const struct table *table, struct rows **out)
{
	struct rows **rows = &writer->rows[table->number];

	*out = *rows;
	if (*rows)
		return 0;
	if (table == writer->block->table)
		return -EINVAL;
	if (rows_open(table, rows))
		return -ENOMEM;
	*out = *rows;
	return 0;
}

/* A row went in, or not; `before` is what the table's rows took. */
static int added(struct writer *writer, const struct rows *rows, size_t before, int err)
{
	if (err)
		return err;
	writer->raw += rows->bytes - before;
	return writer->raw < BLOCK_RAW_TARGET ? 0 : writer_flush(writer);
}

int writer_add(struct writer *writer, const struct table *table, const uint64_t *values,
	       uint32_t nulls)
{
	struct rows *rows;
	size_t before;
	int err = writer->error;

	if (!err)
		err = rows_of(writer, table, &rows);
	if (!err && rows->n_texts)
		err = -EINVAL;
	if (!err && rows_differ(rows, nulls))
		err = writer_flush(writer);
	if (err)
		return err;
	before = rows->bytes;
	return added(writer, rows, before, rows_add(rows, values, nulls));
}

static int cells_check(const struct table *table, const struct cell *cells, uint32_t *nulls)
{
	size_t bytes = 0;

	*nulls = 0;
	for (int i = 0; i < table->n_columns; i++) {
		const struct column_info *column = &table->columns[i];

		*nulls |= (uint32_t)cells[i].null << i;
		if (cells[i].null || column->kind != COLUMN_TEXT)
			continue;
		if (cells[i].length > TEXT_MAX)
			return -EMSGSIZE;
		bytes += cells[i].length;
		if (column->field->type == PROTOBUF_C_TYPE_STRING &&
		    !utf8_valid(cells[i].text, cells[i].length))
			return -EINVAL;
	}
	return bytes > ROW_MAX ? -EMSGSIZE : 0;
}

int writer_add_cells(struct writer *writer, const struct table *table, const struct cell *cells)
{
	struct rows *rows;
	uint32_t nulls;
	size_t before;
	int err = writer->error;

	if (!err)
		err = rows_of(writer, table, &rows);
	if (!err)
		err = cells_check(table, cells, &nulls);
	if (!err && rows_differ(rows, nulls))
		err = writer_flush(writer);
	if (!err && table == writer->process)
		err = pids_note(&writer->pids, cells[table->id].number,
				cells[writer->process_pid].number);
	if (err)
		return err;
	before = rows->bytes;
	return added(writer, rows, before, rows_add_cells(rows, cells));
}

void writer_lost(struct writer *writer, uint64_t rows)
{
	writer->lost_rows = rows;
}

bool writer_epoch_due(const struct writer *writer, int64_t now_ns)
{
	return writer->epoch_raw + writer->raw >= EPOCH_RAW_TARGET ||
	       (writer->began && now_ns - writer->began_ns >= EPOCH_NS);
}

int writer_epoch(struct writer *writer, int64_t now_ns)
{
	int err = writer_flush(writer);

	if (err)
		return err;
	writer->epoch++;
	writer->epoch_raw = 0;
	writer->began = true;
	writer->began_ns = now_ns;
	pids_clear(&writer->pids);
	return 0;
}

uint32_t writer_epoch_number(const struct writer *writer)
{
	return writer->epoch;
}

uint64_t writer_bytes(const struct writer *writer)
{
	return writer->written;
}

uint64_t writer_rows(const struct writer *writer, const struct table *table)
{
	const struct rows *rows = writer->rows[table->number];

	return rows ? rows->total : 0;
}

int writer_close(struct writer *writer)
{
	int err;

	if (!writer)
		return 0;
	err = writer_flush(writer);
	if (close(writer->fd) && !err)
		err = -errno;
	writer_free(writer);
	return err;
}
