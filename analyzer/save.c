/*
 * Copies a trace into a database: the same names, as real tables.
 */
#include "analyzer/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct saver {
	struct analysis *analysis;
	bool events;
	sqlite3_str *stacks;  /* a query of all stack ids that the saved tables refer to */
	sqlite3_str *indexes; /* made when all is loaded */
};

/* A table while it is copied. */
struct copy {
	const char *name;
	const struct table *table; /* of the trace, or NULL */
	sqlite3_str *declared, *columns, *order;
	int n_columns;
};

/* ---- Tables */

static bool is_time(const char *column)
{
	return !strcmp(column, "ts_ns") || !strcmp(column, "bucket_ns") ||
	       !strcmp(column, "alloc_ns");
}

static bool is_stack(const char *column)
{
	size_t length = strlen(column), suffix = strlen("stack_id");

	return length >= suffix && !strcmp(column + length - suffix, "stack_id");
}

static void column_note(struct saver *saver, struct copy *copy, const char *column,
			const char *type)
{
	const char *separator = copy->n_columns ? ", " : "";

	sqlite3_str_appendf(copy->declared, "%s\"%w\" %s", separator, column, type);
	sqlite3_str_appendf(copy->columns, "%s\"%w\"", separator, column);
	sqlite3_str_appendf(copy->order, "%s%d", separator, ++copy->n_columns);
	if (is_time(column))
		sqlite3_str_appendf(saver->indexes,
				    "CREATE INDEX out.\"%w_%w\" ON \"%w\" (\"%w\");", copy->name,
				    column, copy->name, column);
	if (is_stack(column))
		sqlite3_str_appendf(saver->stacks, "%sSELECT \"%w\" FROM out.\"%w\"",
				    sqlite3_str_length(saver->stacks) ? " UNION " : "", column,
				    copy->name);
}

/* Hidden columns are not among them. */
static int columns_note(struct saver *saver, struct copy *copy)
{
	sqlite3_stmt *rows;
	int err = analysis_prepare(
		saver->analysis, &rows,
		"SELECT name, type FROM pragma_table_info(%Q, 'temp') ORDER BY cid", copy->name);

	if (err)
		return err;
	while (sqlite3_step(rows) == SQLITE_ROW)
		column_note(saver, copy, (const char *)sqlite3_column_text(rows, 0),
			    (const char *)sqlite3_column_text(rows, 1));
	return analysis_sql_fail(saver->analysis, sqlite3_finalize(rows));
}

/* Events and lives stay in the order of the file, which is about that of time; sums are sorted. */
static int rows_copy(struct saver *saver, struct copy *copy)
{
	bool sorted = !copy->table && strcmp(copy->name, "heap_life");
	char *declared = sqlite3_str_finish(copy->declared);
	char *columns = sqlite3_str_finish(copy->columns);
	char *order = sqlite3_str_finish(copy->order);
	int err = declared && columns && order ? 0 : -ENOMEM;

	if (!err)
		err = analysis_exec(saver->analysis, "CREATE TABLE out.\"%w\" (%s)", copy->name,
				    declared);
	if (!err)
		err = analysis_exec(saver->analysis,
				    "INSERT INTO out.\"%w\" SELECT %s FROM temp.\"%w\"%s%s",
				    copy->name, columns, copy->name, sorted ? " ORDER BY " : "",
				    sorted ? order : "");
	sqlite3_free(declared);
	sqlite3_free(columns);
	sqlite3_free(order);
	return err;
}

static int virtual_copy(struct saver *saver, const char *name)
{
	struct copy copy = {
		.name = name,
		.table = table_named(name),
		.declared = sqlite3_str_new(NULL),
		.columns = sqlite3_str_new(NULL),
		.order = sqlite3_str_new(NULL),
	};
	bool bulk = copy.table ? copy.table->bulk : !strcmp(name, "heap_life");
	int err = !bulk || saver->events ? columns_note(saver, &copy) : 0;

	if (copy.n_columns && !err)
		return rows_copy(saver, &copy);
	sqlite3_free(sqlite3_str_finish(copy.declared));
	sqlite3_free(sqlite3_str_finish(copy.columns));
	sqlite3_free(sqlite3_str_finish(copy.order));
	return err;
}

/* What stands in the texts of files is found there, in a database as in a trace. */
static int virtuals_copy(struct saver *saver)
{
	sqlite3_stmt *names;
	int err = analysis_prepare(saver->analysis, &names,
				   "SELECT name FROM temp.sqlite_schema"
				   " WHERE sql LIKE 'CREATE VIRTUAL TABLE %%'"
				   " AND sql NOT LIKE '%%USING procfs(%%' ORDER BY rowid");
	int rc;

	while (!err && (rc = sqlite3_step(names)) == SQLITE_ROW)
		err = virtual_copy(saver, (const char *)sqlite3_column_text(names, 0));
	if (err) {
		sqlite3_finalize(names);
		return err;
	}
	return analysis_sql_fail(saver->analysis, sqlite3_finalize(names));
}

static int definitions_copy(struct saver *saver)
{
	size_t n;
	const struct table *all = tables(&n, NULL);
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		char *sql;

		if (!is_definition(&all[i]))
			continue;
		sql = definition_sql(&all[i], "out");
		err = sql ? analysis_exec(saver->analysis, "%s", sql) : -ENOMEM;
		sqlite3_free(sql);
		if (!err)
			err = analysis_exec(saver->analysis,
					    "INSERT INTO out.\"%w\" SELECT * FROM main.\"%w\""
					    " ORDER BY rowid",
					    all[i].name, all[i].name);
	}
	return err;
}

static int info_copy(struct saver *saver)
{
	return analysis_exec(saver->analysis,
			     "CREATE TABLE out.info (key TEXT PRIMARY KEY, value);"
			     "INSERT INTO out.info SELECT key, value FROM main.info;"
			     "UPDATE out.info SET value = %d WHERE key = 'events'",
			     saver->events);
}

static int stacks_copy(struct saver *saver)
{
	char *stacks = sqlite3_str_finish(saver->stacks);
	int err = stacks ? 0 : -ENOMEM;

	saver->stacks = NULL;
	if (!err)
		err = analysis_exec(
			saver->analysis,
			"CREATE TABLE out.stack_text (stack_id INTEGER PRIMARY KEY,"
			" folded TEXT, places TEXT, leaf TEXT, leaf_path TEXT, caller TEXT,"
			" caller_path TEXT, depth INTEGER);"
			"INSERT INTO out.stack_text SELECT stack_id, folded, places, leaf,"
			" leaf_path, caller, caller_path, depth FROM temp.stack_text"
			" WHERE stack_id IN (%s) ORDER BY stack_id",
			stacks);
	sqlite3_free(stacks);
	return err;
}

static int indexes_make(struct saver *saver)
{
	char *sql = sqlite3_str_finish(saver->indexes);
	int err = sql ? analysis_exec(saver->analysis, "%s", sql) : -ENOMEM;

	saver->indexes = NULL;
	sqlite3_free(sql);
	return err;
}

static int all_copy(struct saver *saver)
{
	int err = analysis_exec(
		saver->analysis,
		"PRAGMA out.journal_mode = OFF; PRAGMA out.synchronous = OFF;"
		"PRAGMA out.cache_size = -32768;"
		"PRAGMA out.application_id = %d; PRAGMA out.user_version = %d; BEGIN",
		DATABASE_APPLICATION_ID, DATABASE_VERSION);

	if (!err)
		err = info_copy(saver);
	if (!err)
		err = definitions_copy(saver);
	if (!err)
		err = virtuals_copy(saver);
	if (!err)
		err = stacks_copy(saver);
	if (!err)
		err = indexes_make(saver);
	if (!err)
		return analysis_exec(saver->analysis, "COMMIT");
	/* The transaction may be over already; the first error is what counts. */
	sqlite3_exec(saver->analysis->db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

/* ---- The file */

static int attached_save(struct analysis *analysis, const char *path, bool events)
{
	struct saver saver = {
		.analysis = analysis,
		.events = events,
		.stacks = sqlite3_str_new(NULL),
		.indexes = sqlite3_str_new(NULL),
	};
	int err = analysis_exec(analysis, "ATTACH %Q AS out", path);

	if (!err) {
		err = all_copy(&saver);
		sqlite3_exec(analysis->db, "DETACH out", NULL, NULL, NULL);
	}
	sqlite3_free(sqlite3_str_finish(saver.stacks));
	sqlite3_free(sqlite3_str_finish(saver.indexes));
	return err;
}

/* A defensive connection refuses to work without a journal, and a locked one to attach. */
static int unlocked_save(struct analysis *analysis, const char *path, bool events)
{
	int err;

	analysis->locked = false;
	sqlite3_db_config(analysis->db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
	err = attached_save(analysis, path, events);
	sqlite3_db_config(analysis->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	analysis->locked = true;
	return err;
}

static int path_fail(struct analysis *analysis, const char *path)
{
	int err = errno;

	return analysis_fail(analysis, -err, "%s: %s", path, strerror(err));
}

/* Whether something is there that is not ours to replace. */
static int path_check(struct analysis *analysis, const char *path)
{
	unsigned char header[DATABASE_HEADER];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : path_fail(analysis, path);
	n = read(fd, header, sizeof(header));
	close(fd);
	if (database_ours(header, n))
		return 0;
	return analysis_fail(analysis, -EEXIST, "%s: exists, and is no database of memtape's",
			     path);
}

/* Whoever may not read the trace shall not read the copy. */
static int file_create(struct analysis *analysis, const char *path)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return path_fail(analysis, path);
	close(fd);
	return 0;
}

static int file_sync(struct analysis *analysis, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0 || fsync(fd))
		err = path_fail(analysis, path);
	if (fd >= 0)
		close(fd);
	return err;
}

static int folder_sync(struct analysis *analysis, const char *path)
{
	char *copy = strdup(path);
	int err = copy ? file_sync(analysis, dirname(copy)) : -ENOMEM;

	free(copy);
	return err;
}

static int file_save(struct analysis *analysis, const char *temporary, const char *path,
		     bool events)
{
	int err = file_create(analysis, temporary);

	if (err)
		return err;
	err = unlocked_save(analysis, temporary, events);
	if (!err)
		err = file_sync(analysis, temporary);
	if (!err && rename(temporary, path))
		err = path_fail(analysis, path);
	if (err)
		unlink(temporary);
	return err ? err : folder_sync(analysis, path);
}

int analysis_save(struct analysis *analysis, const char *path, bool events)
{
	char *temporary;
	int err;

	if (analysis->database)
		return analysis_fail(analysis, -EINVAL, "it is a database already");
	err = path_check(analysis, path);
	if (err)
		return err;
	if (asprintf(&temporary, "%s%s.tmp", *path == '/' ? "" : "./", path) < 0)
		return analysis_fail(analysis, -ENOMEM, "no memory");
	err = file_save(analysis, temporary, path, events);
	free(temporary);
	return err;
}
