/*
 * A process whose files are read again and again, and what was written of them.
 */
#ifndef RECORDER_WATCHED_H
#define RECORDER_WATCHED_H

#include "recorder/processes.h"
#include "recorder/text_file.h"

/* In the order in which they are read. */
enum process_file {
	FILE_STAT,
	FILE_STATUS,
	FILE_CGROUP,
	FILE_OOM_SCORE_ADJ,
	FILE_CMDLINE,
	FILE_SMAPS,
	PROCESS_FILES,
	FILES_HELD = FILE_STATUS + 1, /* those before it are kept open */
};

struct watched {
	uint32_t pid;
	uint32_t round; /* in which it was met last */
	struct process *process;
	int64_t smaps_at;
	int fds[FILES_HELD]; /* -1: not open */
	struct {
		uint32_t epoch; /* of `print`, plus one; 0: never written */
		uint64_t print; /* of the text written last */
	} written[PROCESS_FILES];
};

struct watcher {
	struct processes_options options;
	struct text_buffer buffer;
	size_t held, held_most; /* descriptors */
	int64_t ts_ns;          /* of the round */
	uint64_t files;         /* read in it */
};

/* Whether the file's text stands in this epoch. */
bool watched_has(const struct watcher *, const struct watched *, enum process_file);

/*
 * Reads one of its files and writes what is new. 1: it says something else than before; 0;
 * -ESRCH: the process is gone; another -errno of the writer, or -ENOMEM.
 */
int watched_read(struct watcher *, struct watched *, enum process_file);

/* Writes that the process is gone. 0 or -errno. */
int watched_gone(struct watcher *, struct watched *);

/* Closes what is open of it. */
void watched_release(struct watcher *, struct watched *);

#endif
