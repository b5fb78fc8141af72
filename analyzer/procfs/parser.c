/*
 * The formats that are lines of words.
 */
#include "analyzer/procfs/parser.h"

#include "analyzer/procfs/words.h"

/* "Node 0 MemTotal: ..." says the same as "MemTotal: ..." of the whole host. */
static void node_skip(struct slice *line)
{
	struct slice rest = *line, word;

	if (word_take(&rest, &word) && slice_is(word, "Node") && word_take(&rest, &word))
		*line = rest;
}

static bool keys_next(struct procfs_parser *parser)
{
	struct slice line, key;

	if (parser->begun)
		return false;
	parser->begun = true;
	values_clear(parser);
	while (line_take(&parser->rest, &line)) {
		node_skip(&line);
		if (word_take(&line, &key))
			key_set(parser, key, line);
	}
	return true;
}

static bool header_skip(struct procfs_parser *parser)
{
	struct slice line;

	for (; !parser->begun && parser->index < parser->option; parser->index++)
		if (!line_take(&parser->rest, &line))
			return false;
	parser->begun = true;
	return true;
}

static bool words_next(struct procfs_parser *parser)
{
	struct slice line;

	if (!header_skip(parser) || !line_take(&parser->rest, &line))
		return false;
	values_clear(parser);
	positions_set(parser, line);
	return true;
}

/* The line stays, as each of its words is a row with the same beginning. */
static bool matrix_line(struct procfs_parser *parser)
{
	struct slice word;

	if (!line_take(&parser->rest, &parser->line))
		return false;
	parser->words = parser->line;
	parser->index = 0;
	for (int n = 0; n < parser->option; n++)
		if (!word_take(&parser->words, &word)) {
			parser->odd_lines++;
			break;
		}
	return true;
}

static bool matrix_next(struct procfs_parser *parser)
{
	int index = column_keyed(parser, ".index"), value = column_keyed(parser, ".value");
	struct slice word;

	while (!word_take(&parser->words, &word))
		if (!matrix_line(parser))
			return false;
	values_clear(parser);
	positions_set(parser, parser->line);
	value_integer(parser, index, parser->index++);
	if (value >= 0)
		value_set(parser, value, word, parser->words);
	return true;
}

static bool pairs_next(struct procfs_parser *parser)
{
	struct slice line, word;

	if (!line_take(&parser->rest, &line))
		return false;
	values_clear(parser);
	positions_set(parser, line);
	while (word_take(&line, &word)) {
		const char *equals = memchr(word.begin, '=', (size_t)(word.end - word.begin));

		for (int i = 0; equals && i < parser->n_columns; i++)
			if (parser->columns[i].key &&
			    slice_is((struct slice){ word.begin, equals }, parser->columns[i].key))
				value_set(parser, i, (struct slice){ equals + 1, word.end }, line);
	}
	return true;
}

static void field_set(struct procfs_parser *parser, int field, struct slice word)
{
	for (int i = 0; i < parser->n_columns; i++)
		if (parser->columns[i].position == field)
			value_set(parser, i, word, word);
}

/* A name in brackets is the second field; it ends at the last one that closes. */
static bool stat_next(struct procfs_parser *parser)
{
	struct slice line = parser->rest, word;
	const char *open = memchr(line.begin, '(', (size_t)(line.end - line.begin));
	const char *close = memrchr(line.begin, ')', (size_t)(line.end - line.begin));

	if (parser->begun)
		return false;
	parser->begun = true;
	values_clear(parser);
	if (!open || !close || close < open) {
		parser->odd_lines++;
		return true;
	}
	if (word_take(&line, &word))
		field_set(parser, 1, word);
	field_set(parser, 2, (struct slice){ open + 1, close });
	line.begin = close + 1;
	if (!slice_empty(line) && line.end[-1] == '\n')
		line.end--;
	for (int field = 3; word_take(&line, &word); field++)
		field_set(parser, field, word);
	return true;
}

bool procfs_format(struct procfs_parser *parser, const char *name)
{
	static const struct {
		const char *name;
		bool (*next)(struct procfs_parser *);
	} formats[] = {
		{ "keys", keys_next },   { "words", words_next }, { "matrix", matrix_next },
		{ "pairs", pairs_next }, { "stat", stat_next },   { "maps", maps_next },
		{ "zones", zones_next },
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (!strcmp(formats[i].name, name))
			parser->next = formats[i].next;
	return parser->next;
}

void procfs_begin(struct procfs_parser *parser, const char *text, size_t length)
{
	parser->rest = (struct slice){ text, text + length };
	parser->line = parser->words = parser->node = parser->zone = (struct slice){ 0 };
	parser->odd_lines = 0;
	parser->index = 0;
	parser->begun = parser->node_stats = parser->skipping = false;
}
