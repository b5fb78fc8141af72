/*
 * The virtual table rollup(TABLE, by COLUMN ..., every 1 s [, sum COLUMN ...]): rows of an event
 * table, counted by session, time bucket and key columns. Columns: session, bucket_ns, the keys, n,
 * sum_COLUMN for each sum. A key log2:COLUMN is the logarithm to base 2, rounded down (of 0: 0),
 * its column log2_COLUMN. Columns that a statement does not use are not grouped by; so counts are
 * to be added up.
 */
#include "analyzer/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyzer/group.h"

enum { FIRST_KEY = 2 }; /* behind session and bucket_ns */

struct rollup {
	sqlite3_vtab base;
	const struct analysis *analysis;
	struct grouping all; /* by every column but session and bucket */
};

struct rollup_cursor {
	sqlite3_vtab_cursor base;
	struct groups groups;
	int place[FIRST_KEY + COLUMNS_MAX]; /* of a key column in a group; -1: not grouped by */
	size_t at;
};

/* ---- The declaration */

/* `logs` may be NULL: there are none of those. */
static int columns_parse(const struct table *table, const char *names, int *columns, int *n,
			 uint64_t *logs)
{
	while (*names) {
		bool log = logs && !strncmp(names, "log2:", 5);
		names += log ? 5 : 0;
		size_t length = strcspn(names, " ");
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)length, names);
		columns[*n] = table_column(table, name);
		if (columns[*n] < 0 || table->columns[columns[*n]].kind == COLUMN_TEXT ||
		    ++*n == COLUMNS_MAX)
			return -EINVAL;
		if (log)
			*logs |= 1ULL << (*n - 1);
		names += length;
		names += strspn(names, " ");
	}
	return 0;
}

static int every_parse(const char *text, int64_t *every_ns)
{
	char unit[4] = "";
	unsigned n = 0;

	if (sscanf(text, "%6u %3s", &n, unit) != 2 || !n)
		return -EINVAL;
	*every_ns = n;
	if (!strcmp(unit, "s"))
		*every_ns *= 1000000000;
	else if (!strcmp(unit, "ms"))
		*every_ns *= 1000000;
	else
		return -EINVAL;
	return 0;
}

static int argument_parse(struct grouping *grouping, const char *argument)
{
	if (!strncmp(argument, "by ", 3))
		return columns_parse(grouping->table, argument + 3, grouping->keys,
				     &grouping->n_keys, &grouping->logs);
	if (!strncmp(argument, "sum ", 4))
		return columns_parse(grouping->table, argument + 4, grouping->sums,
				     &grouping->n_sums, NULL);
	if (!strncmp(argument, "every ", 6))
		return every_parse(argument + 6, &grouping->every_ns);
	return -EINVAL;
}

static int grouping_parse(struct grouping *grouping, int argc, const char *const *argv, char **why)
{
	grouping->table = argc > 3 ? table_named(argv[3]) : NULL;
	if (!grouping->table || grouping->table->ts_ns < 0) {
		*why = sqlite3_mprintf("rollup of what is no table of events");
		return SQLITE_ERROR;
	}
	for (int i = 4; i < argc; i++)
		if (argument_parse(grouping, argv[i])) {
			*why = sqlite3_mprintf("rollup: not understood: %s", argv[i]);
			return SQLITE_ERROR;
		}
	if (grouping->every_ns)
		return SQLITE_OK;
	*why = sqlite3_mprintf("rollup: no 'every'");
	return SQLITE_ERROR;
}

static char *declaration(const struct grouping *grouping)
{
	const struct column_info *columns = grouping->table->columns;
	sqlite3_str *sql = sqlite3_str_new(NULL);

	sqlite3_str_appendall(sql, "CREATE TABLE x (session INTEGER, bucket_ns INTEGER");
	for (int i = 0; i < grouping->n_keys; i++)
		sqlite3_str_appendf(sql, ", \"%s%w\" INTEGER",
				    grouping->logs >> i & 1 ? "log2_" : "",
				    columns[grouping->keys[i]].name);
	sqlite3_str_appendall(sql, ", n INTEGER");
	for (int i = 0; i < grouping->n_sums; i++)
		sqlite3_str_appendf(sql, ", \"sum_%w\" INTEGER", columns[grouping->sums[i]].name);
	sqlite3_str_appendall(sql, ")");
	return sqlite3_str_finish(sql);
}

static int rollup_connect(sqlite3 *db, void *context, int argc, const char *const *argv,
			  sqlite3_vtab **out, char **why)
{
	struct rollup *self = calloc(1, sizeof(*self));
	char *sql;
	int rc;

	if (!self)
		return SQLITE_NOMEM;
	self->analysis = context;
	rc = grouping_parse(&self->all, argc, argv, why);
	if (!rc) {
		sql = declaration(&self->all);
		rc = sql ? sqlite3_declare_vtab(db, sql) : SQLITE_NOMEM;
		sqlite3_free(sql);
	}
	if (rc) {
		free(self);
		return rc;
	}
	*out = &self->base;
	return sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
}

static int rollup_disconnect(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

/* ---- A statement */

/* idxNum has bit i set if column i is used; bit 30 stands for all columns from the 31st on. */
static int columns_used(const sqlite3_index_info *info)
{
	int used = (int)(info->colUsed & 0x3fffffff);

	return info->colUsed >> 30 ? used | 1 << 30 : used;
}

static bool column_used(int used, int column)
{
	return used >> (column < 30 ? column : 30) & 1;
}

static int rollup_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	const struct grouping *all = &((struct rollup *)base)->all;
	struct filter_columns columns = {
		.session = 0,
		.time = 1,
		.process = -1,
		.time_name = "bucket_ns",
	};

	for (int i = 0; i < all->n_keys; i++)
		if (all->keys[i] == all->table->process_id)
			columns.process = FIRST_KEY + i;
	info->idxNum = columns_used(info);
	return filter_plan(info, &columns, 1e7);
}

static int rollup_cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	struct rollup_cursor *cursor = calloc(1, sizeof(*cursor));

	(void)base;
	if (!cursor)
		return SQLITE_NOMEM;
	*out = &cursor->base;
	return SQLITE_OK;
}

static int rollup_cursor_close(sqlite3_vtab_cursor *base)
{
	struct rollup_cursor *cursor = (struct rollup_cursor *)base;

	groups_free(&cursor->groups);
	free(cursor);
	return SQLITE_OK;
}

static void key_use(struct rollup_cursor *cursor, int used, int column, int key, bool log)
{
	struct grouping *by = &cursor->groups.by;

	cursor->place[column] = -1;
	if (!column_used(used, column))
		return;
	cursor->place[column] = by->n_keys;
	by->logs |= (uint64_t)log << by->n_keys;
	by->keys[by->n_keys++] = key;
}

static void grouping_begin(struct rollup_cursor *cursor, const struct grouping *all, int used)
{
	struct grouping *by = &cursor->groups.by;

	groups_free(&cursor->groups);
	cursor->at = 0;
	*by = *all;
	by->n_keys = 0;
	by->logs = 0;
	key_use(cursor, used, 0, GROUP_SESSION, false);
	key_use(cursor, used, 1, GROUP_BUCKET, false);
	for (int i = 0; i < all->n_keys; i++)
		key_use(cursor, used, FIRST_KEY + i, all->keys[i], all->logs >> i & 1);
}

/* The rows of a bucket end before the next one begins. */
static void rollup_select(struct reader *reader, const struct grouping *all,
			  const struct filter *filter)
{
	struct reader_selection selection = { .from_ns = filter->from_ns, .to_ns = INT64_MAX };

	if (filter->to_ns < INT64_MAX - all->every_ns)
		selection.to_ns = filter->to_ns + all->every_ns - 1;
	table_set_add(&selection.tables, all->table->number);
	reader_select(reader, &selection);
}

static int rows_group(const struct rollup *self, struct groups *groups, const struct filter *filter,
		      char **why)
{
	struct reader *reader;
	struct batch batch;
	int rc = analysis_reader(self->analysis, &reader, why);

	if (rc)
		return rc;
	rollup_select(reader, &self->all, filter);
	while ((rc = analysis_batch(reader, &batch, why)) == SQLITE_ROW) {
		if (batch.table == self->all.table && groups_add(groups, &batch, filter)) {
			rc = SQLITE_NOMEM;
			break;
		}
	}
	reader_close(reader);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int rollup_filter(sqlite3_vtab_cursor *base, int used, const char *plan, int argc,
			 sqlite3_value **argv)
{
	struct rollup_cursor *cursor = (struct rollup_cursor *)base;
	struct rollup *self = (struct rollup *)base->pVtab;
	struct filter filter = { 0 };
	int rc;

	(void)argc;
	if (self->analysis->database) {
		self->base.zErrMsg = sqlite3_mprintf("the database does not hold this rollup");
		return SQLITE_ERROR;
	}
	grouping_begin(cursor, &self->all, used);
	rc = filter_fill(&filter, plan, argv);
	if (!rc && !filter.nothing)
		rc = rows_group(self, &cursor->groups, &filter, &self->base.zErrMsg);
	filter_free(&filter);
	return rc;
}

static int rollup_next(sqlite3_vtab_cursor *base)
{
	((struct rollup_cursor *)base)->at++;
	return SQLITE_OK;
}

static int rollup_eof(sqlite3_vtab_cursor *base)
{
	const struct rollup_cursor *cursor = (struct rollup_cursor *)base;

	return cursor->at >= cursor->groups.n;
}

static int rollup_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
	const struct rollup_cursor *cursor = (struct rollup_cursor *)base;
	const struct rollup *self = (const struct rollup *)base->pVtab;
	const uint64_t *group = group_at(&cursor->groups, cursor->at);
	int n_keys = cursor->groups.by.n_keys, sum = column - FIRST_KEY - self->all.n_keys, place;

	if (sum >= 0) {
		sqlite3_result_int64(context, (sqlite3_int64)group[n_keys + 1 + sum]);
		return SQLITE_OK;
	}
	place = cursor->place[column];
	if (place >= 0 && !(group[n_keys] >> place & 1))
		sqlite3_result_int64(context, (sqlite3_int64)group[place]);
	return SQLITE_OK;
}

static int rollup_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	*out = (sqlite3_int64)((struct rollup_cursor *)base)->at;
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.xCreate = rollup_connect,
	.xConnect = rollup_connect,
	.xBestIndex = rollup_best_index,
	.xDisconnect = rollup_disconnect,
	.xDestroy = rollup_disconnect,
	.xOpen = rollup_cursor_open,
	.xClose = rollup_cursor_close,
	.xFilter = rollup_filter,
	.xNext = rollup_next,
	.xEof = rollup_eof,
	.xColumn = rollup_column,
	.xRowid = rollup_rowid,
};

int rollup_register(struct analysis *analysis)
{
	return sqlite3_create_module(analysis->db, "rollup", &module, analysis);
}
