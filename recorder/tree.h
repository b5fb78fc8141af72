/*
 * A recorded tree instead of the live host: a folder with proc and sys, or with folders that have
 * them, one for each instant, in the order of their names.
 */
#ifndef RECORDER_TREE_H
#define RECORDER_TREE_H

#include <stdbool.h>
#include <stddef.h>

struct tree_options {
	const char *root;
	bool cmdline, smaps; /* with the words of programs; with the mappings of all */
	const char *words;   /* the recorder's command line, for the trace */
};

/*
 * Records it into `fd`, which it takes over. 0 or -errno; `why` gets what could not be done, in
 * words.
 */
int tree_record(const struct tree_options *, int fd, char *why, size_t size);

#endif
