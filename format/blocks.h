/*
 * Walks through the blocks of a trace: hops over those that are not wanted, notes damage and goes
 * on behind it, knows which session, epoch and stream the batches at hand belong to.
 */
#ifndef FORMAT_BLOCKS_H
#define FORMAT_BLOCKS_H

#include "format/content.h"
#include "format/reader.h"
#include "format/sessions.h"

struct blocks {
	struct input input;
	struct content content;
	struct sessions sessions;
	struct reader_selection selection;
	bool all_tables; /* the selection names none */
	bool need_ids;   /* something selected has ids to translate */
	unsigned end;    /* number of the table whose row ends a session */
	struct reader_report report;
	char damage[160], why[160];

	uint64_t at;    /* of the next frame */
	bool at_marker; /* `at` is that of a sync marker: what stands before it is damaged */

	uint64_t block_at;
	struct block_header block; /* that the content stands in */
	struct session *session;   /* of it; NULL: not known */
	bool headerless;
	bool fresh; /* its own row has not come yet */
	bool pass;  /* it is to be passed on */
};

int blocks_open(struct blocks *, int fd);
void blocks_select(struct blocks *, const struct reader_selection *);

/* Whether the file is a trace: 0, or an error as of reader_open. In probe.c. */
int blocks_probe(struct blocks *);

/* The next batch: of a block that is wanted, or without a header. 1; 0: the end; -errno. */
int blocks_next(struct blocks *, struct wire *out);

/*
 * The row of table `block` that begins a block. Of a block with a header it must say the same; of
 * one without it is all there is. 0, -ENOMEM.
 */
int blocks_row(struct blocks *, const struct block_header *row);

/* An END row came in a block without a header. */
void blocks_ended(struct blocks *);

/* Notes damage in the current block; blocks_drop also leaves the rest of its content. */
void blocks_damaged(struct blocks *, const char *words);
void blocks_drop(struct blocks *, const char *words);

void blocks_rewind(struct blocks *);
void blocks_close(struct blocks *);

#endif
