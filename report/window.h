/*
 * The times that a question is restricted to: what :from and :to are bound to.
 */
#ifndef REPORT_WINDOW_H
#define REPORT_WINDOW_H

#include <stdbool.h>
#include <stdint.h>
#include <sqlite3.h>
#include "report/outcome.h"

/* CLOCK_MONOTONIC; both ends are inside. Not restricted: 0 and INT64_MAX. */
struct window {
	int64_t from_ns, to_ns;
};

/*
 * Resolves times as people write them (report/moment.h; NULL: not restricted) against the clocks of
 * a recording that ended at `end_ns`. 0; -errno and the outcome.
 */
int window_resolve(sqlite3 *db, const char *from, const char *to, int64_t end_ns,
		   struct window *out, struct outcome *outcome);

/* Puts it into the temporary table `period`, for views. 0; -errno and the outcome. */
int window_tell(sqlite3 *db, const struct window *window, struct outcome *outcome);

/*
 * Makes the temporary view heap_window: heap_site for this window. `summed`: the recording has no
 * single heap rows, so it can only show everything. 0; -errno and the outcome.
 */
int window_heap(sqlite3 *db, const struct window *window, bool summed, struct outcome *outcome);

#endif
