/*
 * The recorder's command line.
 */
#ifndef RECORDER_REQUEST_H
#define RECORDER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bpf/definitions.h"
#include "recorder/target.h"

struct request {
	const char *output; /* NULL: a name made from the time; "-": standard output */
	uint32_t pids[TARGET_PIDS_MAX];
	size_t pid_count;
	const char *cgroup;  /* NULL: none */
	int64_t duration_ns; /* 0: no end */
	int64_t interval_ns; /* between readings of what is not read each second */
	int64_t smaps_ns;    /* between readings of smaps; 0: only of targets, at both ends */
	bool words;          /* record the words that programs are called with */
	size_t memory;       /* of the rings, bytes */
	enum stack_way stacks;
	const char *procfs; /* a recorded tree instead of this host; NULL: none */
	bool heap;
	bool heap_named; /* asked for by name */
	bool check, host;
	char choice[512];   /* of sources: recorder/choice.h */
	char **command;     /* NULL: none */
	char cmdline[1024]; /* all of it, but for the command's arguments */
	char target[256];   /* in words */
};

/* Ends the program with status 2 and a line on a wrong usage, with 0 after --help and --version. */
void request_parse(int argc, char **argv, struct request *out);

#endif
