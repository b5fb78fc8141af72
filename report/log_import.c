#include "report/log_import.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "format/writer.h"

/* Stamps from then on are none: times are in nanoseconds. */
enum { STAMP_MAX_S = 2000000000 };

/* ---- lines */

/* "<4>" or "kern  :warn  : " */
static char *priority_skip(char *at, struct log_line *out)
{
	char *end;

	if (*at == '<' && isdigit((unsigned char)at[1])) {
		out->priority = (int)strtol(at + 1, &end, 10);
		return *end == '>' ? end + 1 : at;
	}
	if (!strncmp(at, "kern ", 5) && (end = strstr(at, ": [")))
		return end + 2;
	return at;
}

/* "[  123.456789] ", "[Mon May  1 14:03:05 2026] ", and the caller behind it: "[   T123] " */
static char *stamp_skip(char *at, struct log_line *out)
{
	char *end;
	double seconds = strtod(at + 1, &end);

	if (*at != '[')
		return at;
	if (*end == ']' && seconds < STAMP_MAX_S && strchr(at, '.') && strchr(at, '.') < end) {
		out->stamp_us = (int64_t)(seconds * 1e6 + 0.5);
		at = end + 1 + (end[1] == ' ');
		end = strchr(at, ']');
		if (*at == '[' && end &&
		    strspn(at + 1, " TC0123456789") == (size_t)(end - at - 1) &&
		    strpbrk(at, "TC") && strpbrk(at, "TC") < end)
			at = end + 1 + (end[1] == ' ');
		return at;
	}
	end = strchr(at, ']');
	if (end && end - at > 20 && memchr(at, ':', (size_t)(end - at)) && end[1] == ' ')
		return end + 2;
	return at;
}

/* "6,1234,5678901,-;message" */
static bool kmsg_parse(char *line, struct log_line *out)
{
	char *message = strchr(line, ';');
	long long stamp_us;
	int priority, used = 0;

	if (!message || sscanf(line, "%d,%*d,%lld,%n", &priority, &stamp_us, &used) != 2 || !used)
		return false;
	*out = (struct log_line){ stamp_us, priority, message + 1 };
	return true;
}

void log_line_parse(char *line, struct log_line *out)
{
	char *kernel = strstr(line, " kernel: ");

	line[strcspn(line, "\r\n")] = '\0';
	*out = (struct log_line){ -1, -1, line };
	if (kmsg_parse(line, out))
		return;
	if (kernel)
		line = kernel + strlen(" kernel: ");
	line = priority_skip(line, out);
	out->message = stamp_skip(line, out);
}

/* ---- the recording */

struct import {
	struct writer *writer;
	const struct table *table;
	uint64_t sequence;
	int64_t last_us;
};

static void set(const struct table *table, struct cell *cells, const char *column, uint64_t number)
{
	cells[table_column(table, column)].number = number;
}

static void set_text(const struct table *table, struct cell *cells, const char *column,
		     const char *text)
{
	struct cell *cell = &cells[table_column(table, column)];

	cell->text = text;
	cell->length = strlen(text);
}

static int session_add(struct writer *writer)
{
	const struct table *table = table_named("session");
	struct cell cells[COLUMNS_MAX] = { 0 };

	for (int i = 0; i < table->n_columns; i++)
		if (table->columns[i].kind == COLUMN_TEXT)
			cells[i].text = "";
	set(table, cells, "page_size_bytes", 4096);
	set(table, cells, "ticks_per_s", 100);
	set_text(table, cells, "target_text", "a log of the kernel");
	return writer_add_cells(writer, table, cells);
}

static int line_add(struct import *import, char *text)
{
	struct cell cells[COLUMNS_MAX] = { 0 };
	struct log_line line;

	log_line_parse(text, &line);
	if (line.stamp_us > STAMP_MAX_S * 1000000LL)
		line.stamp_us = -1;
	if (line.stamp_us >= 0)
		import->last_us = line.stamp_us;
	set(import->table, cells, "ts_ns", (uint64_t)import->last_us * 1000);
	if (line.stamp_us < 0)
		cells[table_column(import->table, "stamp_us")].null = true;
	else
		set(import->table, cells, "stamp_us", (uint64_t)line.stamp_us);
	set(import->table, cells, "sequence", import->sequence++);
	set(import->table, cells, "priority", line.priority < 0 ? 6 : (uint64_t)line.priority);
	set_text(import->table, cells, "message_text", line.message);
	return writer_add_cells(import->writer, import->table, cells);
}

static int end_add(struct import *import)
{
	const struct table *table = table_named("end");
	struct cell cells[COLUMNS_MAX] = { 0 };

	set(table, cells, "ts_ns", (uint64_t)import->last_us * 1000);
	set_text(table, cells, "reason", "log");
	return writer_add_cells(import->writer, table, cells);
}

static int lines_add(struct import *import, FILE *file)
{
	char *line = NULL;
	size_t room = 0;
	int err = session_add(import->writer);

	while (!err && getline(&line, &room, file) > 0)
		err = line_add(import, line);
	free(line);
	if (!err && ferror(file))
		err = -EIO;
	return err ? err : end_add(import);
}

int log_import(const char *log, char *path, size_t size)
{
	const struct writer_options how = { .session = "kernel log", .level = 1 };
	struct import import = { .table = table_named("kmsg") };
	FILE *file = strcmp(log, "-") ? fopen(log, "re") : stdin;
	int fd = file ? memfd_create("log", MFD_CLOEXEC) : -1, err, closing;

	if (fd < 0) {
		err = -errno;
		if (file && file != stdin)
			fclose(file);
		return err;
	}
	snprintf(path, size, "/proc/self/fd/%d", fd);
	err = writer_open(dup(fd), &how, &import.writer); /* fd stays open, so that path does */
	if (!err)
		err = lines_add(&import, file);
	closing = err && !import.writer ? 0 : writer_close(import.writer);
	if (file != stdin)
		fclose(file);
	return err ? err : closing;
}
