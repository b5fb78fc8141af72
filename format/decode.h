/*
 * A batch from its bytes to columns: unpacked, every length checked, differences summed up, ids not
 * yet translated.
 */
#ifndef FORMAT_DECODE_H
#define FORMAT_DECODE_H

#include "format/arena.h"
#include "format/reader.h"
#include "format/wire.h"

/* A column while it may still be changed. */
struct decoded_column {
	size_t n;         /* rows decoded so far; 0: absent */
	uint64_t *values; /* NULL if absent or of texts */
	ProtobufCBinaryData *texts;
	uint64_t *nulls;
};

struct decoder {
	struct arena arena;
	uint64_t *zeros; /* what absent columns point to */
	size_t n_zeros;
	const struct table *table;
	size_t rows;
	size_t unknown_columns;
	struct decoded_column columns[COLUMNS_MAX];
	struct column out[COLUMNS_MAX];
};

/* What a batch says about itself. */
struct batch_view {
	uint64_t rows;
	unsigned number; /* of the table; 0: none */
	struct wire body;
};

/* False: it is no Batch. */
bool batch_view(struct wire bytes, struct batch_view *out);

/*
 * Decodes a batch of a table. 0; -EBADMSG: damage, *why says which; -ENOMEM. Everything lives until
 * the next call.
 */
int decoder_run(struct decoder *, const struct table *table, const struct batch_view *,
		const char **why);

/* Keeps only the rows whose bit is set. */
void decoder_keep(struct decoder *, const uint64_t *bitmap);

/* Makes `out` of the columns. */
void decoder_finish(struct decoder *);

void decoder_free(struct decoder *);

#endif
