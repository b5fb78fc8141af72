/*
 * Heap pairing over a trace: reads the rows into a pairing, and keeps what was paired.
 */
#ifndef ANALYZER_HEAP_H
#define ANALYZER_HEAP_H

#include "analyzer/heap_pair.h"
#include "analyzer/internal.h"

/* A pairing that runs. All zero: none. */
struct heap_feed {
	struct reader *reader;
	struct heap_pair *pair;
	bool finished;
};

/* Opens the trace and takes the events of processes. SQLITE_OK or an error with *why; close it
 * anyway. */
int heap_feed_open(struct heap_feed *feed, const struct analysis *analysis,
		   const struct heap_pair_options *options, char **why);

/* Pairs the next batch. SQLITE_ROW; SQLITE_DONE: finished, and was so before; or an error. */
int heap_feed_next(struct heap_feed *feed, char **why);

void heap_feed_close(struct heap_feed *feed);

/* The sites and notes of a window. */
struct heap_result {
	struct heap_result *next;
	int64_t from_ns, to_ns;
	unsigned users;
	size_t n_sites, n_notes;
	struct heap_site *sites;
	struct heap_note *notes;
};

/* From the cache if it is there. SQLITE_OK or an error with *why. */
int heap_result_take(struct analysis *analysis, int64_t from_ns, int64_t to_ns,
		     struct heap_result **out, char **why);

/* Accepts NULL. */
void heap_result_leave(struct heap_result *result);

#endif
