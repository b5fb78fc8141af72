/*
 * The kernel's slab caches: kept for the whole recording and written into every epoch that uses
 * them.
 */
#ifndef RECORDER_CACHES_H
#define RECORDER_CACHES_H

#include "recorder/define.h"

struct caches;

int caches_open(struct definer *, struct caches **out);

/* The map where the kernel side keeps their definitions. */
void caches_use(struct caches *, int map_fd);

/* The number of a cache in this epoch; writes the row if it is new there. 0 in *id for key 0 and
 * for a key that is not in the map. 0 or -errno. */
int caches_define(struct caches *, uint64_t key, uint64_t *id);

/* Accepts NULL. */
void caches_close(struct caches *);

#endif
