/*
 * What the ids on the wire mean: for each definition table of an epoch, the content hash of the row
 * that defined an id. Ids are nearly dense, but a hostile file may use any: memory comes in pages,
 * all of a reader together bounded.
 */
#ifndef FORMAT_IDS_H
#define FORMAT_IDS_H

#include <stddef.h>
#include <stdint.h>
#include "format/limits.h"

enum {
	IDS_PAGE = 512,            /* ids in a page */
	IDS_PAGES_MAX = 128 << 10, /* of a reader; 512 MiB */
	IDS_TABLES = 64,           /* numbers of definition tables */
};

struct ids {
	struct {
		uint64_t **pages;
		size_t n_pages;
	} tables[IDS_TABLES];
};

/*
 * `pages` counts those of all ids of a reader. 0; -ENOMEM; -E2BIG: the id is beyond
 * DEFINITIONS_MAX, or all pages are in use.
 */
int ids_set(struct ids *, size_t *pages, unsigned table, uint64_t id, uint64_t hash);

/* 0: not defined. */
static inline uint64_t ids_get(const struct ids *ids, unsigned table, uint64_t id)
{
	const uint64_t *page;

	if (id / IDS_PAGE >= ids->tables[table].n_pages)
		return 0;
	page = ids->tables[table].pages[id / IDS_PAGE];
	return page ? page[id % IDS_PAGE] : 0;
}

void ids_clear(struct ids *, size_t *pages);

#endif
