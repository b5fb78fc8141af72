/*
 * The processes that a question is restricted to: the temporary table selected(process_id).
 */
#ifndef REPORT_SELECTION_H
#define REPORT_SELECTION_H

#include <sqlite3.h>
#include "report/outcome.h"

/*
 * Makes the table: processes whose pid is in the list `pids` and whose name is in `comms`
 * (separated by commas; NULL: any). Without restriction it also has 0, for rows that belong to no
 * process. A pid or name that no process has is refused. 0; -errno and the outcome.
 */
int selection_make(sqlite3 *db, const char *pids, const char *comms, struct outcome *outcome);

#endif
