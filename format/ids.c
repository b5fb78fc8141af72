#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "format/ids.h"

static int directory_grow(struct ids *ids, unsigned table, size_t page)
{
	size_t n = 2 * page + 16, old = ids->tables[table].n_pages;
	uint64_t **pages;

	if (page < old)
		return 0;
	pages = realloc(ids->tables[table].pages, n * sizeof(*pages));
	if (!pages)
		return -ENOMEM;
	memset(pages + old, 0, (n - old) * sizeof(*pages));
	ids->tables[table].pages = pages;
	ids->tables[table].n_pages = n;
	return 0;
}

int ids_set(struct ids *ids, size_t *pages, unsigned table, uint64_t id, uint64_t hash)
{
	uint64_t **page;

	if (id >= DEFINITIONS_MAX)
		return -E2BIG;
	if (directory_grow(ids, table, id / IDS_PAGE))
		return -ENOMEM;
	page = &ids->tables[table].pages[id / IDS_PAGE];
	if (!*page) {
		if (*pages == IDS_PAGES_MAX)
			return -E2BIG;
		*page = calloc(IDS_PAGE, sizeof(**page));
		if (!*page)
			return -ENOMEM;
		++*pages;
	}
	(*page)[id % IDS_PAGE] = hash;
	return 0;
}

void ids_clear(struct ids *ids, size_t *pages)
{
	for (unsigned table = 0; table < IDS_TABLES; table++) {
		for (size_t i = 0; i < ids->tables[table].n_pages; i++) {
			*pages -= ids->tables[table].pages[i] != NULL;
			free(ids->tables[table].pages[i]);
		}
		free(ids->tables[table].pages);
	}
	memset(ids, 0, sizeof(*ids));
}
