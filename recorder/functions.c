#include "recorder/functions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

int functions_add(struct functions *functions, const struct function *function)
{
	struct function *grown;
	size_t size;

	if (function->end <= function->start)
		return 0;
	if (functions->n == functions->size) {
		size = functions->size ? 2 * functions->size : 1024;
		grown = realloc(functions->all, size * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		functions->all = grown;
		functions->size = size;
	}
	functions->all[functions->n++] = *function;
	return 0;
}

/* How much a name is worth showing: of malloc, __libc_malloc and malloc@@GLIBC_2.2.5 the first. */
static int compare_names(const char *a, const char *b)
{
	size_t a_underscores = strspn(a, "_"), b_underscores = strspn(b, "_");
	bool a_version = strchr(a, '@'), b_version = strchr(b, '@');
	size_t a_length = strlen(a), b_length = strlen(b);

	if (a_version != b_version)
		return a_version - b_version;
	if (a_underscores != b_underscores)
		return a_underscores < b_underscores ? -1 : 1;
	if (a_length != b_length)
		return a_length < b_length ? -1 : 1;
	return strcmp(a, b);
}

/* By start; of those at one address the one with a size first, then the best name. */
static int compare_functions(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->sized != b->sized)
		return b->sized - a->sized;
	if (a->local != b->local)
		return a->local - b->local;
	return compare_names(a->name, b->name);
}

static void drop_aliases(struct functions *functions)
{
	struct function *all = functions->all;
	size_t kept = 0;

	for (size_t i = 0; i < functions->n; i++) {
		if (!kept || all[i].start != all[kept - 1].start)
			all[kept++] = all[i];
	}
	functions->n = kept;
}

/* Makes the functions that reach over a position a chain, innermost first. */
static void link_functions(struct functions *functions)
{
	struct function *all = functions->all;

	for (size_t i = 0; i < functions->n; i++) {
		uint32_t outer = i ? i - 1 : NONE;

		if (i && !all[i - 1].sized && all[i - 1].end > all[i].start)
			all[i - 1].end = all[i].start;
		while (outer != NONE && all[outer].end <= all[i].start)
			outer = all[outer].enclosing;
		all[i].enclosing = outer;
	}
}

void functions_sort(struct functions *functions)
{
	if (!functions->n)
		return;
	qsort(functions->all, functions->n, sizeof(*functions->all), compare_functions);
	drop_aliases(functions);
	link_functions(functions);
}

/* The last function that starts at or before the address. */
static uint32_t find_start(const struct functions *functions, uint64_t address)
{
	size_t low = 0, high = functions->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (functions->all[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : NONE;
}

const struct function *functions_find(const struct functions *functions, uint64_t address)
{
	uint32_t i = find_start(functions, address);

	while (i != NONE && address >= functions->all[i].end)
		i = functions->all[i].enclosing;
	return i == NONE ? NULL : &functions->all[i];
}

void functions_free(struct functions *functions)
{
	free(functions->all);
	*functions = (struct functions){ 0 };
}
