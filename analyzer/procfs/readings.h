/*
 * What the files of one kind said, reading by reading: the texts of a trace are only those that
 * differ from the one before, and a tick tells that nothing did.
 */
#ifndef ANALYZER_PROCFS_READINGS_H
#define ANALYZER_PROCFS_READINGS_H

#include "analyzer/filter.h"
#include "analyzer/internal.h"

enum procfs_source { PROCFS_SYSTEM, PROCFS_PROCESS, PROCFS_CGROUP };

/*
 * Which files: those of system and cgroup files come at every tick, those of processes when they
 * changed, as they are many.
 */
struct procfs_files {
	enum procfs_source source;
	char *pattern; /* GLOB of the path, or the name of the file in its folder */
};

struct reading {
	int64_t session, ts_ns;
	int64_t process_id; /* of a process's file, or 0 */
	const char *path;   /* of a system file; the folder of a cgroup's */
	const char *text;   /* NULL: it is gone, or can no longer be read */
	size_t length;
};

struct readings;

/* SQLITE_OK or an error; *why is sqlite3_malloc'ed. */
int readings_open(const struct analysis *, const struct procfs_files *, const struct filter *,
		  struct readings **out, char **why);

/* SQLITE_ROW: the next one, good until the next call; SQLITE_DONE; an error. */
int readings_next(struct readings *, struct reading *out);

/* Accepts NULL. */
void readings_close(struct readings *);

#endif
