/*
 * Files of processes as text, in rounds over all of /proc: written when their text is another than
 * before and at the beginning of every epoch. A round is taken in steps of bounded time, so that
 * records do not wait for it.
 */
#ifndef RECORDER_PROCESSES_H
#define RECORDER_PROCESSES_H

#include "recorder/tasks.h"

struct processes;

struct processes_options {
	struct writer *writer;
	struct tasks *tasks;
	const char *root;    /* the folder with proc; "": the host's own */
	int64_t interval_ns; /* between rounds over all processes */
	int64_t smaps_ns;    /* between readings of smaps; 0: only at their beginning and end */
	bool targets;        /* some are named: they are read each second, with smaps */
	bool cmdline;        /* with the words that they were called with */
};

/* 0 or -errno. */
int processes_open(const struct processes_options *, struct processes **out);

/*
 * Goes on with the round that is due, until `until_ns` at the latest (but for one file). 1: it is
 * not done yet; 0; -errno of the writer.
 */
int processes_step(struct processes *, int64_t now, int64_t until_ns);

/* Of a recorded tree, whose folder is another from now on. 0 or -errno. */
int processes_move(struct processes *, const char *root);

/* A last round, whole: what is there at the end of a recording. 0 or -errno. */
int processes_end(struct processes *, int64_t now);

/* Accepts NULL. */
void processes_close(struct processes *);

#endif
