#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "format/catalog.h"

enum { NULL_OFFSET = 100, IDENTITY_END = 16 };

static const char *const classes[] = { "id",   "path",   "comm",   "host",  "cmdline",
				       "text", "symbol", "name",   "cause", "source",
				       "way",  "state",  "reason", "user" };

static int refuse(struct catalog *catalog, const char *words, ...)
{
	va_list list;

	va_start(list, words);
	vsnprintf(catalog->why, sizeof(catalog->why), words, list);
	va_end(list);
	return -EINVAL;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && !strcmp(text + n - m, end);
}

static const char *class_of(const char *column)
{
	const char *word = strrchr(column, '_');

	word = word ? word + 1 : column;
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (!strcmp(word, classes[i]))
			return classes[i];
	return NULL;
}

static struct table *named(const struct catalog *catalog, const char *name, size_t length)
{
	for (size_t i = 0; i < catalog->n; i++) {
		const char *other = catalog->tables[i].name;

		if (strlen(other) == length && !memcmp(other, name, length))
			return &catalog->tables[i];
	}
	return NULL;
}

static const struct table *referred(const struct catalog *catalog, const struct table *table,
				    const char *column)
{
	if (!strcmp(column, "parent_id"))
		return table;
	/* find_stack_id: where there is no table `find_stack`, it is `stack`. */
	for (const char *name = column; name; name = strchr(name, '_')) {
		name += *name == '_';
		size_t length = strlen(name);
		const struct table *found = length > 3
						    ? named(catalog, name, length - strlen("_id"))
						    : NULL;
		if (found)
			return found;
	}
	return NULL;
}

static int stream_of(unsigned number)
{
	if (number < 64)
		return STREAM_DEFINITIONS;
	return number < 192 ? STREAM_EVENTS : STREAM_SNAPSHOTS;
}

static int kind_of(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_SINT64:
		return COLUMN_DELTA;
	case PROTOBUF_C_TYPE_UINT64:
		return COLUMN_UINT;
	case PROTOBUF_C_TYPE_FIXED64:
		return COLUMN_HASH;
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_STRING:
		return COLUMN_TEXT;
	default:
		return -1;
	}
}

static bool is_null_list(const ProtobufCFieldDescriptor *field)
{
	return ends_with(field->name, "_null");
}

static int text_column(struct catalog *catalog, const struct table *table,
		       struct column_info *column)
{
	column->class = class_of(column->name);
	if (!column->class)
		return refuse(catalog, "%s.%s: the last word of its name is no class of texts",
			      table->name, column->name);
	if (table->stream == STREAM_EVENTS)
		return refuse(catalog, "%s.%s: a table of events has a text", table->name,
			      column->name);
	return 0;
}

static int reference_column(struct catalog *catalog, const struct table *table,
			    struct column_info *column)
{
	column->refers = referred(catalog, table, column->name);
	if (!column->refers)
		return refuse(catalog, "%s.%s refers to no table", table->name, column->name);
	if (column->refers->stream != STREAM_DEFINITIONS ||
	    !protobuf_c_message_descriptor_get_field_by_name(column->refers->message, "id"))
		return refuse(catalog, "%s.%s refers to %s, which has no id", table->name,
			      column->name, column->refers->name);
	return 0;
}

static int column_make(struct catalog *catalog, const struct table *table,
		       const ProtobufCFieldDescriptor *field, struct column_info *column)
{
	int kind = kind_of(field);
	bool is_id = !strcmp(field->name, "id");

	if (field->label != PROTOBUF_C_LABEL_REPEATED || kind < 0)
		return refuse(catalog, "%s.%s is of a type that no column has", table->name,
			      field->name);
	if (kind != COLUMN_TEXT && !(field->flags & PROTOBUF_C_FIELD_FLAG_PACKED))
		return refuse(catalog, "%s.%s is not packed", table->name, field->name);
	if (field->id > NULL_OFFSET)
		return refuse(catalog, "%s.%s: its number is kept for lists of NULL rows",
			      table->name, field->name);
	if (!strcmp(field->name, "ts_ns") && kind != COLUMN_DELTA)
		return refuse(catalog, "%s.ts_ns is not sint64", table->name);
	if (is_id && (kind != COLUMN_UINT || table->stream != STREAM_DEFINITIONS))
		return refuse(catalog, "%s.id is not uint64, or not in a definition", table->name);

	column->name = field->name;
	column->kind = kind;
	column->field = field;
	column->identity = table->stream == STREAM_DEFINITIONS && field->id < IDENTITY_END &&
			   !is_id;
	if (kind == COLUMN_TEXT)
		return text_column(catalog, table, column);
	if (kind == COLUMN_UINT && ends_with(field->name, "_id"))
		return reference_column(catalog, table, column);
	return 0;
}

/* X_null = 100 + the number of X. */
static int null_list(struct catalog *catalog, struct table *table, struct column_info *columns,
		     const ProtobufCFieldDescriptor *field)
{
	size_t length = strlen(field->name) - strlen("_null");

	for (int i = 0; i < table->n_columns; i++) {
		if (strlen(columns[i].name) != length ||
		    memcmp(columns[i].name, field->name, length))
			continue;
		if (field->id != NULL_OFFSET + columns[i].field->id ||
		    field->type != PROTOBUF_C_TYPE_UINT64 ||
		    field->label != PROTOBUF_C_LABEL_REPEATED)
			return refuse(catalog, "%s.%s is not uint64 with the number %u",
				      table->name, field->name, NULL_OFFSET + columns[i].field->id);
		columns[i].null_field = field;
		return 0;
	}
	return refuse(catalog, "%s.%s is of no column", table->name, field->name);
}

static int columns_make(struct catalog *catalog, struct table *table)
{
	const ProtobufCMessageDescriptor *message = table->message;
	struct column_info *columns = calloc(COLUMNS_MAX, sizeof(*columns));
	int err = columns ? 0 : -ENOMEM;

	table->columns = columns;
	for (unsigned i = 0; !err && i < message->n_fields; i++) {
		if (is_null_list(&message->fields[i]))
			continue;
		if (table->n_columns == COLUMNS_MAX)
			return refuse(catalog, "%s has more than %d columns", table->name,
				      COLUMNS_MAX);
		err = column_make(catalog, table, &message->fields[i], &columns[table->n_columns]);
		table->n_columns += !err;
	}
	for (unsigned i = 0; !err && i < message->n_fields; i++)
		if (is_null_list(&message->fields[i]))
			err = null_list(catalog, table, columns, &message->fields[i]);
	if (!err && !table->n_columns)
		err = refuse(catalog, "%s has no columns", table->name);
	table->id = table_column(table, "id");
	table->ts_ns = table_column(table, "ts_ns");
	table->process_id = table_column(table, "process_id");
	return err;
}

static int table_make(struct catalog *catalog, const ProtobufCFieldDescriptor *field)
{
	struct table *table;

	if (field->type != PROTOBUF_C_TYPE_MESSAGE || !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
		return refuse(catalog, "Batch.%s is no table", field->name);
	if (field->id < 2 || field->id >= TABLES_MAX)
		return refuse(catalog, "%s: table numbers are 2 .. %d", field->name,
			      TABLES_MAX - 1);
	table = &catalog->tables[catalog->n++];
	*table = (struct table){
		.name = field->name,
		.number = field->id,
		.stream = stream_of(field->id),
		.bulk = field->id >= 128 && field->id < 192,
		.message = field->descriptor,
	};
	catalog->numbered[field->id] = table;
	return 0;
}

static int rank_above_references(const struct table *table)
{
	int rank = 0;

	for (int i = 0; i < table->n_columns; i++) {
		const struct table *refers = table->columns[i].refers;

		if (refers && refers != table && refers->rank >= rank)
			rank = refers->rank + 1;
	}
	return rank;
}

/* In a block, what is referred to stands before what refers to it. */
static int ranks_make(struct catalog *catalog)
{
	bool changed = true;

	for (size_t round = 0; changed && round <= catalog->n; round++) {
		changed = false;
		for (size_t i = 0; i < catalog->n; i++) {
			struct table *table = &catalog->tables[i];
			int rank = rank_above_references(table);

			changed |= rank != table->rank;
			table->rank = rank;
		}
	}
	return changed ? refuse(catalog, "tables refer to each other") : 0;
}

int catalog_make(struct catalog *catalog, const ProtobufCMessageDescriptor *batch)
{
	int err = 0;

	memset(catalog, 0, sizeof(*catalog));
	catalog->tables = calloc(batch->n_fields, sizeof(*catalog->tables));
	if (!catalog->tables)
		return -ENOMEM;
	for (unsigned i = 0; !err && i < batch->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &batch->fields[i];

		if (field->id == 1 && field->type == PROTOBUF_C_TYPE_UINT64)
			continue;
		err = table_make(catalog, field);
	}
	for (size_t i = 0; !err && i < catalog->n; i++)
		err = columns_make(catalog, &catalog->tables[i]);
	if (!err)
		err = ranks_make(catalog);
	if (err)
		catalog_free(catalog);
	return err;
}

void catalog_free(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n; i++)
		free((struct column_info *)catalog->tables[i].columns);
	free(catalog->tables);
	catalog->tables = NULL;
	catalog->n = 0;
	memset(catalog->numbered, 0, sizeof(catalog->numbered));
}
