/*
 * What a heap pairing counts by: processes, sites and notes, each found by its key and named by its
 * position in an array.
 */
#ifndef ANALYZER_HEAP_BOOKS_H
#define ANALYZER_HEAP_BOOKS_H

#include "analyzer/heap_pair.h"
#include "analyzer/index.h"

struct heap_process {
	uint64_t id;
	unsigned session;
	uint32_t parent;      /* position; 0: no fork was seen */
	int64_t forked_ns;    /* from its parent */
	int64_t last_fork_ns; /* of a child; INT64_MIN: none */
	size_t live;          /* blocks */
	bool ended;
};

struct heap_books {
	struct heap_process *processes; /* position 0 is nobody */
	struct heap_site *sites;
	struct heap_note *notes;
	size_t n_processes, n_sites, n_notes;
	size_t process_capacity, site_capacity, note_capacity;
	struct index by_process, by_site, by_note;
};

/* 0, -ENOMEM. */
int books_open(struct heap_books *books);

/* The process' position, made on first use; 0: no memory. */
uint32_t books_process(struct heap_books *books, unsigned session, uint64_t id);

/* What tells a site from others. */
struct heap_site_key {
	uint64_t stack_id, tid;
	uint32_t process, op;
};

static inline uint64_t site_hash(const struct heap_site_key *key)
{
	return hash_pair(key->stack_id + (key->tid << 32 | key->tid >> 32),
			 (uint64_t)key->process << 32 ^ key->op);
}

/* Probably the position of the site with that hash, or INDEX_NONE. */
static inline uint32_t books_site_guess(const struct heap_books *books, uint64_t hash)
{
	size_t step = 0;

	return index_next(&books->by_site, hash, &step);
}

/* The site's position, made on first use; INDEX_NONE: no memory. */
uint32_t books_site(struct heap_books *books, const struct heap_site_key *key, uint64_t hash,
		    uint32_t guess);

/* Adds to a note's count. 0, -ENOMEM. */
int books_note(struct heap_books *books, uint32_t process, uint64_t stack_id,
	       enum heap_note_kind kind, int64_t n);

void books_close(struct heap_books *books);

#endif
