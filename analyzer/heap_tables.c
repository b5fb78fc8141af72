/*
 * The virtual tables heap_site, heap_life and heap_note. Over a database each is a real table, or
 * reading it is an error.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "analyzer/heap.h"
#include "analyzer/index.h"

struct heap_cursor;

/* idxNum: which ends of the window are given, in this order. */
enum { FROM_GIVEN = 1, TO_GIVEN = 2 };

/* What the three differ in. */
struct heap_kind {
	const char *name, *declaration;
	int from, to; /* hidden columns of the window; -1: none */
	size_t (*rows)(const struct heap_cursor *);
	void (*column)(const struct heap_cursor *, sqlite3_context *, int);
};

struct heap_vtab {
	sqlite3_vtab base;
	struct analysis *analysis;
	const struct heap_kind *kind;
};

struct heap_cursor {
	sqlite3_vtab_cursor base;
	struct heap_result *result; /* of sites and notes */
	struct heap_feed feed;      /* of lives: each batch gives some */
	struct heap_life *lives;
	size_t n_lives, life_capacity, at;
	sqlite3_int64 rowid;
	bool windowed;
};

static void integer(sqlite3_context *context, uint64_t value)
{
	sqlite3_result_int64(context, (sqlite3_int64)value);
}

static void reference(sqlite3_context *context, uint64_t id)
{
	if (id)
		integer(context, id);
}

/* ---- heap_site */

static size_t site_rows(const struct heap_cursor *cursor)
{
	return cursor->result ? cursor->result->n_sites : 0;
}

static void site_column(const struct heap_cursor *cursor, sqlite3_context *context, int column)
{
	const struct heap_site *site = &cursor->result->sites[cursor->at];
	const uint64_t values[] = {
		site->session,
		site->process_id,
		site->stack_id,
		site->op,
		site->allocs,
		site->alloc_bytes,
		site->frees,
		site->freed_bytes,
		heap_site_held(site),
		heap_site_held_bytes(site),
		site->held_at_exit,
		site->failed,
		(uint64_t)site->first_ns,
		(uint64_t)site->last_ns,
		(uint64_t)cursor->result->from_ns,
		(uint64_t)cursor->result->to_ns,
	};

	if (column == 1 || column == 2)
		reference(context, values[column]);
	else if (column < 14 || cursor->windowed)
		integer(context, values[column]);
}

/* ---- heap_note */

static size_t note_rows(const struct heap_cursor *cursor)
{
	return cursor->result ? cursor->result->n_notes : 0;
}

static void note_column(const struct heap_cursor *cursor, sqlite3_context *context, int column)
{
	static const char *const names[] = {
		[HEAP_UNMATCHED_FREE] = "unmatched free",
		[HEAP_INHERITED_FREE] = "inherited free",
		[HEAP_DISPLACED] = "displaced",
		[HEAP_FAILED] = "failed",
		[HEAP_UNKNOWN_REALLOC] = "realloc of unknown",
	};
	const struct heap_note *note = &cursor->result->notes[cursor->at];

	switch (column) {
	case 0:
		integer(context, note->session);
		break;
	case 1:
		reference(context, note->process_id);
		break;
	case 2:
		reference(context, note->stack_id);
		break;
	case 3:
		sqlite3_result_text(context, names[note->kind], -1, SQLITE_STATIC);
		break;
	default:
		integer(context, note->n);
	}
}

/* ---- heap_life */

static size_t life_rows(const struct heap_cursor *cursor)
{
	return cursor->n_lives;
}

static void life_column(const struct heap_cursor *cursor, sqlite3_context *context, int column)
{
	const struct heap_life *life = &cursor->lives[cursor->at];
	size_t n_sites;
	const struct heap_site *site = &heap_pair_sites(cursor->feed.pair, &n_sites)[life->site];
	const uint64_t values[] = {
		site->session,
		site->process_id,
		site->stack_id,
		site->op,
		site->tid,
		life->addr,
		life->size_bytes,
		(uint64_t)life->alloc_ns,
		(uint64_t)life->end_ns,
		life->end_tid,
	};

	if (column == 1 || column == 2)
		reference(context, values[column]);
	else if (column < 8 || (column == 8 && life->end != HEAP_HELD) || life->end == HEAP_FREED)
		integer(context, values[column]);
}

static int life_take(void *context, const struct heap_life *life)
{
	struct heap_cursor *cursor = context;
	int err = array_grow(&cursor->lives, &cursor->life_capacity, cursor->n_lives,
			     sizeof(*cursor->lives));

	if (err)
		return err;
	cursor->lives[cursor->n_lives++] = *life;
	return 0;
}

/* ---- All three */

static const struct heap_kind kinds[] = {
	{
		"heap_site",
		"CREATE TABLE x (session INTEGER, process_id INTEGER, stack_id INTEGER, op INTEGER,"
		" allocs INTEGER, alloc_bytes INTEGER, frees INTEGER, freed_bytes INTEGER,"
		" held INTEGER, held_bytes INTEGER, held_at_exit INTEGER, failed INTEGER,"
		" first_ns INTEGER, last_ns INTEGER, from_ns HIDDEN, to_ns HIDDEN)",
		14,
		15,
		site_rows,
		site_column,
	},
	{
		"heap_note",
		"CREATE TABLE x (session INTEGER, process_id INTEGER, stack_id INTEGER, note TEXT,"
		" n INTEGER)",
		-1,
		-1,
		note_rows,
		note_column,
	},
	{
		"heap_life",
		"CREATE TABLE x (session INTEGER, process_id INTEGER, stack_id INTEGER, op INTEGER,"
		" tid INTEGER, addr INTEGER, size_bytes INTEGER, alloc_ns INTEGER, free_ns INTEGER,"
		" free_tid INTEGER)",
		-1,
		-1,
		life_rows,
		life_column,
	},
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static const struct heap_kind *kind_named(const char *name)
{
	for (int i = 0; i < KINDS; i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

static int heap_connect(sqlite3 *db, void *context, int argc, const char *const *argv,
			sqlite3_vtab **out, char **why)
{
	struct heap_vtab *self = calloc(1, sizeof(*self));
	int rc;

	(void)argc;
	(void)why;
	if (!self)
		return SQLITE_NOMEM;
	self->analysis = context;
	self->kind = kind_named(argv[0]);
	rc = sqlite3_declare_vtab(db, self->kind->declaration);
	if (!rc)
		rc = sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
	if (rc)
		free(self);
	else
		*out = &self->base;
	return rc;
}

static int heap_disconnect(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

/* An end of the window must be known when reading begins: there is no other way to find it. */
static int end_plan(sqlite3_index_info *info, int column, int bit, int *arguments)
{
	for (int i = 0; i < info->nConstraint && column >= 0; i++) {
		if (info->aConstraint[i].iColumn != column ||
		    info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
			continue;
		if (!info->aConstraint[i].usable)
			return SQLITE_CONSTRAINT;
		info->aConstraintUsage[i].argvIndex = ++*arguments;
		info->aConstraintUsage[i].omit = 1;
		info->idxNum |= bit;
		break;
	}
	return SQLITE_OK;
}

static int heap_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	const struct heap_kind *kind = ((struct heap_vtab *)base)->kind;
	int arguments = 0, rc;

	info->estimatedCost = 1e8;
	info->estimatedRows = 10000;
	rc = end_plan(info, kind->from, FROM_GIVEN, &arguments);
	return rc ? rc : end_plan(info, kind->to, TO_GIVEN, &arguments);
}

static int heap_cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	struct heap_cursor *cursor = calloc(1, sizeof(*cursor));

	(void)base;
	if (!cursor)
		return SQLITE_NOMEM;
	*out = &cursor->base;
	return SQLITE_OK;
}

static void cursor_clear(struct heap_cursor *cursor)
{
	heap_result_leave(cursor->result);
	heap_feed_close(&cursor->feed);
	free(cursor->lives);
	*cursor = (struct heap_cursor){ .base = cursor->base };
}

static int heap_cursor_close(sqlite3_vtab_cursor *base)
{
	struct heap_cursor *cursor = (struct heap_cursor *)base;

	cursor_clear(cursor);
	free(cursor);
	return SQLITE_OK;
}

/* A batch may end no life at all. */
static int lives_more(struct heap_cursor *cursor)
{
	int rc = SQLITE_ROW;

	while (rc == SQLITE_ROW && cursor->at >= cursor->n_lives) {
		cursor->at = cursor->n_lives = 0;
		rc = heap_feed_next(&cursor->feed, &cursor->base.pVtab->zErrMsg);
	}
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int lives_begin(struct heap_cursor *cursor, const struct heap_vtab *self)
{
	struct heap_pair_options options = {
		.from_ns = INT64_MIN,
		.to_ns = INT64_MAX,
		.life = life_take,
		.context = cursor,
	};
	int rc = heap_feed_open(&cursor->feed, self->analysis, &options,
				&cursor->base.pVtab->zErrMsg);

	return rc ? rc : lives_more(cursor);
}

/* Row by row, past notes that were explained later. */
static void note_skip(struct heap_cursor *cursor)
{
	while (cursor->at < cursor->result->n_notes && !cursor->result->notes[cursor->at].n)
		cursor->at++;
}

static void end_fill(int64_t *end, sqlite3_value *value)
{
	if (sqlite3_value_type(value) != SQLITE_NULL)
		*end = sqlite3_value_int64(value);
}

static int result_begin(struct heap_cursor *cursor, struct heap_vtab *self, int given,
			sqlite3_value **argv)
{
	int64_t from_ns = INT64_MIN, to_ns = INT64_MAX;
	int rc;

	if (given & FROM_GIVEN)
		end_fill(&from_ns, *argv++);
	if (given & TO_GIVEN)
		end_fill(&to_ns, *argv);
	cursor->windowed = given;
	rc = heap_result_take(self->analysis, from_ns, to_ns, &cursor->result, &self->base.zErrMsg);
	if (!rc && self->kind->rows == note_rows)
		note_skip(cursor);
	return rc;
}

static int heap_filter(sqlite3_vtab_cursor *base, int given, const char *plan, int argc,
		       sqlite3_value **argv)
{
	struct heap_cursor *cursor = (struct heap_cursor *)base;
	struct heap_vtab *self = (struct heap_vtab *)base->pVtab;

	(void)plan;
	(void)argc;
	cursor_clear(cursor);
	if (self->analysis->database) {
		self->base.zErrMsg = sqlite3_mprintf("the database holds no rows of %s",
						     self->kind->name);
		return SQLITE_ERROR;
	}
	if (self->kind->rows == life_rows)
		return lives_begin(cursor, self);
	return result_begin(cursor, self, given, argv);
}

static int heap_next(sqlite3_vtab_cursor *base)
{
	struct heap_cursor *cursor = (struct heap_cursor *)base;
	const struct heap_kind *kind = ((struct heap_vtab *)base->pVtab)->kind;

	cursor->at++;
	cursor->rowid++;
	if (kind->rows == life_rows)
		return lives_more(cursor);
	if (kind->rows == note_rows)
		note_skip(cursor);
	return SQLITE_OK;
}

static int heap_eof(sqlite3_vtab_cursor *base)
{
	const struct heap_cursor *cursor = (const struct heap_cursor *)base;

	return cursor->at >= ((struct heap_vtab *)base->pVtab)->kind->rows(cursor);
}

static int heap_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
	((struct heap_vtab *)base->pVtab)
		->kind->column((const struct heap_cursor *)base, context, column);
	return SQLITE_OK;
}

static int heap_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	*out = ((struct heap_cursor *)base)->rowid;
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.xCreate = heap_connect,
	.xConnect = heap_connect,
	.xBestIndex = heap_best_index,
	.xDisconnect = heap_disconnect,
	.xDestroy = heap_disconnect,
	.xOpen = heap_cursor_open,
	.xClose = heap_cursor_close,
	.xFilter = heap_filter,
	.xNext = heap_next,
	.xEof = heap_eof,
	.xColumn = heap_column,
	.xRowid = heap_rowid,
};

int heap_register(struct analysis *analysis)
{
	int rc = SQLITE_OK;

	for (int i = 0; i < KINDS && !rc; i++)
		rc = sqlite3_create_module(analysis->db, kinds[i].name, &module, analysis);
	return rc;
}
