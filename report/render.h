/*
 * Shows the rows of statements: as a table for people, as CSV, JSON, folded stacks or a flame graph
 * for programs. A renderer knows rows and the names of columns, never what they are about:
 *
 * - stack: folded frames (outermost;...;innermost); a table shows them below the row
 * - places: where each of those is in the source, as many parts or NULL; a table shows them there
 * - note, the only column: sentences; a table shows them as they are
 * - pid, addr, X_id, ...: numbers that name something; a table puts no commas into them
 */
#ifndef REPORT_RENDER_H
#define REPORT_RENDER_H

#include <stdbool.h>
#include <stdio.h>
#include <sqlite3.h>

struct render;

struct render_options {
	const char *format;  /* one of render_formats */
	const char *heading; /* of a flame graph */
	bool sections; /* several statements follow; else JSON is just the one array of rows */
};

/* The formats' names, for people. */
#define RENDER_FORMATS "table, csv, json, folded, svg"

bool render_knows(const char *format);

/* Whether the format shows stacks and nothing else, so that rows left out would be missing in a
 * sum. */
bool render_sums(const char *format);

/* Renders to `file`, which stays the caller's. 0, -ENOMEM, -EINVAL: no such format. */
int render_open(FILE *file, const struct render_options *options, struct render **out);

/*
 * Steps through the statement and shows its rows; `title` may be NULL. Statements without columns
 * are just run. Sections without rows are left out but in JSON. 0, -ENOMEM, -EIO: the statement
 * failed (sqlite3_errmsg says why).
 */
int render_section(struct render *, const char *title, sqlite3_stmt *statement);

/*
 * What comes after the last section. 0, -ENOMEM, -ENODATA: stacks were asked for and no section had
 * a column `stack` and a number. Errors of writing are left in the file (ferror).
 */
int render_finish(struct render *);

/* Accepts NULL. */
void render_close(struct render *);

#endif
