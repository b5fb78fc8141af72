/*
 * The table format. Rows are collected in chunks; the first chunk decides how wide the columns are,
 * so a statement with millions of rows takes no more memory than one with a thousand.
 */
#include "report/render_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	CHUNK_ROWS = 1024,
	CHUNK_BYTES = 1 << 20,
};

struct cell {
	size_t begin, length; /* in table.bytes */
	size_t width;         /* on a terminal */
	int type;             /* of SQLite */
};

struct table_column {
	const char *name;
	size_t width;
	bool right, identifier;
	int decimals; /* of fractions; -1: as many as there are */
};

struct table {
	int n_columns;
	int stack, places; /* columns of these names, or -1 */
	bool notes;
	size_t n_rows;
	struct text bytes;
	struct cell *cells;
	struct table_column *columns;
};

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), tail = strlen(end);

	return length >= tail && !strcmp(name + length - tail, end);
}

static bool is_identifier(const char *name)
{
	static const char *const names[] = { "pid", "tid", "uid", "cpu", "id", "addr", "cgroup" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcasecmp(name, names[i])) /* tools write PID */
			return true;
	return ends_with(name, "_id") || ends_with(name, "_addr") || ends_with(name, "_tid") ||
	       ends_with(name, "_pid");
}

/* Percents and rates, also as known tools name them. */
static bool is_ratio(const char *name)
{
	return ends_with(name, "_pct") || ends_with(name, "/s") || *name == '%';
}

static void column_init(struct table *table, int i, const char *name)
{
	table->columns[i] = (struct table_column){
		.name = name,
		.width = strlen(name),
		.identifier = is_identifier(name),
		.decimals = ends_with(name, "_ms")   ? 3
			    : ends_with(name, "_us") ? 1
			    : is_ratio(name)         ? 2
						     : -1,
	};
	if (!strcmp(name, "stack"))
		table->stack = i;
	else if (!strcmp(name, "places"))
		table->places = i;
}

static int table_init(struct table *table, sqlite3_stmt *statement)
{
	*table = (struct table){
		.n_columns = sqlite3_column_count(statement),
		.stack = -1,
		.places = -1,
	};
	table->columns = calloc(table->n_columns, sizeof(*table->columns));
	table->cells = calloc((size_t)table->n_columns * CHUNK_ROWS, sizeof(*table->cells));
	text_puts(&table->bytes, "");
	if (!table->columns || !table->cells)
		return -ENOMEM;
	for (int i = 0; i < table->n_columns; i++)
		column_init(table, i, sqlite3_column_name(statement, i));
	if (table->stack < 0)
		table->places = -1;
	table->notes = table->n_columns == 1 && !strcmp(table->columns[0].name, "note");
	return 0;
}

static void table_release(struct table *table)
{
	text_release(&table->bytes);
	free(table->cells);
	free(table->columns);
}

static void add_number(struct text *text, const struct table_column *column,
		       sqlite3_stmt *statement, int i)
{
	bool fraction = sqlite3_column_type(statement, i) == SQLITE_FLOAT;

	if (fraction && column->decimals < 0)
		text_printf(text, "%.15g", sqlite3_column_double(statement, i));
	else if (fraction)
		text_printf(text, "%.*f", column->decimals, sqlite3_column_double(statement, i));
	else if (column->identifier)
		text_printf(text, "%lld", sqlite3_column_int64(statement, i));
	else
		text_thousands(text, sqlite3_column_int64(statement, i));
}

/* Adds the value as it is shown; returns its width. */
static size_t add_value(struct table *table, sqlite3_stmt *statement, int i, int type)
{
	struct text *text = &table->bytes;
	size_t before = text->length;
	const char *bytes;

	switch (type) {
	case SQLITE_NULL:
		text_puts(text, i == table->stack ? "[no stack]" : "-");
		break;
	case SQLITE_INTEGER:
	case SQLITE_FLOAT:
		add_number(text, &table->columns[i], statement, i);
		break;
	case SQLITE_BLOB:
		text_printf(text, "[%d bytes]", sqlite3_column_bytes(statement, i));
		break;
	default:
		bytes = (const char *)sqlite3_column_text(statement, i);
		if (bytes)
			return text_escape(text, bytes, sqlite3_column_bytes(statement, i));
		text->failed = true;
	}
	return text->length - before;
}

static void table_add(struct table *table, sqlite3_stmt *statement)
{
	struct cell *cells = table->cells + table->n_rows++ * table->n_columns;

	for (int i = 0; i < table->n_columns; i++) {
		/* Asked for before the value is converted, as converting changes it. */
		cells[i].type = sqlite3_column_type(statement, i);
		cells[i].begin = table->bytes.length;
		cells[i].width = add_value(table, statement, i, cells[i].type);
		cells[i].length = table->bytes.length - cells[i].begin;
	}
}

/* A column whose values are all numbers, or none, stands right. */
static void table_measure(struct table *table)
{
	for (int i = 0; i < table->n_columns; i++) {
		struct table_column *column = &table->columns[i];
		bool numbers = false, others = false;

		for (size_t row = 0; row < table->n_rows; row++) {
			const struct cell *cell = &table->cells[row * table->n_columns + i];

			if (cell->width > column->width)
				column->width = cell->width;
			numbers |= cell->type == SQLITE_INTEGER || cell->type == SQLITE_FLOAT;
			others |= cell->type == SQLITE_TEXT || cell->type == SQLITE_BLOB;
		}
		column->right = numbers && !others;
	}
}

static void write_spaces(struct text *out, size_t n)
{
	while (n--)
		text_puts(out, " ");
}

/* Blanks are held back until something follows them. */
static void write_cell(struct text *out, const struct table_column *column, const char *bytes,
		       size_t length, size_t width, size_t *blanks)
{
	size_t fill = column->width > width ? column->width - width : 0;

	if (length) {
		write_spaces(out, *blanks + (column->right ? fill : 0));
		text_add(out, bytes, length);
		*blanks = column->right ? 0 : fill;
	} else {
		*blanks += fill;
	}
	*blanks += 2;
}

/* Stacks stand below their row. */
static bool is_below(const struct table *table, int column)
{
	return column == table->stack || column == table->places;
}

static void write_head(struct text *out, const struct table *table)
{
	size_t blanks = 0;

	for (int i = 0; i < table->n_columns; i++) {
		size_t length = strlen(table->columns[i].name);

		if (!is_below(table, i))
			write_cell(out, &table->columns[i], table->columns[i].name, length, length,
				   &blanks);
	}
	text_puts(out, "\n");
}

/* Where the last part of a list begins whose parts are separated by semicolons. */
static size_t last_part(const char *list, size_t end)
{
	while (end && list[end - 1] != ';')
		end--;
	return end;
}

/* The frames of a folded stack, innermost first, each with its place in the source. */
static void write_stack(struct text *out, const char *stack, size_t end, const char *places,
			size_t places_end)
{
	size_t begin, place;

	do {
		begin = last_part(stack, end);
		text_puts(out, "        ");
		text_add(out, stack + begin, end - begin);
		place = last_part(places, places_end);
		if (place < places_end)
			text_puts(out, "  ");
		text_add(out, places + place, places_end - place);
		text_puts(out, "\n");
		end = begin ? begin - 1 : 0;
		places_end = place ? place - 1 : 0;
	} while (begin);
}

static void write_row(struct text *out, const struct table *table, const struct cell *cells)
{
	const char *bytes = table->bytes.data, *places = "";
	size_t blanks = 0, length = 0;

	for (int i = 0; i < table->n_columns; i++)
		if (!is_below(table, i))
			write_cell(out, &table->columns[i], bytes + cells[i].begin, cells[i].length,
				   cells[i].width, &blanks);
	text_puts(out, "\n");
	if (table->stack < 0)
		return;
	if (table->places >= 0 && cells[table->places].type == SQLITE_TEXT) {
		places = bytes + cells[table->places].begin;
		length = cells[table->places].length;
	}
	write_stack(out, bytes + cells[table->stack].begin, cells[table->stack].length, places,
		    length);
}

static void write_chunk(struct render *render, struct table *table)
{
	for (size_t row = 0; row < table->n_rows && !table->bytes.failed; row++) {
		write_row(&render->text, table, table->cells + row * table->n_columns);
		render_write(render);
	}
	table->n_rows = 0;
	text_clear(&table->bytes);
}

static void write_begin(struct render *render, const char *title, struct table *table)
{
	if (render->shown)
		text_puts(&render->text, "\n");
	render->shown = true;
	if (title)
		text_printf(&render->text, "%s\n", title);
	table_measure(table);
	if (!table->notes)
		write_head(&render->text, table);
}

int table_section(struct render *render, const char *title, sqlite3_stmt *statement, int status)
{
	struct table table;
	bool begun = false;

	if (status != SQLITE_ROW)
		return status;
	if (table_init(&table, statement))
		status = SQLITE_NOMEM;
	while (status == SQLITE_ROW) {
		while (status == SQLITE_ROW && table.n_rows < CHUNK_ROWS &&
		       table.bytes.length < CHUNK_BYTES) {
			table_add(&table, statement);
			status = sqlite3_step(statement);
		}
		if (!begun)
			write_begin(render, title, &table);
		begun = true;
		write_chunk(render, &table);
	}
	if (table.bytes.failed)
		status = SQLITE_NOMEM;
	table_release(&table);
	return status;
}
