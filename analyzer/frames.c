#include "analyzer/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyzer/demangle.h"

int frames_prepare(struct frames *frames, sqlite3 *db)
{
	static const char query[] =
		"SELECT f.image_id, f.offset, s.symbol, nullif(i.path, ''),"
		" coalesce(nullif(i.path, ''), i.unidentified_path, i.build_id, '?'),"
		" nullif(i.build_id, ''), coalesce(i.address_offset, 0), i.id NOT NULL,"
		" coalesce(i.kernel, 0)"
		" FROM main.frame AS f LEFT JOIN main.image AS i ON i.id = f.image_id"
		" LEFT JOIN main.symbol AS s ON s.image_id IS f.image_id AND s.offset = f.offset"
		" WHERE f.id = ?1";
	static const char lines_query[] =
		"SELECT source_path, line, symbol FROM main.line"
		" WHERE image_id = ?1 AND offset = ?2 ORDER BY depth LIMIT ?3";
	int rc = SQLITE_OK;

	if (!frames->query)
		rc = sqlite3_prepare_v2(db, query, -1, &frames->query, NULL);
	if (!rc && !frames->lines_query)
		rc = sqlite3_prepare_v2(db, lines_query, -1, &frames->lines_query, NULL);
	return rc;
}

static const char *basename_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* Folded stacks are lines, their names separated by semicolons. */
static char *cleaned(char *name)
{
	for (char *at = name; at && *at; at++) {
		if (*at == ';')
			*at = ':';
		else if ((unsigned char)*at < ' ')
			*at = ' ';
	}
	return name;
}

static char *symbol_name(const char *symbol)
{
	char *name = demangle(symbol);

	return cleaned(name ? name : strdup(symbol));
}

/*
 * What a person can look up later: the file, the beginning of its build id, and the address that
 * addr2line takes.
 */
static char *nameless(sqlite3_stmt *row)
{
	unsigned long long offset = (unsigned long long)sqlite3_column_int64(row, 1);
	unsigned long long address = offset + (unsigned long long)sqlite3_column_int64(row, 6);
	const char *image = (const char *)sqlite3_column_text(row, 4);
	const char *build_id = (const char *)sqlite3_column_text(row, 5);
	char *name;
	int n;

	if (!sqlite3_column_int(row, 7) || !image)
		n = asprintf(&name, "[unknown 0x%llx]", offset);
	else if (!build_id || !strcmp(image, build_id))
		n = asprintf(&name, "[%s+0x%llx]", basename_of(image), address);
	else
		n = asprintf(&name, "[%s %.8s+0x%llx]", basename_of(image), build_id, address);
	return n < 0 ? NULL : cleaned(name);
}

static char *place(const char *path, sqlite3_int64 line)
{
	char *text;
	int n;

	if (line)
		n = asprintf(&text, "%s:%lld", basename_of(path), line);
	else
		n = asprintf(&text, "%s", basename_of(path));
	return n < 0 ? NULL : cleaned(text);
}

static int function_add(struct frame *frame, sqlite3_stmt *line)
{
	const char *path = (const char *)sqlite3_column_text(line, 0);
	const char *symbol = (const char *)sqlite3_column_text(line, 2);
	struct function *grown = realloc(frame->functions, (size_t)(frame->n + 1) * sizeof(*grown));

	if (!grown)
		return SQLITE_NOMEM;
	frame->functions = grown;
	grown[frame->n++] = (struct function){
		.name = symbol ? symbol_name(symbol) : NULL,
		.place = path ? place(path, sqlite3_column_int64(line, 1)) : NULL,
	};
	return SQLITE_OK;
}

static int lines_fill(sqlite3_stmt *lines, sqlite3_stmt *row, struct frame *frame)
{
	int rc;

	sqlite3_bind_value(lines, 1, sqlite3_column_value(row, 0));
	sqlite3_bind_value(lines, 2, sqlite3_column_value(row, 1));
	sqlite3_bind_int(lines, 3, INLINED_MAX);
	while ((rc = sqlite3_step(lines)) == SQLITE_ROW)
		if (function_add(frame, lines))
			rc = SQLITE_NOMEM;
	sqlite3_reset(lines);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The outermost is the function whose code it is: the symbol table knows it best. */
static int names_complete(struct frame *frame, sqlite3_stmt *row)
{
	const char *symbol = (const char *)sqlite3_column_text(row, 2);
	struct function *outermost;

	if (!frame->n)
		frame->functions = calloc(1, sizeof(*frame->functions));
	if (!frame->functions)
		return SQLITE_NOMEM;
	frame->n += !frame->n;
	outermost = &frame->functions[frame->n - 1];
	if (symbol) {
		free(outermost->name);
		outermost->name = symbol_name(symbol);
	} else if (!outermost->name) {
		outermost->name = nameless(row);
	}
	for (int i = 0; i < frame->n - 1; i++)
		if (!frame->functions[i].name)
			frame->functions[i].name = strdup("[inlined]");
	for (int i = 0; i < frame->n; i++)
		if (!frame->functions[i].name)
			return SQLITE_NOMEM;
	return SQLITE_OK;
}

static int missing_fill(struct frame *frame)
{
	frame->functions = calloc(1, sizeof(*frame->functions));
	if (!frame->functions)
		return SQLITE_NOMEM;
	frame->n = 1;
	frame->functions[0].name = strdup("[missing]");
	return frame->functions[0].name ? SQLITE_OK : SQLITE_NOMEM;
}

static int frame_fill(struct frames *frames, struct frame *frame)
{
	const char *path;
	int rc;

	sqlite3_bind_int64(frames->query, 1, frame->id);
	rc = sqlite3_step(frames->query);
	if (rc == SQLITE_ROW) {
		path = (const char *)sqlite3_column_text(frames->query, 3);
		frame->path = path ? strdup(path) : NULL;
		frame->kernel = sqlite3_column_int(frames->query, 8);
		rc = lines_fill(frames->lines_query, frames->query, frame);
		if (!rc)
			rc = names_complete(frame, frames->query);
	} else if (rc == SQLITE_DONE) {
		rc = missing_fill(frame);
	}
	sqlite3_reset(frames->query);
	return rc;
}

static void frame_release(struct frame *frame)
{
	for (int i = 0; i < frame->n; i++) {
		free(frame->functions[i].name);
		free(frame->functions[i].place);
	}
	free(frame->functions);
	free(frame->path);
}

int frames_find(struct frames *frames, int64_t id, uint32_t *out)
{
	uint64_t hash = hash_pair((uint64_t)id, 0);
	struct frame frame = { .id = id };
	int rc;

	for (size_t step = 0; (*out = index_next(&frames->by_id, hash, &step)) != INDEX_NONE;)
		if (frames->all[*out].id == id)
			return SQLITE_OK;
	rc = frame_fill(frames, &frame);
	*out = (uint32_t)frames->n;
	if (!rc && (array_grow(&frames->all, &frames->capacity, *out, sizeof(frame)) ||
		    index_add(&frames->by_id, hash, *out)))
		rc = SQLITE_NOMEM;
	if (rc)
		frame_release(&frame);
	else
		frames->all[frames->n++] = frame;
	return rc;
}

void frames_free(struct frames *frames)
{
	sqlite3_finalize(frames->query);
	sqlite3_finalize(frames->lines_query);
	for (size_t i = 0; i < frames->n; i++)
		frame_release(&frames->all[i]);
	free(frames->all);
	index_free(&frames->by_id);
}
