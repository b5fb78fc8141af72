/*
 * Reads a trace front to back: batches of columns come out, ids already translated to 64-bit
 * content hashes that mean the same in every epoch, file and host. Everything in a file is hostile
 * until it has passed here.
 *
 * A reader hops from block header to block header and decodes only what is selected (and the
 * definitions that it needs for translation). Where headers are missing (a file recompressed by
 * zstd) it decodes everything and selects afterwards. Damage is noted and skipped: reading goes on
 * at the next block header that is whole. Blocks that come twice are passed on once.
 */
#ifndef FORMAT_READER_H
#define FORMAT_READER_H

#include "format/table.h"

struct reader;

/* A column of a batch; valid until the next call of reader_next. */
struct column {
	bool absent;            /* NULL in every row */
	const uint64_t *values; /* integers: deltas summed up, ids translated (0 = none) */
	const ProtobufCBinaryData *texts;
	const uint64_t *nulls; /* bitmap of the NULL rows, or NULL: none */
};

struct batch {
	const struct table *table;
	size_t rows;
	const struct column *columns; /* as many as the table has, in its order */
	uint8_t session[16];
	unsigned session_number; /* in the file, from 0, by first appearance */
	uint32_t epoch;
};

static inline bool column_null(const struct column *column, size_t row)
{
	return column->absent || (column->nulls && column->nulls[row / 64] >> row % 64 & 1);
}

struct reader_selection {
	struct table_set tables; /* none set: all */
	int64_t from_ns, to_ns;  /* skip blocks wholly outside; rows are not filtered */
	bool all_times;          /* ignore from_ns and to_ns */
	bool verify;             /* check the content of blocks that are skipped, too */
};

/* What a reading met. Counts grow while reading; complete after reader_next returned 0. */
struct reader_report {
	uint64_t blocks, bytes, rows;
	uint64_t damaged_blocks;
	uint64_t first_damage_offset; /* in the file, bytes */
	uint64_t missing_blocks;      /* gaps in the sequence numbers */
	uint64_t repeated_blocks;
	uint64_t unknown_tables; /* batches of tables that this version does not know, skipped */
	uint64_t unknown_columns;
	uint64_t headerless; /* batches that stood in no block with a header */
	unsigned sessions;
	uint64_t ended_sessions;   /* sessions with an END row */
	int64_t first_ns, last_ns; /* of all blocks; 0, 0 without any */
	const char *first_damage;  /* in words, "" without any; lives as long as the reader */
};

/*
 * Opens a trace. 0; -errno of open(2); -ENODATA: the file is empty; -EBADMSG: not a trace (no zstd
 * frame at its beginning, or no batch in its first frame); -ENOMSG: a newer format version.
 */
int reader_open(const char *path, struct reader **out);

/* Sets what to read; before the first reader_next or after reader_rewind. NULL: everything. */
void reader_select(struct reader *, const struct reader_selection *);

/* The next batch: 1; 0 at the end; -EIO, -ENOMEM. Damage is no error: it is in the report. */
int reader_next(struct reader *, struct batch *out);

/* Back to the beginning, report cleared, selection kept. */
void reader_rewind(struct reader *);

const struct reader_report *reader_report(const struct reader *);

/* The last error in words. */
const char *reader_why(const struct reader *);

/* Accepts NULL. */
void reader_close(struct reader *);

#endif
