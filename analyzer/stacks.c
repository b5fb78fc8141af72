/*
 * Stacks as text: the functions behind the view stack_text. What a node of the stack tree and a
 * frame are is looked up once.
 */
#include "analyzer/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "analyzer/demangle.h"
#include "analyzer/index.h"

enum { DEPTH_MAX = 1024 };

struct frame {
	int64_t id;
	char *name, *path; /* path: of the image, NULL: none */
};

struct node {
	int64_t id, parent_id; /* 0: outermost */
	uint32_t frame;
};

/* What a function gives of a stack. */
enum part { FOLDED, LEAF, CALLER, CALLER_PATH, DEPTH, PARTS };

struct stack_function {
	struct analysis *analysis;
	enum part part;
};

struct stack_names {
	struct stack_function functions[PARTS];
	sqlite3_stmt *node_query, *frame_query;
	struct node *nodes;
	struct frame *frames;
	size_t n_nodes, n_frames, node_capacity, frame_capacity;
	struct index by_node, by_frame;
};

static int queries_prepare(sqlite3 *db, struct stack_names *names)
{
	static const char node_query[] = "SELECT parent_id, frame_id FROM main.stack WHERE id = ?1";
	static const char frame_query[] =
		"SELECT f.offset, s.symbol, nullif(i.path, ''), i.id NOT NULL,"
		" coalesce(nullif(i.path, ''), i.unidentified_path, i.build_id, '?')"
		" FROM main.frame AS f LEFT JOIN main.image AS i ON i.id = f.image_id"
		" LEFT JOIN main.symbol AS s ON s.image_id IS f.image_id AND s.offset = f.offset"
		" WHERE f.id = ?1";
	int rc = SQLITE_OK;

	if (!names->node_query)
		rc = sqlite3_prepare_v2(db, node_query, -1, &names->node_query, NULL);
	if (!rc && !names->frame_query)
		rc = sqlite3_prepare_v2(db, frame_query, -1, &names->frame_query, NULL);
	return rc;
}

void stacks_free(struct stack_names *names)
{
	if (!names)
		return;
	sqlite3_finalize(names->node_query);
	sqlite3_finalize(names->frame_query);
	for (size_t i = 0; i < names->n_frames; i++) {
		free(names->frames[i].name);
		free(names->frames[i].path);
	}
	free(names->nodes);
	free(names->frames);
	index_free(&names->by_node);
	index_free(&names->by_frame);
	free(names);
}

static const char *basename_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* Folded stacks are lines, their names separated by semicolons. */
static void name_clean(char *name)
{
	for (; *name; name++) {
		if (*name == ';')
			*name = ':';
		else if ((unsigned char)*name < ' ')
			*name = ' ';
	}
}

static char *frame_name(sqlite3_stmt *row)
{
	unsigned long long offset = (unsigned long long)sqlite3_column_int64(row, 0);
	const char *symbol = (const char *)sqlite3_column_text(row, 1);
	const char *image = (const char *)sqlite3_column_text(row, 4);
	char *name = symbol ? demangle(symbol) : NULL;
	int n = 0;

	if (symbol && !name)
		n = asprintf(&name, "%s", symbol);
	else if (symbol)
		;
	else if (sqlite3_column_int(row, 3) && image)
		n = asprintf(&name, "[%s+0x%llx]", basename_of(image), offset);
	else
		n = asprintf(&name, "[unknown 0x%llx]", offset);
	if (n < 0)
		return NULL;
	name_clean(name);
	return name;
}

static int frame_fill(struct stack_names *names, struct frame *frame)
{
	sqlite3_stmt *query = names->frame_query;
	const char *path;

	sqlite3_bind_int64(query, 1, frame->id);
	if (sqlite3_step(query) == SQLITE_ROW) {
		frame->name = frame_name(query);
		path = (const char *)sqlite3_column_text(query, 2);
		frame->path = path ? strdup(path) : NULL;
	} else {
		frame->name = strdup("[missing]");
	}
	return sqlite3_reset(query) ? sqlite3_errcode(sqlite3_db_handle(query))
	       : frame->name        ? SQLITE_OK
				    : SQLITE_NOMEM;
}

static int frame_find(struct stack_names *names, int64_t id, uint32_t *out)
{
	uint64_t hash = hash_pair((uint64_t)id, 0);
	struct frame frame = { .id = id };
	int rc;

	for (size_t step = 0; (*out = index_next(&names->by_frame, hash, &step)) != INDEX_NONE;)
		if (names->frames[*out].id == id)
			return SQLITE_OK;
	rc = frame_fill(names, &frame);
	*out = (uint32_t)names->n_frames;
	if (!rc && (array_grow(&names->frames, &names->frame_capacity, *out, sizeof(frame)) ||
		    index_add(&names->by_frame, hash, *out)))
		rc = SQLITE_NOMEM;
	if (rc) {
		free(frame.name);
		free(frame.path);
		return rc;
	}
	names->frames[names->n_frames++] = frame;
	return SQLITE_OK;
}

static int node_fill(struct stack_names *names, struct node *node)
{
	sqlite3_stmt *query = names->node_query;
	int64_t frame_id = 0;
	int rc;

	sqlite3_bind_int64(query, 1, node->id);
	if (sqlite3_step(query) == SQLITE_ROW) {
		node->parent_id = sqlite3_column_int64(query, 0);
		frame_id = sqlite3_column_int64(query, 1);
	}
	rc = sqlite3_reset(query);
	return rc ? rc : frame_find(names, frame_id, &node->frame);
}

static int node_find(struct stack_names *names, int64_t id, const struct node **out)
{
	uint64_t hash = hash_pair((uint64_t)id, 1);
	struct node node = { .id = id };
	uint32_t at;
	int rc;

	for (size_t step = 0; (at = index_next(&names->by_node, hash, &step)) != INDEX_NONE;)
		if (names->nodes[at].id == id) {
			*out = &names->nodes[at];
			return SQLITE_OK;
		}
	rc = node_fill(names, &node);
	if (rc)
		return rc;
	at = (uint32_t)names->n_nodes;
	if (array_grow(&names->nodes, &names->node_capacity, at, sizeof(node)) ||
	    index_add(&names->by_node, hash, at))
		return SQLITE_NOMEM;
	names->nodes[at] = node;
	names->n_nodes++;
	*out = &names->nodes[at];
	return SQLITE_OK;
}

/* The frames from the innermost on, at most n; *cut says whether there are more. */
static int stack_walk(struct stack_names *names, int64_t id, uint32_t *frames, int *n, bool *cut)
{
	int max = *n;

	for (*n = 0; id && *n < max; ++*n) {
		const struct node *node;
		int rc = node_find(names, id, &node);

		if (rc)
			return rc;
		frames[*n] = node->frame;
		id = node->parent_id;
	}
	*cut = id;
	return SQLITE_OK;
}

static void result_name(sqlite3_context *context, const char *name)
{
	if (name)
		sqlite3_result_text(context, name, -1, SQLITE_TRANSIENT);
}

static void result_folded(sqlite3_context *context, const struct stack_names *names,
			  const uint32_t *frames, int n, bool cut)
{
	sqlite3_str *folded = sqlite3_str_new(NULL);
	int length;

	/* Deeper than any real stack, or a ring of nodes. */
	if (cut)
		sqlite3_str_appendall(folded, "[truncated];");
	for (int i = n - 1; i >= 0; i--) {
		sqlite3_str_appendall(folded, names->frames[frames[i]].name);
		if (i)
			sqlite3_str_appendchar(folded, 1, ';');
	}
	length = sqlite3_str_length(folded);
	if (sqlite3_str_errcode(folded))
		sqlite3_result_error_nomem(context);
	else if (!length)
		sqlite3_result_text(context, "", 0, SQLITE_STATIC);
	if (sqlite3_str_errcode(folded) || !length)
		sqlite3_free(sqlite3_str_finish(folded));
	else
		sqlite3_result_text(context, sqlite3_str_finish(folded), length, sqlite3_free);
}

/* The functions, and how many frames they need. */
static const struct {
	const char *name;
	int frames;
} parts[PARTS] = {
	[FOLDED] = { "stack_folded", DEPTH_MAX }, [LEAF] = { "stack_leaf", 1 },
	[CALLER] = { "stack_caller", 2 },         [CALLER_PATH] = { "stack_caller_path", 2 },
	[DEPTH] = { "stack_depth", DEPTH_MAX },
};

static void result_part(sqlite3_context *context, const struct stack_names *names, enum part part,
			const uint32_t *frames, int n, bool cut)
{
	if (part == FOLDED)
		result_folded(context, names, frames, n, cut);
	else if (part == DEPTH)
		sqlite3_result_int(context, n);
	else if (part == LEAF)
		result_name(context, n ? names->frames[frames[0]].name : NULL);
	else if (n > 1)
		result_name(context, part == CALLER ? names->frames[frames[1]].name
						    : names->frames[frames[1]].path);
}

static void stack_part(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const struct stack_function *function = sqlite3_user_data(context);
	struct stack_names *names = function->analysis->stacks;
	int n = parts[function->part].frames, rc;
	uint32_t frames[DEPTH_MAX];
	bool cut;

	(void)argc;
	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	rc = queries_prepare(function->analysis->db, names);
	if (!rc)
		rc = stack_walk(names, sqlite3_value_int64(argv[0]), frames, &n, &cut);
	if (rc)
		sqlite3_result_error_code(context, rc);
	else
		result_part(context, names, function->part, frames, n, cut);
}

int stacks_register(struct analysis *analysis)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, rc = SQLITE_OK;

	analysis->stacks = calloc(1, sizeof(*analysis->stacks));
	if (!analysis->stacks)
		return SQLITE_NOMEM;
	for (int i = 0; i < PARTS && !rc; i++) {
		struct stack_function *function = &analysis->stacks->functions[i];

		*function = (struct stack_function){ analysis, (enum part)i };
		rc = sqlite3_create_function(analysis->db, parts[i].name, 1, flags, function,
					     stack_part, NULL, NULL);
	}
	return rc;
}
