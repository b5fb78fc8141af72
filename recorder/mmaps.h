/*
 * Mappings of code as they are made on the whole host, with build ids, from perf's side-band
 * events. They go into the order of all records, for the stacks behind them are resolved with the
 * mappings of their time.
 */
#ifndef RECORDER_MMAPS_H
#define RECORDER_MMAPS_H

#include <stdbool.h>
#include "recorder/order.h"

struct mmaps;

/* What a mapping is among the records; the record is a struct mmap_news. */
enum { MMAP_KIND = 1 };

struct mmap_news {
	uint32_t tgid;
	bool exec; /* a new program begins: nothing else is mapped any more, and the rest is not set
		    */
	uint64_t start, end, file_offset;
	uint8_t build_id_size; /* 0: not known */
	uint64_t inode;        /* where there is no build id; 0: not known */
	uint8_t build_id[20];
	char path[4096]; /* the record ends behind its 0 */
};

/* 0 or -errno of perf_event_open(2). */
int mmaps_open(struct mmaps **out);

/* Moves what has come to the order. 0 or -ENOMEM. */
int mmaps_drain(struct mmaps *, struct order *);

/* Events that the kernel had no room for. */
uint64_t mmaps_lost(const struct mmaps *);

/* Accepts NULL. */
void mmaps_close(struct mmaps *);

#endif
