#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "format/limits.h"
#include "format/pids.h"

int pids_note(struct pids *pids, uint64_t id, uint32_t pid)
{
	if (id >= DEFINITIONS_MAX)
		return 0;
	if (id >= pids->n) {
		size_t n = 2 * id + 64;
		uint32_t *more = realloc(pids->pids, n * sizeof(*more));

		if (!more)
			return -ENOMEM;
		memset(more + pids->n, 0, (n - pids->n) * sizeof(*more));
		pids->pids = more;
		pids->n = n;
	}
	pids->pids[id] = pid;
	return 0;
}

uint32_t pids_get(const struct pids *pids, uint64_t id)
{
	return id < pids->n ? pids->pids[id] : 0;
}

void pids_clear(struct pids *pids)
{
	if (pids->n)
		memset(pids->pids, 0, pids->n * sizeof(*pids->pids));
}

void pids_free(struct pids *pids)
{
	free(pids->pids);
	pids->pids = NULL;
	pids->n = 0;
}
