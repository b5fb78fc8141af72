#include "analyzer/filter.h"

#include <math.h>
#include <string.h>

enum { PLAN_MAX = 512 };

struct plan {
	char text[PLAN_MAX];
	size_t length;
	int arguments;
	double cost, rows;
};

static const char *time_operator(int op)
{
	switch (op) {
	case SQLITE_INDEX_CONSTRAINT_EQ:
		return "=";
	case SQLITE_INDEX_CONSTRAINT_GT:
		return ">";
	case SQLITE_INDEX_CONSTRAINT_GE:
		return ">=";
	case SQLITE_INDEX_CONSTRAINT_LT:
		return "<";
	case SQLITE_INDEX_CONSTRAINT_LE:
		return "<=";
	default:
		return NULL;
	}
}

static void plan_take(struct plan *plan, sqlite3_index_info *info, int i, const char *column,
		      const char *op)
{
	size_t wanted = strlen(column) + strlen(op) + 2;

	if (plan->length + wanted > PLAN_MAX)
		return;
	sqlite3_snprintf((int)(PLAN_MAX - plan->length), plan->text + plan->length, "%s%s%s",
			 plan->length ? " " : "", column, op);
	plan->length += strlen(plan->text + plan->length);
	info->aConstraintUsage[i].argvIndex = ++plan->arguments;
}

static void constraint_plan(struct plan *plan, sqlite3_index_info *info, int i,
			    const struct filter_columns *columns)
{
	int column = info->aConstraint[i].iColumn, op = info->aConstraint[i].op;
	bool equal = op == SQLITE_INDEX_CONSTRAINT_EQ;
	bool list;

	if (column < 0 || !info->aConstraint[i].usable)
		return;
	/* Values of an IN come one by one, each with its own scan, unless asked for at once. */
	list = equal && sqlite3_vtab_in(info, i, -1);
	if (column == columns->time && time_operator(op) && !list) {
		plan_take(plan, info, i, columns->time_name, time_operator(op));
		plan->cost /= equal ? 100 : 4;
		plan->rows /= equal ? 100 : 4;
	} else if (column == columns->session && equal && !list) {
		plan_take(plan, info, i, "session", "=");
		plan->cost *= 0.99;
	} else if (column == columns->process && equal) {
		plan_take(plan, info, i, "process_id", list ? ":in" : "=");
		if (list)
			sqlite3_vtab_in(info, i, 1);
		plan->rows /= 10;
		plan->cost *= 0.9;
	}
}

int filter_plan(sqlite3_index_info *info, const struct filter_columns *columns, double rows)
{
	struct plan plan = { .cost = rows, .rows = rows };

	for (int i = 0; i < info->nConstraint; i++)
		constraint_plan(&plan, info, i, columns);
	info->idxStr = sqlite3_mprintf("%s", plan.text);
	info->needToFreeIdxStr = 1;
	info->estimatedCost = plan.cost;
	info->estimatedRows = plan.rows < 1 ? 1 : (sqlite3_int64)plan.rows;
	return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}

/* The integers on either side of a number. */
static int64_t floor_of(double value)
{
	if (value >= 0x1p63)
		return INT64_MAX;
	return value < -0x1p63 ? INT64_MIN : (int64_t)floor(value);
}

static int64_t ceiling_of(double value)
{
	if (value >= 0x1p63)
		return INT64_MAX;
	return value < -0x1p63 ? INT64_MIN : (int64_t)ceil(value);
}

static void time_narrow(struct filter *filter, const char *op, int64_t floor, int64_t ceiling)
{
	if (*op != '<' && ceiling > filter->from_ns)
		filter->from_ns = ceiling;
	if (*op != '>' && floor < filter->to_ns)
		filter->to_ns = floor;
}

/* A text or blob is left to SQLite, which may convert it; nothing compares to NULL. */
static void time_fill(struct filter *filter, const char *op, sqlite3_value *value)
{
	int64_t integer = sqlite3_value_int64(value);
	double real = sqlite3_value_double(value);

	if (sqlite3_value_type(value) == SQLITE_INTEGER)
		time_narrow(filter, op, integer, integer);
	else if (sqlite3_value_type(value) == SQLITE_FLOAT)
		time_narrow(filter, op, floor_of(real), ceiling_of(real));
	else if (sqlite3_value_type(value) == SQLITE_NULL)
		filter->nothing = true;
}

static bool whole_number(sqlite3_value *value)
{
	return sqlite3_value_numeric_type(value) == SQLITE_INTEGER;
}

static void session_fill(struct filter *filter, sqlite3_value *value)
{
	if (!whole_number(value)) {
		filter->nothing |= sqlite3_value_type(value) == SQLITE_NULL;
		return;
	}
	filter->nothing |= filter->one_session && filter->session != sqlite3_value_int64(value);
	filter->one_session = true;
	filter->session = sqlite3_value_int64(value);
}

static int process_add(struct filter *filter, sqlite3_value *value)
{
	switch (sqlite3_value_numeric_type(value)) {
	case SQLITE_INTEGER:
		return number_set_add(&filter->processes, (uint64_t)sqlite3_value_int64(value));
	case SQLITE_FLOAT:
		return number_set_add(&filter->processes,
				      (uint64_t)floor_of(sqlite3_value_double(value)));
	default:
		return 0; /* an id equals no text and no NULL */
	}
}

static int processes_fill(struct filter *filter, sqlite3_value *value, bool list)
{
	sqlite3_value *item;
	int rc;

	if (filter->some_processes)
		return SQLITE_OK;
	filter->some_processes = true;
	if (!list)
		return process_add(filter, value) < 0 ? SQLITE_NOMEM : SQLITE_OK;
	for (rc = sqlite3_vtab_in_first(value, &item); rc == SQLITE_OK;
	     rc = sqlite3_vtab_in_next(value, &item))
		if (process_add(filter, item) < 0)
			return SQLITE_NOMEM;
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int word_fill(struct filter *filter, const char *word, size_t length, sqlite3_value *value)
{
	size_t name = strcspn(word, "<>=");

	if (length >= 10 && !strncmp(word, "process_id", 10))
		return processes_fill(filter, value, word[10] != '=');
	if (!strncmp(word, "session=", 8))
		session_fill(filter, value);
	else
		time_fill(filter, word + name, value);
	return SQLITE_OK;
}

int filter_fill(struct filter *filter, const char *plan, sqlite3_value **values)
{
	filter->from_ns = INT64_MIN;
	filter->to_ns = INT64_MAX;
	for (int i = 0; *plan; i++) {
		size_t length = strcspn(plan, " ");
		int rc = word_fill(filter, plan, length, values[i]);

		if (rc)
			return rc;
		plan += length;
		plan += strspn(plan, " ");
	}
	filter->nothing |= filter->from_ns > filter->to_ns;
	return SQLITE_OK;
}

void filter_free(struct filter *filter)
{
	number_set_free(&filter->processes);
	*filter = (struct filter){ 0 };
}
