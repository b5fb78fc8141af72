/*
 * Makes struct tables from the descriptor of a Batch message and checks the rules of trace.proto.
 * table.c does this once with the real one; tests do it with broken ones.
 */
#ifndef FORMAT_CATALOG_H
#define FORMAT_CATALOG_H

#include "format/table.h"

struct catalog {
	struct table *tables; /* by ascending number */
	size_t n;
	struct table *numbered[TABLES_MAX];
	char why[160]; /* the rule that is broken, in words */
};

/* 0; -EINVAL: a rule is broken, see why; -ENOMEM. On an error the catalog is empty. */
int catalog_make(struct catalog *, const ProtobufCMessageDescriptor *batch);

void catalog_free(struct catalog *);

#endif
