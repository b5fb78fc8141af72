#include "analyzer/symbolize.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "analyzer/append.h"
#include "analyzer/debug_info.h"
#include "analyzer/internal.h"

enum { COPY_SIZE = 256 << 10 };

/* Columns of the query of all frames. */
enum { IMAGE, BUILD_ID, PATH, ADDRESS_OFFSET, OFFSET, NAMELESS, CALLER };

/* An image whose frames come by. */
struct current {
	bool begun;
	int64_t id;
	char *path, *build_id;   /* path: NULL: not known */
	struct debug_info *info; /* NULL: not found */
	int64_t address_offset;
	bool address_offset_known;
	uint64_t number; /* in the epoch; 0: nothing was written of it */
	struct debug_found found;
	struct symbolized told;
};

struct symbolizer {
	struct analysis *analysis;
	const struct symbolize_options *options;
	struct writer *writer;
	uint64_t images; /* written */
	struct current image;
};

/* ---- rows */

static void cell_number(struct cell *cells, const struct table *table, const char *column,
			uint64_t number)
{
	cells[table_column(table, column)] = (struct cell){ .number = number };
}

static void cell_text(struct cell *cells, const struct table *table, const char *column,
		      const char *text)
{
	if (text)
		cells[table_column(table, column)] = (struct cell){ .text = text,
								    .length = strlen(text) };
}

static void cells_begin(struct cell *cells, const struct table *table)
{
	for (int i = 0; i < table->n_columns; i++)
		cells[i] = (struct cell){ .null = table->columns[i].null_field != NULL };
}

/* The image's row stands before all that refers to it. */
static int image_write(struct symbolizer *self)
{
	const struct table *table = table_named("image");
	struct cell cells[COLUMNS_MAX];
	struct current *image = &self->image;

	if (image->number)
		return 0;
	cells_begin(cells, table);
	image->number = ++self->images;
	cell_number(cells, table, "id", image->number);
	cell_text(cells, table, "build_id", image->build_id);
	cell_text(cells, table, "path", image->path);
	if (image->address_offset_known)
		cell_number(cells, table, "address_offset", (uint64_t)image->address_offset);
	return writer_add_cells(self->writer, table, cells);
}

static int symbol_write(struct symbolizer *self, uint64_t offset, const struct place *place,
			bool caller)
{
	const struct table *table = table_named("symbol");
	struct cell cells[COLUMNS_MAX];

	cells_begin(cells, table);
	cell_number(cells, table, "image_id", self->image.number);
	cell_number(cells, table, "offset", offset);
	cell_text(cells, table, "symbol", place->symbol);
	cell_number(cells, table, "function_offset", place->symbol_offset + caller);
	return writer_add_cells(self->writer, table, cells);
}

static int line_write(struct symbolizer *self, uint64_t offset, int depth,
		      const struct scope *scope)
{
	const struct table *table = table_named("line");
	struct cell cells[COLUMNS_MAX];

	cells_begin(cells, table);
	cell_number(cells, table, "image_id", self->image.number);
	cell_number(cells, table, "offset", offset);
	cell_number(cells, table, "depth", (uint64_t)depth);
	cell_text(cells, table, "source_path", scope->path);
	if (scope->line)
		cell_number(cells, table, "line", scope->line);
	cell_text(cells, table, "symbol", scope->symbol);
	return writer_add_cells(self->writer, table, cells);
}

/* ---- images */

static void image_end(struct symbolizer *self)
{
	struct current *image = &self->image;

	if (image->begun)
		self->options->tell(self->options->context, &image->told);
	debug_info_close(image->info);
	free(image->path);
	free(image->build_id);
	*image = (struct current){ 0 };
}

static int image_find(struct symbolizer *self)
{
	struct current *image = &self->image;
	int err = debug_search_find(self->options->search, image->build_id, image->path,
				    &image->found);

	if (!err)
		err = debug_info_open(image->found.path, self->options->folder, &image->info);
	if (err && err != -ENOMEM && image->found.path[0]) {
		snprintf(image->found.refused, sizeof(image->found.refused), "%s",
			 image->found.path);
		snprintf(image->found.why, sizeof(image->found.why), "%s", strerror(-err));
		image->found.path[0] = '\0';
	}
	/* Traces of older recorders do not say it. */
	if (!err && !image->address_offset_known)
		image->address_offset = debug_info_address_offset(image->info);
	return err == -ENOMEM ? err : 0;
}

static char *column_copy(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	return text && *text ? strdup(text) : NULL;
}

static int image_begin(struct symbolizer *self, sqlite3_stmt *row)
{
	struct current *image = &self->image;

	image_end(self);
	image->begun = true;
	image->id = sqlite3_column_int64(row, IMAGE);
	image->path = column_copy(row, PATH);
	image->build_id = column_copy(row, BUILD_ID);
	image->address_offset = sqlite3_column_int64(row, ADDRESS_OFFSET);
	image->address_offset_known = sqlite3_column_type(row, ADDRESS_OFFSET) != SQLITE_NULL;
	image->told.path = image->path ? image->path : "";
	image->told.build_id = image->build_id ? image->build_id : "";
	image->told.found = &image->found;
	return image->build_id ? image_find(self) : 0;
}

/* ---- frames */

/* Return addresses may be behind the function's end: look one byte before. */
static int frame_find(struct symbolizer *self, sqlite3_stmt *row)
{
	struct current *image = &self->image;
	uint64_t offset = (uint64_t)sqlite3_column_int64(row, OFFSET);
	bool caller = sqlite3_column_int(row, CALLER), nameless = sqlite3_column_int(row, NAMELESS);
	struct place place = { 0 };
	int err = 0;

	image->told.frames++;
	if (!image->info)
		return 0;
	debug_info_find(image->info, offset - caller + (uint64_t)image->address_offset, &place);
	if (place.n_scopes || (place.symbol && nameless))
		err = image_write(self);
	if (!err && place.symbol && nameless)
		err = symbol_write(self, offset, &place, caller);
	for (int i = 0; i < place.n_scopes && !err; i++)
		err = line_write(self, offset, i, &place.scopes[i]);
	image->told.lines += place.n_scopes > 0;
	image->told.names += nameless && (place.symbol || place.scopes[0].symbol);
	return err;
}

static int frames_walk(struct symbolizer *self, sqlite3_stmt *rows)
{
	int err = 0;

	while (!err && sqlite3_step(rows) == SQLITE_ROW) {
		if (!self->image.begun || self->image.id != sqlite3_column_int64(rows, IMAGE))
			err = image_begin(self, rows);
		if (!err)
			err = frame_find(self, rows);
	}
	image_end(self);
	return err;
}

/* A frame that calls another one in any stack holds a return address. */
static int frames_find(struct symbolizer *self)
{
	sqlite3_stmt *rows;
	int err = analysis_exec(
		self->analysis,
		"CREATE TEMP TABLE symbolize_caller (frame_id INTEGER PRIMARY KEY);"
		"INSERT INTO symbolize_caller SELECT DISTINCT frame_id FROM stack"
		" WHERE id IN (SELECT parent_id FROM stack) AND frame_id IS NOT NULL");

	if (!err)
		err = analysis_prepare(
			self->analysis, &rows,
			"SELECT i.id, i.build_id, i.path, i.address_offset, f.offset,"
			" s.symbol IS NULL, c.frame_id IS NOT NULL"
			" FROM frame AS f JOIN image AS i ON i.id = f.image_id"
			" LEFT JOIN symbol AS s ON s.image_id = f.image_id AND s.offset = f.offset"
			" LEFT JOIN symbolize_caller AS c ON c.frame_id = f.id"
			/* Offsets in the kernel are not those of a file. */
			" WHERE coalesce(i.kernel, 0) = 0 AND NOT EXISTS (SELECT 1 FROM line AS l"
			" WHERE l.image_id = f.image_id AND l.offset = f.offset)"
			" ORDER BY i.path, i.id, f.offset");
	if (err)
		return err;
	err = frames_walk(self, rows);
	if (err)
		sqlite3_finalize(rows);
	else
		err = analysis_sql_fail(self->analysis, sqlite3_finalize(rows));
	return err;
}

/* ---- files */

static int copy_bytes(int from, int to)
{
	char *bytes = malloc(COPY_SIZE);
	ssize_t n = bytes ? 1 : 0;
	int err = bytes ? 0 : -ENOMEM;

	while (!err && (n = read(from, bytes, COPY_SIZE)) > 0)
		for (ssize_t at = 0, wrote; at < n && !err; at += wrote) {
			wrote = write(to, bytes + at, (size_t)(n - at));
			if (wrote < 0)
				err = -errno;
		}
	if (!err && n < 0)
		err = -errno;
	free(bytes);
	return err;
}

static int copy_open(struct analysis *analysis, const char *output, int *out)
{
	int from = open(analysis->path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	int err = from < 0 || fstat(from, &status) ? -errno : 0;

	/* It says the same of the host, so no more people may read it. */
	*out = err ? -1
		   : open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, status.st_mode & 0666);
	if (!err && *out < 0)
		err = -errno;
	if (!err)
		err = copy_bytes(from, *out);
	if (err && *out >= 0)
		close(*out);
	if (from >= 0)
		close(from);
	return err;
}

static int output_fail(struct symbolizer *self, int err)
{
	return analysis_fail(self->analysis, err, "%s: %s", self->options->output, strerror(-err));
}

/* Errors of the writer are the file's. */
static int write_output(struct symbolizer *self, const char *output)
{
	struct analysis *analysis = self->analysis;
	char why[WHY_MAX] = "";
	int fd, err = copy_open(analysis, output, &fd), closing;

	if (err)
		return output_fail(self, err);
	err = append_open(analysis->path, fd, &self->writer, why, sizeof(why));
	if (err)
		return analysis_fail(analysis, err, "%s", why);
	err = frames_find(self);
	if (err && !*analysis_why(analysis))
		output_fail(self, err);
	closing = writer_close(self->writer);
	if (!err && closing)
		err = output_fail(self, closing);
	return err;
}

/* What is there and is no trace stays. */
static int output_check(struct analysis *analysis, const char *output)
{
	struct stat input, status;
	struct reader *reader = NULL;
	int err;

	if (stat(output, &status))
		return 0;
	if (!stat(analysis->path, &input) && input.st_dev == status.st_dev &&
	    input.st_ino == status.st_ino)
		return analysis_fail(analysis, -EINVAL, "%s is the trace itself", output);
	err = S_ISREG(status.st_mode) ? reader_open(output, &reader) : -EEXIST;
	reader_close(reader);
	return err ? analysis_fail(analysis, -EEXIST, "%s exists and is no trace", output) : 0;
}

int analysis_symbolize(struct analysis *analysis, const struct symbolize_options *options)
{
	struct symbolizer self = { .analysis = analysis, .options = options };
	char temporary[PATH_MAX];
	int err;

	if (analysis->database)
		return analysis_fail(analysis, -EINVAL, "a database; symbolize its trace");
	if (snprintf(temporary, sizeof(temporary), "%s.tmp", options->output) >=
	    (int)sizeof(temporary))
		return analysis_fail(analysis, -ENAMETOOLONG, "the name is too long");
	err = output_check(analysis, options->output);
	if (err)
		return err;
	err = write_output(&self, temporary);
	if (!err && rename(temporary, options->output))
		err = output_fail(&self, -errno);
	if (err)
		unlink(temporary);
	return err;
}
