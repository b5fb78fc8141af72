#include "report/builtin.h"

#include <errno.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

extern const struct {
	const char *name, *text;
} reports[];

/* The comment line at *at without dashes and blanks before it, and *at behind it; false: no
 * comment. */
static bool comment_line(const char **at, const char **begin, size_t *length)
{
	if (strncmp(*at, "--", 2))
		return false;
	*begin = *at + 2;
	*length = strcspn(*begin, "\n");
	*at = *begin + *length + ((*begin)[*length] == '\n');
	return true;
}

static void copy(char *to, size_t size, const char *from, size_t length)
{
	snprintf(to, size, "%.*s", (int)length, from);
}

/* `   name   words`: the blanks tell it from a sentence. The name's length, or 0. */
static size_t parameter_name(const char *line, size_t length, const char **name)
{
	size_t indent = strspn(line, " "), n;

	if (indent < 2 || indent >= length)
		return 0;
	*name = line + indent;
	n = strcspn(*name, " \n");
	return strncmp(*name + n, "  ", 2) ? 0 : n;
}

/* Behind the word and what joins it to the next one; the text's end behind the last. NULL: this is
 * no list of words, as in "pid, rss or vsz". */
static const char *next_word(const char *text, size_t *length)
{
	*length = strspn(text, "abcdefghijklmnopqrstuvwxyz");
	text += *length;
	if (!*length)
		return NULL;
	if (!strncmp(text, ", ", 2))
		return text + 2;
	return !*text ? text : !strncmp(text, " or ", 4) ? text + 4 : NULL;
}

bool parameter_takes(const struct report_parameter *parameter, const char *value)
{
	size_t length, n = strlen(value);

	for (const char *at = parameter->words, *next; *at; at = next) {
		next = next_word(at, &length);
		if (length == n && !strncmp(at, value, n))
			return true;
	}
	return !parameter->words[0];
}

/* What it means, without its default, if that is a list of words. */
static void parse_words(struct report_parameter *parameter, const char *meaning, size_t length)
{
	size_t n;

	copy(parameter->words, sizeof(parameter->words), meaning, length);
	const char *next = strstr(parameter->words, " or ") ? parameter->words : NULL;
	while (next && *next)
		next = next_word(next, &n);
	if (!next)
		parameter->words[0] = '\0';
}

/* Its default stands in brackets at the line's end. */
static void parse_parameter(struct report *report, const char *line, size_t length)
{
	struct report_parameter *parameter = &report->parameters[report->n_parameters];
	const char *name, *open = NULL, *end = line + length - 1;
	size_t n = parameter_name(line, length, &name);

	if (!n || report->n_parameters == REPORT_PARAMETERS_MAX)
		return;
	report->n_parameters++;
	copy(parameter->name, sizeof(parameter->name), name, n);
	for (const char *at = name + n; at < end && *end == ')'; at++)
		if (*at == '(')
			open = at + 1;
	if (!open)
		return;
	copy(parameter->initial, sizeof(parameter->initial), open, end - open);
	name += n + strspn(name + n, " ");
	parse_words(parameter, name, open - name - strlen(" ("));
}

static void report_parse(const char *name, const char *sql, struct report *out)
{
	const char *at = sql, *line;
	size_t length;

	*out = (struct report){ .name = name, .sql = sql };
	if (comment_line(&at, &line, &length)) {
		size_t indent = strspn(line, " ");
		size_t period = length > indent && line[length - 1] == '.';

		copy(out->title, sizeof(out->title), line + indent, length - indent - period);
	}
	while (comment_line(&at, &line, &length))
		if (length)
			parse_parameter(out, line, length);
}

int builtin_report(size_t i, struct report *out)
{
	for (size_t j = 0; j <= i; j++)
		if (!reports[j].name)
			return -ENOENT;
	report_parse(reports[i].name, reports[i].text, out);
	return 0;
}

int builtin_find(const char *name, struct report *out)
{
	for (size_t i = 0; !builtin_report(i, out); i++)
		if (!strcmp(out->name, name))
			return 0;
	return -ENOENT;
}

void builtin_names(struct text *out)
{
	for (size_t i = 0; reports[i].name; i++)
		text_printf(out, i ? ", %s" : "%s", reports[i].name);
}

const struct report_parameter *report_parameter(const struct report *report, const char *name)
{
	for (size_t i = 0; i < report->n_parameters; i++)
		if (!strcmp(report->parameters[i].name, name))
			return &report->parameters[i];
	return NULL;
}

void report_help(const struct report *report, struct text *out)
{
	const char *at = report->sql, *line, *name;
	size_t length;

	while (comment_line(&at, &line, &length)) {
		size_t blank = length && *line == ' ';

		if (parameter_name(line, length, &name))
			text_printf(out, "  --%.*s\n", (int)(line + length - name), name);
		else
			text_printf(out, "%.*s\n", (int)(length - blank), line + blank);
	}
}

static bool word_character(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

bool report_mentions(const struct report *report, const char *word)
{
	size_t length = strlen(word);
	const char *at = report->sql;

	for (; (at = strstr(at, word)); at += length)
		if (!word_character(at[length]) && (at == report->sql || !word_character(at[-1])))
			return true;
	return false;
}

bool section_title(const char *sql, char *title, size_t size)
{
	const char *at = sql, *line = NULL;
	size_t length = 0;

	do
		at += strspn(at, " \t\n");
	while (comment_line(&at, &line, &length));
	if (!line)
		return false;
	copy(title, size, line + strspn(line, " "), length - strspn(line, " "));
	return true;
}
