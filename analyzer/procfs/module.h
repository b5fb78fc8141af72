/*
 * The virtual table `procfs`: schema.sql declares with it what stands in which files.
 */
#ifndef ANALYZER_PROCFS_MODULE_H
#define ANALYZER_PROCFS_MODULE_H

#include "analyzer/internal.h"

/* SQLITE_OK or an error. */
int procfs_register(struct analysis *);

#endif
