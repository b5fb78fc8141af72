/*
 * Inside of the renderers: what a format is. render.c has the short ones, table.c and flamegraph.c
 * the others.
 */
#ifndef REPORT_RENDER_FORMAT_H
#define REPORT_RENDER_FORMAT_H

#include "report/flamegraph.h"
#include "report/render.h"
#include "report/text.h"

struct render {
	const struct render_format *format;
	struct render_options options;
	FILE *file;
	struct text text; /* what is written next */
	bool shown;       /* a section */
	bool stacks;      /* a section had stacks and numbers */
	char weight[64];  /* name of the numbers' column */
	struct flamegraph *graph;
};

struct render_format {
	const char *name;
	bool sums;
	void (*begin)(struct render *);
	/* The statement stands on its first row (`status` SQLITE_ROW) or has none (SQLITE_DONE). */
	int (*section)(struct render *, const char *title, sqlite3_stmt *, int status);
	int (*finish)(struct render *);
};

/* Writes out what render->text holds. */
void render_write(struct render *);

int table_section(struct render *, const char *title, sqlite3_stmt *, int status);

#endif
