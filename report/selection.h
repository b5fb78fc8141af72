/*
 * The processes that a question is restricted to: the temporary table selected(process_id).
 */
#ifndef REPORT_SELECTION_H
#define REPORT_SELECTION_H

#include <sqlite3.h>
#include "report/outcome.h"

enum selection_way { SELECT_PID, SELECT_COMM, SELECT_CGROUP, SELECTION_WAYS };

/* Lists separated by commas; NULL: any. */
struct selection {
	const char *lists[SELECTION_WAYS];
};

/* The options that fill the lists. */
extern const char *const selection_options[SELECTION_WAYS];

/*
 * Makes the table: processes whose pid is in the first list, whose name is in the second, and whose
 * memory cgroup is in the third or lies below one of them (paths from the hierarchy's root).
 * Without restriction it also has 0, for rows that belong to no process. What no process has is
 * refused. 0; -errno and the outcome.
 */
int selection_make(sqlite3 *db, const struct selection *, struct outcome *outcome);

#endif
