/*
 * One recording, opened for questions: a trace (tables are virtual, decoded in place) or a database
 * that `memtape analyze` made (tables are real). Either way the same SQL gives the same rows.
 */
#ifndef ANALYZER_ANALYSIS_H
#define ANALYZER_ANALYSIS_H

#include <stdbool.h>
#include <stdint.h>
#include <sqlite3.h>
#include "format/reader.h"

struct analysis;

/*
 * Opens a trace or a database by what the file begins with. 0; the errors of reader_open; -EBADMSG
 * also for a database that memtape did not make. On failure *out is still set (or NULL for
 * -ENOMEM), for analysis_why(); close it.
 */
int analysis_open(const char *path, struct analysis **out);

/* The connection: read-only for what the file holds; temporary tables may be made. */
sqlite3 *analysis_db(struct analysis *);

/*
 * What the trace's reading met, complete (the whole file is walked once); for a database, what
 * `analyze` met.
 */
const struct reader_report *analysis_report(struct analysis *);

/* Whether it is a database without the rows of bulk tables (analyze without --events). */
bool analysis_summed(const struct analysis *);

/* The last error in words: names the place in the file where there is one. */
const char *analysis_why(const struct analysis *);

/*
 * Copies everything into an SQLite database at `path` (PATH.tmp, then renamed; an existing file is
 * replaced only if it is a database of memtape's, else -EEXIST); bulk tables only with `events`.
 * The analysis must be of a trace (-EINVAL). 0 or -errno.
 */
int analysis_save(struct analysis *, const char *path, bool events);

/* Accepts NULL. */
void analysis_close(struct analysis *);

#endif
