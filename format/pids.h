/* The pids behind the process ids of an epoch, for the filters in block headers. */
#ifndef FORMAT_PIDS_H
#define FORMAT_PIDS_H

#include <stddef.h>
#include <stdint.h>

struct pids {
	uint32_t *pids; /* by id; 0: not known */
	size_t n;
};

/* 0, -ENOMEM. Ids beyond DEFINITIONS_MAX stay unknown. */
int pids_note(struct pids *, uint64_t id, uint32_t pid);

/* 0: not known. */
uint32_t pids_get(const struct pids *, uint64_t id);

void pids_clear(struct pids *);
void pids_free(struct pids *);

#endif
