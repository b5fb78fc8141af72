/*
 * A run against libdwfl, and what came of it.
 */
#ifndef TESTS_TRUTH_RESULTS_H
#define TESTS_TRUTH_RESULTS_H

#include "recorder/mmaps.h"
#include "recorder/object.h"
#include "tests/truth/verdict.h"

struct options {
	const char *name;
	uint32_t every;
	int show;
	bool faults_only;
	bool known_only; /* stacks that libdwfl guesses at need not be the same */
	double whole_least;
	const char
		*table; /* a program that the command runs; NULL: its table is made when it does */
};

enum { DEFINITION, COPY, EVENT, SAMPLE, FORK, TYPES };

struct truth {
	struct options options;
	struct btf *kernel;
	struct shared *shared;
	struct object object;
	struct definer definer;
	struct images *images;
	struct spaces *spaces;
	struct unwind *unwind;
	struct mmaps *mmaps;
	struct order *order;
	struct ring_buffer *rings;
	struct places places;
	struct ours ours;
	struct reference *reference;
	struct reference_walk walk;
	uint64_t types[TYPES]; /* of the records */
	uint64_t events, without, undefined, ends[STACK_ENDS];
	uint64_t verdicts[VERDICTS], compared;
	uint64_t rootless, bare_roots; /* compared whole stacks that end at no root, or may do so */
};

static inline int map_fd(const struct truth *truth, const char *name)
{
	return bpf_object__find_map_fd_by_name(truth->object.bpf, name);
}

/*
 * Prints a row: name, events, of them compared, percent of those that are identical, percent of
 * those of them that libdwfl need not guess at, percent of all that are whole, keys, keys of two
 * stacks. Below it why others differ, and how walks ended in the kernel. 0; 1: a bar is missed, and
 * which is printed.
 */
int results_print(const struct truth *);

#endif
