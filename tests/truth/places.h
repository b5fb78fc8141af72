/*
 * Where code is mapped in each process: all mappings that were ever made there, the last one last,
 * for the other unwinder's list of modules.
 */
#ifndef TESTS_TRUTH_PLACES_H
#define TESTS_TRUTH_PLACES_H

#include "recorder/hash.h"
#include "recorder/spaces.h"

struct place {
	uint64_t start, end, file_offset;
	const struct image *image; /* NULL: no file */
};

struct process_places {
	struct place *all;
	size_t count;
	uint64_t version; /* changes with the list, never used again */
};

struct places {
	struct hash by_tgid;
	uint64_t version;
};

struct process_places *places_of(struct places *, uint32_t tgid);
void places_clear(struct places *, uint32_t tgid);
void places_add(struct places *, uint32_t tgid, const struct place *);
void places_fork(struct places *, uint32_t parent, uint32_t child);

/* Where that place in an image is mapped; 0: nowhere. */
uint64_t places_address(const struct process_places *, const struct image *, uint64_t offset);

/* Reads /proc/PID/maps; the images are those of `spaces`. */
void places_scan(struct places *, const struct spaces *, uint32_t tgid);

#endif
