/*
 * What the analyzer's parts share. SQLite calls them back with the analysis as their context.
 */
#ifndef ANALYZER_INTERNAL_H
#define ANALYZER_INTERNAL_H

#include <limits.h>
#include <sys/types.h>
#include "analyzer/analysis.h"

enum {
	/* In the header of our databases: "mtap" in ASCII, and the version of their schema. */
	DATABASE_APPLICATION_ID = 0x6d746170,
	/* 1 had no lines, 2 no images of the kernel and one round of snapshots, 3 no classes of
	 * faults */
	DATABASE_VERSION = 5,
	DATABASE_HEADER = 100, /* bytes */
	WHY_MAX = 512,
};

struct heap_cache;
struct stack_names;
struct clocks;

struct analysis {
	char *path;
	sqlite3 *db;
	struct reader_report report;
	char first_damage[WHY_MAX];
	char why[WHY_MAX];
	bool database, summed;
	bool locked; /* only temporary objects may change */
	struct heap_cache *heap;
	struct stack_names *stacks;
	struct clocks *clocks;
};

/* Sets what analysis_why says, and returns err. */
__attribute__((format(printf, 3, 4))) int analysis_fail(struct analysis *analysis, int err,
							const char *format, ...);

/* The same with SQLite's last message; SQLITE_OK is no failure. */
int analysis_sql_fail(struct analysis *analysis, int rc);

/* Runs statements that return no rows. The format is that of sqlite3_mprintf. 0, -errno. */
int analysis_exec(struct analysis *analysis, const char *format, ...);

/* Prepares one statement. 0, -errno. */
int analysis_prepare(struct analysis *analysis, sqlite3_stmt **out, const char *format, ...);

/* Steps a statement to its end and finalizes it; NULL is no statement. 0, -errno. */
int analysis_run(struct analysis *analysis, sqlite3_stmt *statement);

/* Opens a reader of the trace for a virtual table; *why is sqlite3_malloc'ed. SQLITE_OK or an
 * error. */
int analysis_reader(const struct analysis *analysis, struct reader **out, char **why);

/* Likewise the next batch: SQLITE_ROW, SQLITE_DONE or an error. */
int analysis_batch(struct reader *reader, struct batch *batch, char **why);

/*
 * Each registers its modules or functions, whose names schema.sql uses. SQLITE_OK or an error. What
 * they keep in the analysis is freed by the function below them, which accepts NULL.
 */
int tables_register(struct analysis *analysis);
int rollup_register(struct analysis *analysis);
int functions_register(struct analysis *analysis);
void clocks_free(struct clocks *clocks);
int stacks_register(struct analysis *analysis);
void stacks_free(struct stack_names *stacks);
int heap_register(struct analysis *analysis);
void heap_cache_free(struct heap_cache *cache);

/* Whether a file that begins so is a database that memtape made. */
bool database_ours(const unsigned char *header, ssize_t n);

/* Whether the table is a real one. */
bool is_definition(const struct table *table);

/* CREATE TABLE for a definition table, in the schema "main" or "out"; NULL: no memory. */
char *definition_sql(const struct table *table, const char *schema);

/* Makes and fills the definition tables, and completes the report: one pass. 0, -errno. */
int definitions_load(struct analysis *analysis);

/* Makes the virtual tables and views that are not there as real tables. 0, -errno. */
int schema_make(struct analysis *analysis);

#endif
