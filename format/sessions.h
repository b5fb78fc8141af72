/* The sessions of a file: what came by of each, and what its ids mean in its current epoch. */
#ifndef FORMAT_SESSIONS_H
#define FORMAT_SESSIONS_H

#include "format/ids.h"
#include "format/seen.h"
#include "format/table.h"

struct session {
	uint8_t id[16];
	unsigned number; /* in the file, by first appearance */
	bool ended;
	uint32_t epoch; /* that `ids` is of */
	struct ids ids;
	struct seen met[STREAMS];  /* blocks whose headers came by: the gaps are missing blocks */
	struct seen read[STREAMS]; /* those that were whole: they are not read again */
};

struct sessions {
	struct session **list;
	unsigned n;
	struct session *last; /* found: most blocks are of the same */
	size_t pages;         /* of all ids */
};

/* The session of that id, made if need be. 0; -ENOMEM; -E2BIG: there are SESSIONS_MAX. */
int sessions_get(struct sessions *, const uint8_t id[16], struct session **out);

/* From now on the ids of that session are those of `epoch`. */
void sessions_epoch(struct sessions *, struct session *, uint32_t epoch);

void sessions_free(struct sessions *);

#endif
