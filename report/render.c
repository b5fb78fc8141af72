#include "report/render_format.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void render_write(struct render *render)
{
	if (render->text.length)
		fwrite(render->text.data, 1, render->text.length, render->file);
	text_clear(&render->text);
}

/* The value as text, "" for NULL. Where SQLite has no memory for it, `text` has failed. */
static const char *column_text(struct text *text, sqlite3_stmt *statement, int column,
			       size_t *length)
{
	bool null = sqlite3_column_type(statement, column) == SQLITE_NULL;
	const char *bytes = (const char *)sqlite3_column_text(statement, column);

	text->failed |= !bytes && !null;
	*length = bytes ? sqlite3_column_bytes(statement, column) : 0;
	return bytes ? bytes : "";
}

static void add_hex(struct text *text, sqlite3_stmt *statement, int column)
{
	const unsigned char *bytes = sqlite3_column_blob(statement, column);
	int length = sqlite3_column_bytes(statement, column);

	for (int i = 0; i < length; i++)
		text_printf(text, "%02x", bytes[i]);
}

/* ---- csv */

static void csv_cell(struct text *text, const char *bytes, size_t length)
{
	struct text cell = { 0 };

	text_escape_lines(&cell, bytes, length);
	if (cell.failed) {
		text->failed = true;
	} else if (cell.length && !cell.data[strcspn(cell.data, ",\"\r\n")]) {
		text_add(text, cell.data, cell.length);
	} else {
		text_puts(text, "\"");
		for (size_t i = 0; i < cell.length; i++) {
			if (cell.data[i] == '"')
				text_puts(text, "\"");
			text_add(text, cell.data + i, 1);
		}
		text_puts(text, "\"");
	}
	text_release(&cell);
}

/* NULL is an empty cell, an empty text is "". */
static void csv_row(struct render *render, sqlite3_stmt *statement)
{
	size_t length;

	for (int i = 0; i < sqlite3_column_count(statement); i++) {
		int type = sqlite3_column_type(statement, i);
		const char *bytes;

		if (i)
			text_puts(&render->text, ",");
		if (type == SQLITE_BLOB) {
			add_hex(&render->text, statement, i);
		} else if (type != SQLITE_NULL) {
			bytes = column_text(&render->text, statement, i, &length);
			csv_cell(&render->text, bytes, length);
		}
	}
	text_puts(&render->text, "\n");
}

static int csv_section(struct render *render, const char *title, sqlite3_stmt *statement,
		       int status)
{
	(void)title;
	if (render->options.sections && status != SQLITE_ROW)
		return status;
	if (render->shown)
		text_puts(&render->text, "\n");
	render->shown = true;
	for (int i = 0; i < sqlite3_column_count(statement); i++) {
		const char *name = sqlite3_column_name(statement, i);

		if (i)
			text_puts(&render->text, ",");
		csv_cell(&render->text, name, strlen(name));
	}
	text_puts(&render->text, "\n");
	for (; status == SQLITE_ROW; status = sqlite3_step(statement)) {
		csv_row(render, statement);
		render_write(render);
	}
	return status;
}

/* ---- json */

static void json_cell(struct text *text, sqlite3_stmt *statement, int column)
{
	size_t length;
	const char *bytes;

	switch (sqlite3_column_type(statement, column)) {
	case SQLITE_NULL:
		text_puts(text, "null");
		break;
	case SQLITE_FLOAT:
		if (!isfinite(sqlite3_column_double(statement, column)))
			text_puts(text, "null");
		else
			text_printf(text, "%.15g", sqlite3_column_double(statement, column));
		break;
	case SQLITE_INTEGER:
		text_printf(text, "%" PRId64, (int64_t)sqlite3_column_int64(statement, column));
		break;
	case SQLITE_BLOB:
		text_puts(text, "\"");
		add_hex(text, statement, column);
		text_puts(text, "\"");
		break;
	default:
		bytes = column_text(text, statement, column, &length);
		text_json(text, bytes, length);
	}
}

static void json_row(struct text *text, sqlite3_stmt *statement)
{
	text_puts(text, "{");
	for (int i = 0; i < sqlite3_column_count(statement); i++) {
		const char *name = sqlite3_column_name(statement, i);

		if (i)
			text_puts(text, ",");
		text_json(text, name, strlen(name));
		text_puts(text, ":");
		json_cell(text, statement, i);
	}
	text_puts(text, "}");
}

static int json_section(struct render *render, const char *title, sqlite3_stmt *statement,
			int status)
{
	struct text *text = &render->text;
	bool first = true;

	if (render->shown)
		text_puts(text, ",\n");
	render->shown = true;
	if (render->options.sections) {
		text_puts(text, "{\"title\":");
		if (title)
			text_json(text, title, strlen(title));
		else
			text_puts(text, "null");
		text_puts(text, ",\"rows\":");
	}
	text_puts(text, "[");
	for (; status == SQLITE_ROW; status = sqlite3_step(statement)) {
		text_puts(text, first ? "\n" : ",\n");
		json_row(text, statement);
		render_write(render);
		first = false;
	}
	text_puts(text, render->options.sections ? "]}" : "]");
	return status;
}

static void json_begin(struct render *render)
{
	if (render->options.sections)
		text_puts(&render->text, "[");
}

static int json_finish(struct render *render)
{
	text_puts(&render->text, render->options.sections ? "]\n" : "\n");
	return 0;
}

/* ---- folded and svg */

static int column_named(sqlite3_stmt *statement, const char *name)
{
	for (int i = 0; i < sqlite3_column_count(statement); i++)
		if (!strcmp(sqlite3_column_name(statement, i), name))
			return i;
	return -1;
}

/* The first column that holds a number in the row where the statement stands. */
static int column_weight(sqlite3_stmt *statement)
{
	for (int i = 0; i < sqlite3_column_count(statement); i++)
		if (sqlite3_column_type(statement, i) == SQLITE_INTEGER)
			return i;
	return -1;
}

static void folded_row(struct render *render, const char *stack, size_t length, int64_t weight)
{
	text_escape(&render->text, stack, length);
	text_printf(&render->text, " %" PRId64 "\n", weight);
	render_write(render);
}

static int stacks_section(struct render *render, const char *title, sqlite3_stmt *statement,
			  int status)
{
	int stack = column_named(statement, "stack"), weight = -1, err = 0;

	(void)title;
	if (status == SQLITE_ROW)
		weight = column_weight(statement);
	if (stack < 0 || (status == SQLITE_ROW && weight < 0))
		return SQLITE_DONE;
	render->stacks = true;
	if (weight >= 0 && !render->weight[0])
		snprintf(render->weight, sizeof(render->weight), "%s",
			 sqlite3_column_name(statement, weight));
	for (; status == SQLITE_ROW && !err; status = sqlite3_step(statement)) {
		int64_t number = sqlite3_column_int64(statement, weight);
		size_t length;
		const char *text = column_text(&render->text, statement, stack, &length);

		if (number <= 0)
			continue;
		if (!length) {
			text = "[no stack]";
			length = strlen(text);
		}
		if (render->graph)
			err = flamegraph_add(render->graph, text, length, number);
		else
			folded_row(render, text, length, number);
	}
	return err ? err : status;
}

static int folded_finish(struct render *render)
{
	return render->stacks ? 0 : -ENODATA;
}

static int svg_finish(struct render *render)
{
	if (!render->stacks)
		return -ENODATA;
	return flamegraph_draw(render->graph, render->options.heading,
			       render->weight[0] ? render->weight : "nothing", &render->text);
}

/* ---- all */

static const struct render_format formats[] = {
	{ "table", false, NULL, table_section, NULL },
	{ "csv", false, NULL, csv_section, NULL },
	{ "json", false, json_begin, json_section, json_finish },
	{ "folded", true, NULL, stacks_section, folded_finish },
	{ "svg", true, NULL, stacks_section, svg_finish },
};

static const struct render_format *format_named(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

bool render_knows(const char *format)
{
	return format_named(format);
}

bool render_sums(const char *format)
{
	const struct render_format *found = format_named(format);

	return found && found->sums;
}

int render_open(FILE *file, const struct render_options *options, struct render **out)
{
	const struct render_format *format = format_named(options->format);
	struct render *render;

	if (!format)
		return -EINVAL;
	render = calloc(1, sizeof(*render));
	if (!render)
		return -ENOMEM;
	render->format = format;
	render->options = *options;
	render->file = file;
	if (format->finish == svg_finish && flamegraph_open(&render->graph)) {
		render_close(render);
		return -ENOMEM;
	}
	if (format->begin)
		format->begin(render);
	*out = render;
	return 0;
}

int render_section(struct render *render, const char *title, sqlite3_stmt *statement)
{
	int status = sqlite3_step(statement);

	if (sqlite3_column_count(statement) && (status == SQLITE_ROW || status == SQLITE_DONE)) {
		status = render->format->section(render, title, statement, status);
	}
	render_write(render);
	if (render->text.failed || status == -ENOMEM || status == SQLITE_NOMEM)
		return -ENOMEM;
	return status == SQLITE_DONE ? 0 : -EIO;
}

int render_finish(struct render *render)
{
	int err = render->format->finish ? render->format->finish(render) : 0;

	render_write(render);
	return err ? err : render->text.failed ? -ENOMEM : 0;
}

void render_close(struct render *render)
{
	if (!render)
		return;
	flamegraph_close(render->graph);
	text_release(&render->text);
	free(render);
}
