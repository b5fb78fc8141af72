/*
 * The virtual table oom_fact: what oom.h finds in the table kmsg.
 */
#ifndef ANALYZER_KMSG_OOM_TABLE_H
#define ANALYZER_KMSG_OOM_TABLE_H

#include "analyzer/internal.h"

/* SQLITE_OK or an error. */
int oom_register(struct analysis *);

#endif
