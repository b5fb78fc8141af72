/*
 * Table `info`, key and value: how the trace was read. From a database it is all that is known of
 * that.
 */
#ifndef ANALYZER_INFO_H
#define ANALYZER_INFO_H

#include "analyzer/internal.h"

/* Makes the table in "main" from the report. 0, -errno. */
int info_write(struct analysis *analysis);

/* Fills the report from the table. 0, -errno; -EBADMSG: it is not there. */
int info_read(struct analysis *analysis);

#endif
