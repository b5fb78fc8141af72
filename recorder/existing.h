/*
 * The targets that run already when a recording begins, with the mappings they have.
 */
#ifndef RECORDER_EXISTING_H
#define RECORDER_EXISTING_H

#include "recorder/shared.h"
#include "recorder/spaces.h"
#include "recorder/target.h"
#include "recorder/tasks.h"

struct existing {
	const struct target *target;
	struct tasks *tasks;
	struct spaces *spaces;
	const struct shared *shared; /* NULL: no BPF; they are only named */
};

/*
 * Takes them all: those named, the members of the cgroup, or, of the whole host, all. One that ends
 * meanwhile is left out. 0 or -errno.
 */
int existing_take(struct existing *);

#endif
