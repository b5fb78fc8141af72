#include <pthread.h>
#include <string.h>
#include "format/catalog.h"
#include "format/trace.pb-c.h"

/* Made once from constants, never changed after: not state, but a table that C cannot write down.
 */
static struct catalog catalog;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make(void)
{
	if (catalog_make(&catalog, &memtape__batch__descriptor) && !catalog.why[0])
		strcpy(catalog.why, "no memory for the tables");
}

const struct table *tables(size_t *n, const char **why)
{
	pthread_once(&once, make);
	if (n)
		*n = catalog.n;
	if (why)
		*why = catalog.why;
	return catalog.tables;
}

const struct table *table_named(const char *name)
{
	size_t n;
	const struct table *all = tables(&n, NULL);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(all[i].name, name))
			return &all[i];
	return NULL;
}

const struct table *table_numbered(unsigned number)
{
	tables(NULL, NULL);
	return number < TABLES_MAX ? catalog.numbered[number] : NULL;
}

int table_column(const struct table *table, const char *name)
{
	for (int i = 0; i < table->n_columns; i++)
		if (!strcmp(table->columns[i].name, name))
			return i;
	return -1;
}
