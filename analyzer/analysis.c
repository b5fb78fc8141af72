#include "analyzer/internal.h"
#include "analyzer/kmsg/oom_table.h"
#include "analyzer/procfs/module.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "analyzer/info.h"

static void why_set(struct analysis *analysis, const char *format, va_list args)
{
	vsnprintf(analysis->why, sizeof(analysis->why), format, args);
}

int analysis_fail(struct analysis *analysis, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	why_set(analysis, format, args);
	va_end(args);
	return err;
}

static int sql_errno(sqlite3 *db, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_CANTOPEN:
		return sqlite3_system_errno(db) ? -sqlite3_system_errno(db) : -EIO;
	default:
		return -EIO;
	}
}

int analysis_sql_fail(struct analysis *analysis, int rc)
{
	int err = sql_errno(analysis->db, rc);

	return err ? analysis_fail(analysis, err, "%s", sqlite3_errmsg(analysis->db)) : 0;
}

int analysis_exec(struct analysis *analysis, const char *format, ...)
{
	va_list args;
	char *sql;
	int rc;

	va_start(args, format);
	sql = sqlite3_vmprintf(format, args);
	va_end(args);
	if (!sql)
		return -ENOMEM;
	rc = sqlite3_exec(analysis->db, sql, NULL, NULL, NULL);
	sqlite3_free(sql);
	return analysis_sql_fail(analysis, rc);
}

int analysis_prepare(struct analysis *analysis, sqlite3_stmt **out, const char *format, ...)
{
	va_list args;
	char *sql;
	int rc;

	*out = NULL;
	va_start(args, format);
	sql = sqlite3_vmprintf(format, args);
	va_end(args);
	if (!sql)
		return -ENOMEM;
	rc = sqlite3_prepare_v2(analysis->db, sql, -1, out, NULL);
	sqlite3_free(sql);
	return analysis_sql_fail(analysis, rc);
}

int analysis_run(struct analysis *analysis, sqlite3_stmt *statement)
{
	int rc, err;

	if (!statement)
		return 0;
	do
		rc = sqlite3_step(statement);
	while (rc == SQLITE_ROW);
	err = analysis_sql_fail(analysis, rc == SQLITE_DONE ? SQLITE_OK : rc);
	sqlite3_finalize(statement);
	return err;
}

int analysis_reader(const struct analysis *analysis, struct reader **out, char **why)
{
	int err = reader_open(analysis->path, out);

	if (!err)
		return SQLITE_OK;
	*why = sqlite3_mprintf("%s", *out ? reader_why(*out) : "no memory");
	reader_close(*out);
	*out = NULL;
	return err == -ENOMEM ? SQLITE_NOMEM : SQLITE_IOERR;
}

int analysis_batch(struct reader *reader, struct batch *batch, char **why)
{
	int err = reader_next(reader, batch);

	if (err >= 0)
		return err ? SQLITE_ROW : SQLITE_DONE;
	*why = sqlite3_mprintf("%s", reader_why(reader));
	return err == -ENOMEM ? SQLITE_NOMEM : SQLITE_IOERR;
}

/* What the file holds does not change, nor does any other file. */
static int authorize(void *context, int action, const char *first, const char *second,
		     const char *schema, const char *trigger)
{
	const struct analysis *analysis = context;

	(void)second;
	(void)trigger;
	if (!analysis->locked)
		return SQLITE_OK;
	/* So SQLite asks when a virtual table declares its columns; the schema itself is safe. */
	if (action == SQLITE_UPDATE && !strcmp(first, "sqlite_master"))
		return SQLITE_OK;
	switch (action) {
	case SQLITE_ATTACH:
	case SQLITE_DETACH:
		return SQLITE_DENY;
	case SQLITE_ALTER_TABLE:
		schema = first; /* falls through */
	case SQLITE_INSERT:
	case SQLITE_UPDATE:
	case SQLITE_DELETE:
	case SQLITE_CREATE_INDEX:
	case SQLITE_CREATE_TABLE:
	case SQLITE_CREATE_TRIGGER:
	case SQLITE_CREATE_VIEW:
	case SQLITE_CREATE_VTABLE:
	case SQLITE_DROP_INDEX:
	case SQLITE_DROP_TABLE:
	case SQLITE_DROP_TRIGGER:
	case SQLITE_DROP_VIEW:
	case SQLITE_DROP_VTABLE:
	case SQLITE_ANALYZE:
	case SQLITE_REINDEX:
		return schema && !strcmp(schema, "temp") ? SQLITE_OK : SQLITE_DENY;
	default:
		return SQLITE_OK;
	}
}

static int connection_open(struct analysis *analysis, const char *name, int flags)
{
	int rc = sqlite3_open_v2(name, &analysis->db, flags, NULL);

	if (!rc)
		rc = sqlite3_db_config(analysis->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (!rc)
		rc = sqlite3_db_config(analysis->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (!rc)
		rc = sqlite3_set_authorizer(analysis->db, authorize, analysis);
	if (!rc)
		rc = functions_register(analysis);
	if (!rc)
		rc = stacks_register(analysis);
	if (!rc)
		rc = tables_register(analysis);
	if (!rc)
		rc = rollup_register(analysis);
	if (!rc)
		rc = heap_register(analysis);
	if (!rc)
		rc = procfs_register(analysis);
	if (!rc)
		rc = oom_register(analysis);
	return analysis_sql_fail(analysis, rc);
}

static uint32_t big_endian(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Whether it is an SQLite database at all. */
static bool database_magic(const unsigned char *header, ssize_t n)
{
	return n >= 16 && !memcmp(header, "SQLite format 3", 16);
}

/* The header of an SQLite file: user_version at 60, application_id at 68. */
bool database_ours(const unsigned char *header, ssize_t n)
{
	return n >= DATABASE_HEADER && database_magic(header, n) &&
	       big_endian(header + 68) == DATABASE_APPLICATION_ID;
}

static int database_check(struct analysis *analysis, const unsigned char *header, ssize_t n)
{
	if (!database_ours(header, n))
		return analysis_fail(analysis, -EBADMSG, "a database, but not one of memtape's");
	if (big_endian(header + 60) > DATABASE_VERSION)
		return analysis_fail(analysis, -ENOMSG, "a database of a newer version (%u)",
				     big_endian(header + 60));
	if (big_endian(header + 60) < DATABASE_VERSION)
		return analysis_fail(analysis, -EBADMSG,
				     "a database of an older version (%u); analyze the trace again",
				     big_endian(header + 60));
	return 0;
}

static int database_open(struct analysis *analysis, const unsigned char *header, ssize_t n)
{
	int err = database_check(analysis, header, n);

	analysis->database = true;
	if (!err)
		err = connection_open(analysis, analysis->path, SQLITE_OPEN_READONLY);
	if (!err)
		err = info_read(analysis);
	return err;
}

static int trace_open(struct analysis *analysis)
{
	int err = connection_open(analysis, ":memory:", SQLITE_OPEN_READWRITE);

	if (!err)
		err = definitions_load(analysis);
	if (!err)
		err = info_write(analysis);
	return err;
}

/* What the file begins with; the number of bytes or -errno. */
static ssize_t file_begin(struct analysis *analysis, unsigned char *header)
{
	int fd = open(analysis->path, O_RDONLY | O_CLOEXEC), err = 0;
	ssize_t n = fd < 0 ? -1 : read(fd, header, DATABASE_HEADER);

	if (n < 0)
		err = analysis_fail(analysis, -errno, "%s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return err ? err : n;
}

/* SQLite as Debian builds it takes "file:..." for a URI, whatever the flags. */
static char *path_plain(const char *path)
{
	char *plain;

	return asprintf(&plain, "%s%s", *path == '/' ? "" : "./", path) < 0 ? NULL : plain;
}

static int analysis_begin(struct analysis *analysis, const char *path)
{
	unsigned char header[DATABASE_HEADER];
	ssize_t n;
	int err;

	analysis->path = path_plain(path);
	if (!analysis->path)
		return analysis_fail(analysis, -ENOMEM, "no memory");
	n = file_begin(analysis, header);
	if (n < 0)
		return (int)n;
	err = database_magic(header, n) ? database_open(analysis, header, n) : trace_open(analysis);
	if (!err)
		err = schema_make(analysis);
	if (err == -ENOMEM && !analysis->why[0])
		analysis_fail(analysis, err, "no memory");
	analysis->locked = true;
	return err;
}

int analysis_open(const char *path, struct analysis **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? analysis_begin(*out, path) : -ENOMEM;
}

sqlite3 *analysis_db(struct analysis *analysis)
{
	return analysis->db;
}

const struct reader_report *analysis_report(struct analysis *analysis)
{
	return &analysis->report;
}

bool analysis_summed(const struct analysis *analysis)
{
	return analysis->summed;
}

const char *analysis_why(const struct analysis *analysis)
{
	return analysis->why;
}

void analysis_close(struct analysis *analysis)
{
	if (!analysis)
		return;
	stacks_free(analysis->stacks);
	sqlite3_close(analysis->db);
	clocks_free(analysis->clocks);
	heap_cache_free(analysis->heap);
	free(analysis->path);
	free(analysis);
}
