/*
 * Stacks as text: the functions behind the view stack_text. What a node of the stack tree is, is
 * looked up once.
 */
#include "analyzer/internal.h"

#include <stdlib.h>
#include "analyzer/frames.h"
#include "analyzer/index.h"

enum { DEPTH_MAX = 1024 };

struct node {
	int64_t id, parent_id; /* 0: outermost */
	uint32_t frame;
};

/* What a function gives of a stack. */
enum part { FOLDED, PLACES, LEAF, LEAF_PATH, CALLER, CALLER_PATH, DEPTH, PARTS };

struct stack_function {
	struct analysis *analysis;
	enum part part;
};

struct stack_names {
	struct stack_function functions[PARTS];
	sqlite3_stmt *node_query;
	struct node *nodes;
	size_t n_nodes, node_capacity;
	struct index by_node;
	struct frames frames;
};

static int queries_prepare(sqlite3 *db, struct stack_names *names)
{
	static const char node_query[] = "SELECT parent_id, frame_id FROM main.stack WHERE id = ?1";
	int rc = frames_prepare(&names->frames, db);

	if (!rc && !names->node_query)
		rc = sqlite3_prepare_v2(db, node_query, -1, &names->node_query, NULL);
	return rc;
}

void stacks_free(struct stack_names *names)
{
	if (!names)
		return;
	sqlite3_finalize(names->node_query);
	frames_free(&names->frames);
	free(names->nodes);
	index_free(&names->by_node);
	free(names);
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
	return rc ? rc : frames_find(&names->frames, frame_id, &node->frame);
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

static void result_joined(sqlite3_context *context, sqlite3_str *joined)
{
	int length = sqlite3_str_length(joined);

	if (sqlite3_str_errcode(joined))
		sqlite3_result_error_nomem(context);
	else if (!length)
		sqlite3_result_text(context, "", 0, SQLITE_STATIC);
	if (sqlite3_str_errcode(joined) || !length)
		sqlite3_free(sqlite3_str_finish(joined));
	else
		sqlite3_result_text(context, sqlite3_str_finish(joined), length, sqlite3_free);
}

/* The outermost first, the parts separated by semicolons; the kernel's marked as flame graphs have
 * it. */
static void result_folded(sqlite3_context *context, const struct stack_names *names,
			  const uint32_t *frames, int n, bool cut)
{
	sqlite3_str *folded = sqlite3_str_new(NULL);

	/* Deeper than any real stack, or a ring of nodes. */
	if (cut)
		sqlite3_str_appendall(folded, "[truncated];");
	for (int i = n - 1; i >= 0; i--) {
		const struct frame *frame = &names->frames.all[frames[i]];

		for (int depth = frame->n - 1; depth >= 0; depth--)
			sqlite3_str_appendf(folded, "%s%s%s", frame->functions[depth].name,
					    frame->kernel ? "_[k]" : "", i || depth ? ";" : "");
	}
	result_joined(context, folded);
}

/* As many parts as the folded stack has; NULL if none is known. */
static void result_places(sqlite3_context *context, const struct stack_names *names,
			  const uint32_t *frames, int n, bool cut)
{
	sqlite3_str *places = sqlite3_str_new(NULL);
	bool known = false;

	if (cut)
		sqlite3_str_appendall(places, ";");
	for (int i = n - 1; i >= 0; i--) {
		const struct frame *frame = &names->frames.all[frames[i]];

		for (int depth = frame->n - 1; depth >= 0; depth--) {
			const char *place = frame->functions[depth].place;

			known |= place != NULL;
			sqlite3_str_appendf(places, "%s%s", place ? place : "",
					    i || depth ? ";" : "");
		}
	}
	if (known || sqlite3_str_errcode(places))
		result_joined(context, places);
	else
		sqlite3_free(sqlite3_str_finish(places));
}

static int functions_count(const struct stack_names *names, const uint32_t *frames, int n)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += names->frames.all[frames[i]].n;
	return count;
}

/* The functions, and how many frames they need. */
static const struct {
	const char *name;
	int frames;
} parts[PARTS] = {
	[FOLDED] = { "stack_folded", DEPTH_MAX },
	[PLACES] = { "stack_places", DEPTH_MAX },
	[LEAF] = { "stack_leaf", 1 },
	[LEAF_PATH] = { "stack_leaf_path", 1 },
	[CALLER] = { "stack_caller", 2 },
	[CALLER_PATH] = { "stack_caller_path", 2 },
	[DEPTH] = { "stack_depth", DEPTH_MAX },
};

static void result_part(sqlite3_context *context, const struct stack_names *names, enum part part,
			const uint32_t *frames, int n, bool cut)
{
	const struct frame *leaf = n ? &names->frames.all[frames[0]] : NULL;
	const struct frame *caller = n > 1 ? &names->frames.all[frames[1]] : NULL;

	if (part == FOLDED)
		result_folded(context, names, frames, n, cut);
	else if (part == PLACES)
		result_places(context, names, frames, n, cut);
	else if (part == DEPTH)
		sqlite3_result_int(context, functions_count(names, frames, n));
	else if (part == LEAF)
		result_name(context, leaf ? leaf->functions[0].name : NULL);
	else if (part == LEAF_PATH)
		result_name(context, leaf ? leaf->path : NULL);
	else if (caller)
		result_name(context, part == CALLER ? caller->functions[0].name : caller->path);
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
