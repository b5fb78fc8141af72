/*
 * What is recorded as text: files of the system, of processes and of memory cgroups, and the
 * kernel's log.
 */
#ifndef RECORDER_TEXTS_H
#define RECORDER_TEXTS_H

#include "recorder/tasks.h"

struct texts;

struct texts_options {
	int64_t interval_ns; /* between readings of what is not read each second */
	int64_t smaps_ns;    /* between readings of smaps; 0: only of targets, at both ends */
	bool targets;        /* processes are named */
	bool cmdline;        /* with the words that programs are called with */
	const char *root;    /* the folder with proc and sys; "": the host's own */
};

/* Opens what must be before privileges are dropped. 0 or -errno. */
int texts_open(const struct texts_options *, struct writer *, struct tasks *, struct texts **out);

/* What is due each second. 0 or -errno of the writer. */
int texts_second(struct texts *, int64_t now);

/* Goes on with what takes longer, until `until_ns`. 1: there is more; 0; -errno. */
int texts_step(struct texts *, int64_t now, int64_t until_ns);

/* The next texts_second is the last: all rounds are due. */
void texts_all_due(struct texts *);

/* What takes longer once more, whole. 0 or -errno. */
int texts_end(struct texts *, int64_t now);

/* Of recorded trees, the next of which is there. 0 or -errno. */
int texts_move(struct texts *, const char *root);

/*
 * Flushes the writer, of snapshots but every thirty seconds: of a quiet host they
 * take half of what they take every ten. Where tasks wait for memory they do not wait, as that may
 * end the recording. 0 or -errno.
 */
int texts_flush(struct texts *, int64_t now);

/* Lines of the kernel's log that were overwritten before they could be read. */
uint64_t texts_lost_lines(const struct texts *);

/* Accepts NULL. */
void texts_close(struct texts *);

#endif
