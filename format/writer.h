/*
 * Writes a trace: rows go in, blocks come out. Earlier bytes are never patched, so the output may
 * be a pipe. One thread.
 *
 * Rows are collected per table; a flush packs them into batches and writes one block per stream
 * that has rows, definitions first. The writer flushes by itself when the collected rows reach
 * BLOCK_RAW_TARGET bytes. The caller flushes when BLOCK_NS have passed, and begins an epoch when
 * writer_epoch_due(); at the beginning of an epoch all ids are void and the caller writes the
 * session and clock rows and, on first use, every definition anew.
 */
#ifndef FORMAT_WRITER_H
#define FORMAT_WRITER_H

#include "format/table.h"

struct writer;

struct writer_options {
	uint8_t session[16]; /* random */
	int level;           /* of zstd; 1 while recording */

	/* To go on with a session that another writer ended: what comes next. 0 in a new one. */
	uint32_t epoch;
	uint64_t sequence[STREAMS];
	uint64_t lost_rows;
};

/* One value of a row. */
struct cell {
	bool null;
	uint64_t number;  /* any integer; a signed one as its two's complement */
	const char *text; /* a text: copied */
	size_t length;
};

/* Takes over `fd`. 0, -ENOMEM. */
int writer_open(int fd, const struct writer_options *options, struct writer **out);

/*
 * Adds a row of integers, in the order of the table's columns; tables with text columns are refused
 * (-EINVAL). `nulls` has bit i set where column i is NULL (only columns with a null_field).
 * 0, -ENOMEM, or the error of a flush.
 */
int writer_add(struct writer *, const struct table *, const uint64_t *values, uint32_t nulls);

/* Adds a row of any table. Invalid UTF-8 in a `string` column is refused (-EINVAL). */
int writer_add_cells(struct writer *, const struct table *, const struct cell *cells);

/* Rows lost so far in this session; goes into the headers of the blocks that follow. */
void writer_lost(struct writer *, uint64_t rows);

/* Writes what is collected. 0, -ENOMEM, or -errno of write(2): nothing more is written then. */
int writer_flush(struct writer *);

/* The same, but snapshots go on waiting: texts that follow each other pack much better together. */
int writer_flush_events(struct writer *);

/* Whether the epoch has reached EPOCH_RAW_TARGET or lasted EPOCH_NS at `now_ns`. */
bool writer_epoch_due(const struct writer *, int64_t now_ns);

/* Flushes and begins the next epoch at `now_ns`; the first is begun by writer_open. */
int writer_epoch(struct writer *, int64_t now_ns);

uint32_t writer_epoch_number(const struct writer *);

/* Bytes written so far. */
uint64_t writer_bytes(const struct writer *);

/* Rows of a table written or collected so far. */
uint64_t writer_rows(const struct writer *, const struct table *);

/* Flushes, closes, frees; accepts NULL. 0 or the first error of the writer's life. */
int writer_close(struct writer *);

#endif
