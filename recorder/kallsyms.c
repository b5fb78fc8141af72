#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "recorder/kallsyms.h"

enum { READ_STEP = 1 << 20, TEXT_MAX = 256 << 20, LEAST_LINE = 20 };

/* Of each line the text keeps the name, ended by a zero. */
struct kernel_symbol {
	uint64_t address;
	const char *name;
};

struct kallsyms {
	char *text;
	struct kernel_symbol *all; /* by address, then as in the file */
	size_t count;
	uint64_t kernel_text, kernel_last;
};

static int text_read(int fd, char **out, size_t *length)
{
	char *text = NULL;
	for (size_t size = READ_STEP; size <= TEXT_MAX; size += READ_STEP) {
		char *grown = realloc(text, size + 1);
		if (!grown)
			break;
		*out = text = grown;
		while (*length < size) {
			ssize_t n = pread(fd, text + *length, size - *length, (off_t)*length);
			if (n < 0)
				return -errno;
			text[ *length += (size_t)n] = '\0';
			if (!n)
				return 0;
		}
	}
	return -ENOMEM;
}

static int symbol_compare(const void *a, const void *b)
{
	const struct kernel_symbol *left = a, *right = b;
	if (left->address != right->address)
		return left->address < right->address ? -1 : 1;
	return left->name < right->name ? -1 : 1;
}

/* "address type name", for a module's "\t[module]" behind it; the line is cut up. False: no
 * function. */
static bool symbol_parse(struct kallsyms *symbols, char *line, struct kernel_symbol *out)
{
	char *name;
	out->address = strtoull(line, &name, 16);
	if (name == line || name[0] != ' ' || !name[1] || name[2] != ' ' || !out->address ||
	    !strchr("tTwW", name[1]))
		return false;
	out->name = name += 3;
	bool own = !strchr(name, '\t');
	name[strcspn(name, "\t")] = '\0';
	if (own && !strcmp(name, "_text"))
		symbols->kernel_text = out->address;
	if (own && out->address > symbols->kernel_last)
		symbols->kernel_last = out->address;
	return true;
}

int kallsyms_read(int fd, struct kallsyms **out)
{
	struct kallsyms *symbols = *out = calloc(1, sizeof(*symbols));
	size_t length = 0;
	int error = symbols ? text_read(fd, &symbols->text, &length) : -ENOMEM;
	if (!error)
		symbols->all = malloc((length / LEAST_LINE + 1) * sizeof(*symbols->all));
	if (error || !symbols->all) {
		kallsyms_free(symbols);
		*out = NULL;
		return error ? error : -ENOMEM;
	}
	char *rest = symbols->text, *line;
	while ((line = strsep(&rest, "\n")) && symbols->count <= length / LEAST_LINE)
		if (strlen(line) >= LEAST_LINE - 1 &&
		    symbol_parse(symbols, line, &symbols->all[symbols->count]))
			symbols->count++;
	qsort(symbols->all, symbols->count, sizeof(*symbols->all), symbol_compare);
	return 0;
}

int kallsyms_find(const struct kallsyms *symbols, uint64_t address, const char **name,
		  uint64_t *start)
{
	size_t low = 0, high = symbols->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (symbols->all[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return -ENOENT;
	const struct kernel_symbol *found = &symbols->all[low - 1];
	while (found > symbols->all && found[-1].address == found->address)
		found--;
	*name = found->name;
	*start = found->address;
	return 0;
}

uint64_t kallsyms_text(const struct kallsyms *symbols)
{
	return symbols->kernel_text;
}

uint64_t kallsyms_last(const struct kallsyms *symbols)
{
	return symbols->kernel_last;
}

void kallsyms_free(struct kallsyms *symbols)
{
	if (!symbols)
		return;
	free(symbols->text);
	free(symbols->all);
	free(symbols);
}
