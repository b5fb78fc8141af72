/*
 * Definitions on their way into the trace. What is defined carries a mark; its number is good for
 * one epoch, and define_new says when the row has to be written (again).
 */
#ifndef RECORDER_DEFINE_H
#define RECORDER_DEFINE_H

#include "format/writer.h"

struct definer {
	struct writer *writer;
	uint64_t next[TABLES_MAX]; /* the last number given, per table */
	uint32_t epoch;            /* counted from 1 */
};

struct mark {
	uint32_t epoch; /* of `id`; 0: never defined */
	uint64_t id;
};

/* A new epoch: nothing is defined in it yet. The first call begins the first. */
void definer_epoch(struct definer *);

/* Whether it stands in this epoch already; mark->id is its number then. */
static inline bool define_known(const struct definer *definer, const struct mark *mark)
{
	return mark->epoch == definer->epoch;
}

/*
 * Gives it the next number; the row must be written at once. What the row refers to is defined
 * before, so that numbers come in the order of the rows.
 */
void define_new(struct definer *, const struct table *, struct mark *mark);

/* A row of any table, filled by column name. A column that is not set is NULL, or 0 where it cannot
 * be. */
struct row {
	const struct table *table;
	struct cell cells[COLUMNS_MAX];
};

/* The table must be in trace.proto: a name that is not there ends the program (assert). */
void row_begin(struct row *, const char *table);
void row_number(struct row *, const char *column, uint64_t value);

/* The text is copied when the row is written, not here. NULL leaves the column NULL. */
void row_text(struct row *, const char *column, const char *text);
void row_bytes(struct row *, const char *column, const char *text, size_t length);

int row_write(const struct row *, struct writer *);

/* CLOCK_MONOTONIC, ns. */
int64_t now_ns(void);

#endif
