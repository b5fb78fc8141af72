/*
 * Records of the BPF objects become rows. Which struct becomes which row is learnt from the
 * objects' BTF: a struct whose first member is a record_ref is a record. Definitions (of stacks,
 * files and processes) and what changes a process (mappings, fork, exec, exit) go to the modules
 * that keep them.
 */
#ifndef RECORDER_RECORDS_H
#define RECORDER_RECORDS_H

#include "recorder/columns.h"
#include "recorder/files.h"
#include "recorder/ladder.h"
#include "recorder/order.h"
#include "recorder/spaces.h"
#include "recorder/stacks.h"
#include "recorder/tasks.h"

struct records;

/* What the records work on; owned by the caller, living longer. */
struct records_context {
	struct definer *definer;
	struct writer *writer;
	struct tasks *tasks;
	struct spaces *spaces;
	struct stacks *stacks;
	struct files *files;
	struct ladder *ladder;
	struct shared *shared;
	bool whole_host;
	bool probe_children; /* probes go process by process: a child's are attached when it is met
			      */
};

int records_open(const struct records_context *, struct records **out);

/*
 * Learns the records of the ladder's loaded objects. 0, -ENOMEM; -EINVAL: a struct that does not
 * fit its table; *why says which.
 */
int records_learn(struct records *, const char **why);

/* A record came out of a ring: the definition of a stack or a file is taken in, all others go to
 * the order. 0 or -ENOMEM. */
int records_sort(struct records *, struct order *, const void *record, size_t size);

/* An order_each: a record's turn has come; context is the struct records. */
int records_take(void *records, int64_t ts_ns, uint64_t kind, const void *record, size_t size);

/* What the members of a total's key and value are resolved with; the context is the struct records.
 */
extern const struct reference record_references[];

/* How many children could not be probed: all their calls are missing. */
uint64_t records_unprobed(const struct records *);

/* The table of an object's record by type id, its name at least; NULL: no record. */
const char *records_name(const struct records *, uint32_t object, uint32_t type_id);

/* Accepts NULL. */
void records_close(struct records *);

#endif
