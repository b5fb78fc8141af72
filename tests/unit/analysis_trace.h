/*
 * Traces made by tests, a row per line: "process id=1 pid=100 comm=app". What a line does not name
 * is NULL where that can be said, else 0 or empty.
 */
#ifndef TESTS_UNIT_ANALYSIS_TRACE_H
#define TESTS_UNIT_ANALYSIS_TRACE_H

#include <fcntl.h>
#include <unistd.h>
#include "analyzer/analysis.h"
#include "format/writer.h"
#include "tests/check.h"

/* A new file in $TMPDIR; the caller removes it. */
__attribute__((unused)) static char *trace_path(const char *name)
{
	const char *folder = getenv("TMPDIR");
	char *path;

	CHECK(asprintf(&path, "%s/memtape-test-%d-%s", folder ? folder : "/tmp", (int)getpid(),
		       name) > 0);
	return path;
}

__attribute__((unused)) static struct writer *trace_begin(const char *path, uint8_t session,
							  bool append)
{
	struct writer_options options = { .session = { session }, .level = 1 };
	struct writer *writer;
	int fd = open(path, O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC), 0600);

	CHECK(fd >= 0);
	CHECK_EQUAL(writer_open(fd, &options, &writer), 0);
	return writer;
}

static void trace_cell(const struct table *table, struct cell *cells, char *word)
{
	char *value = strchr(word, '=');
	int column;

	CHECK(value);
	*value++ = 0;
	column = table_column(table, word);
	if (column < 0)
		FAIL("%s has no column %s", table->name, word);
	cells[column] = (struct cell){ .number = (uint64_t)strtoll(value, NULL, 0) };
	if (table->columns[column].kind == COLUMN_TEXT) {
		cells[column].text = value;
		cells[column].length = strlen(value);
	}
}

/* A '+' in a text stands for a space, a '|' for the end of a line. */
__attribute__((unused)) static void trace_row(struct writer *writer, const char *line)
{
	char *words = strdup(line), *at = words, *word = strsep(&at, " ");
	const struct table *table = table_named(word);
	struct cell cells[COLUMNS_MAX] = { 0 };
	int err;

	if (!table)
		FAIL("no table %s", word);
	for (int i = 0; i < table->n_columns; i++) {
		cells[i].null = table->columns[i].null_field;
		cells[i].text = "";
	}
	while ((word = strsep(&at, " ")))
		if (*word)
			trace_cell(table, cells, word);
	for (char *c = words; c < words + strlen(line); c++)
		*c = *c == '+' ? ' ' : *c == '|' ? '\n' : *c;
	err = writer_add_cells(writer, table, cells);
	if (err)
		FAIL("%s: %s", line, strerror(-err));
	free(words);
}

__attribute__((unused)) static struct analysis *analysis_opened(const char *path)
{
	struct analysis *analysis;
	int err = analysis_open(path, &analysis);

	if (err)
		FAIL("%s: %d, %s", path, err, analysis ? analysis_why(analysis) : "no memory");
	return analysis;
}

/* All rows of a query as text: '|' between columns, a line per row. The caller frees it. */
__attribute__((unused)) static char *answer(struct analysis *analysis, const char *query)
{
	sqlite3_str *text = sqlite3_str_new(NULL);
	sqlite3_stmt *rows;
	int rc = sqlite3_prepare_v2(analysis_db(analysis), query, -1, &rows, NULL);

	if (rc)
		FAIL("%s: %s", query, sqlite3_errmsg(analysis_db(analysis)));
	while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(rows); i++) {
			const char *value = (const char *)sqlite3_column_text(rows, i);

			sqlite3_str_appendf(text, "%s%s", i ? "|" : "", value ? value : "NULL");
		}
		sqlite3_str_appendchar(text, 1, '\n');
	}
	if (rc != SQLITE_DONE)
		FAIL("%s: %s", query, sqlite3_errmsg(analysis_db(analysis)));
	sqlite3_finalize(rows);
	if (!sqlite3_str_length(text))
		sqlite3_str_appendall(text, "");
	rc = sqlite3_str_length(text);
	if (rc)
		return sqlite3_str_finish(text);
	sqlite3_free(sqlite3_str_finish(text));
	return sqlite3_mprintf("");
}

__attribute__((unused)) static void check_answer(struct analysis *analysis, const char *query,
						 const char *wanted)
{
	char *got = answer(analysis, query);

	if (strcmp(got, wanted))
		FAIL("%s\ngives\n%snot\n%s", query, got, wanted);
	sqlite3_free(got);
}

/* The query fails with a message that has `wanted` in it. */
__attribute__((unused)) static void check_refused(struct analysis *analysis, const char *query,
						  const char *wanted)
{
	char *message = NULL;
	int rc = sqlite3_exec(analysis_db(analysis), query, NULL, NULL, &message);

	if (!rc || !message || !strstr(message, wanted))
		FAIL("%s: %s, not \"%s\"", query, message ? message : "no error", wanted);
	sqlite3_free(message);
}

#endif
