#include "analyzer/procfs/words.h"

#include <stdio.h>
#include <stdlib.h>

bool line_take(struct slice *rest, struct slice *line)
{
	const char *end;

	if (slice_empty(*rest))
		return false;
	end = memchr(rest->begin, '\n', (size_t)(rest->end - rest->begin));
	*line = (struct slice){ rest->begin, end ? end : rest->end };
	rest->begin = end ? end + 1 : rest->end;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct slice blanks_skip(struct slice line)
{
	while (!slice_empty(line) && is_blank(*line.begin))
		line.begin++;
	return line;
}

bool word_take(struct slice *line, struct slice *word)
{
	const char *at;

	*line = blanks_skip(*line);
	if (slice_empty(*line))
		return false;
	for (at = line->begin; at < line->end && !is_blank(*at); at++)
		;
	*word = (struct slice){ line->begin, at };
	line->begin = at;
	if (word->end - word->begin > 1 && (word->end[-1] == ':' || word->end[-1] == ','))
		word->end--;
	return true;
}

/* Neither more than 64 bits nor anything behind the digits. */
static bool integer_parse(struct slice word, int64_t *out)
{
	bool negative = !slice_empty(word) && *word.begin == '-';
	int64_t value = 0;

	word.begin += negative;
	if (slice_empty(word))
		return false;
	for (const char *at = word.begin; at < word.end; at++)
		if (*at < '0' || *at > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, *at - '0', &value))
			return false;
	return negative ? (*out = value, true) : !__builtin_sub_overflow(0, value, out);
}

static bool real_parse(struct slice word, double *out)
{
	char text[64], *end;
	size_t length = (size_t)(word.end - word.begin);

	if (!length || length >= sizeof(text) || strspn(word.begin, "0123456789.-") < length)
		return false;
	memcpy(text, word.begin, length);
	text[length] = '\0';
	*out = strtod(text, &end);
	return !*end;
}

bool hex_parse(struct slice word, uint64_t *out)
{
	uint64_t value = 0;

	if (slice_empty(word) || word.end - word.begin > 16)
		return false;
	for (const char *at = word.begin; at < word.end; at++) {
		int digit = *at >= '0' && *at <= '9'   ? *at - '0'
			    : *at >= 'a' && *at <= 'f' ? *at - 'a' + 10
						       : -1;
		if (digit < 0)
			return false;
		value = value << 4 | (uint64_t)digit;
	}
	*out = value;
	return true;
}

void value_integer(struct procfs_parser *parser, int column, int64_t integer)
{
	if (column >= 0)
		parser->values[column] = (struct procfs_value){ VALUE_INTEGER, .integer = integer };
}

void value_set(struct procfs_parser *parser, int column, struct slice word, struct slice rest)
{
	struct procfs_value *value = &parser->values[column];
	bool good = true;

	*value = (struct procfs_value){ VALUE_NULL };
	switch (parser->columns[column].type) {
	case PROCFS_INTEGER:
		good = integer_parse(word, &value->integer);
		value->kind = good ? VALUE_INTEGER : VALUE_NULL;
		break;
	case PROCFS_REAL:
		good = real_parse(word, &value->real);
		value->kind = good ? VALUE_REAL : VALUE_NULL;
		break;
	case PROCFS_TEXT:
		*value = (struct procfs_value){ VALUE_TEXT, .text = word };
		break;
	case PROCFS_REST:
		*value = (struct procfs_value){ VALUE_TEXT, .text = { word.begin, rest.end } };
	}
	parser->odd_lines += !good;
}

void values_clear(struct procfs_parser *parser)
{
	memset(parser->values, 0, (size_t)parser->n_columns * sizeof(*parser->values));
}

static void column_set(struct procfs_parser *parser, int column, struct slice words)
{
	struct slice word;

	for (int n = 0; n < parser->columns[column].position; n++)
		if (!word_take(&words, &word))
			return;
	value_set(parser, column, word, words);
}

/* Called for every line of every text: most keys differ in length or at their beginning. */
void key_set(struct procfs_parser *parser, struct slice key, struct slice words)
{
	size_t length = (size_t)(key.end - key.begin);

	for (int i = 0; i < parser->n_columns; i++) {
		const struct procfs_column *column = &parser->columns[i];

		if (column->key_length == length && column->key[0] == key.begin[0] &&
		    !memcmp(column->key, key.begin, length))
			column_set(parser, i, words);
	}
}

void positions_set(struct procfs_parser *parser, struct slice line)
{
	struct slice word;

	for (int n = 1; word_take(&line, &word); n++)
		for (int i = 0; i < parser->n_columns; i++)
			if (!parser->columns[i].key && parser->columns[i].position == n)
				value_set(parser, i, word, line);
}

int column_keyed(const struct procfs_parser *parser, const char *key)
{
	for (int i = 0; i < parser->n_columns; i++)
		if (parser->columns[i].key && !strcmp(parser->columns[i].key, key))
			return i;
	return -1;
}
