/*
 * The formats that are records of many lines: smaps and zoneinfo.
 */
#include "analyzer/procfs/words.h"

/* ---- smaps: "start-end mode offset device inode  path", then keys */

static void address_set(struct procfs_parser *parser, const char *key, uint64_t addr)
{
	value_integer(parser, column_keyed(parser, key), (int64_t)addr);
}

static void word_set(struct procfs_parser *parser, const char *key, struct slice *line)
{
	int column = column_keyed(parser, key);
	struct slice word;

	if (word_take(line, &word) && column >= 0)
		value_set(parser, column, word, *line);
}

static void path_set(struct procfs_parser *parser, struct slice line)
{
	int column = column_keyed(parser, ".path");

	while (!slice_empty(line) && *line.begin == ' ')
		line.begin++;
	if (column >= 0 && !slice_empty(line))
		parser->values[column] = (struct procfs_value){ VALUE_TEXT, .text = line };
}

static bool range_parse(struct slice range, uint64_t *start, uint64_t *end)
{
	const char *dash = memchr(range.begin, '-', (size_t)(range.end - range.begin));

	return dash && hex_parse((struct slice){ range.begin, dash }, start) &&
	       hex_parse((struct slice){ dash + 1, range.end }, end);
}

/* Whether the line begins a mapping; then its columns are set. */
static bool mapping_begin(struct procfs_parser *parser, struct slice line)
{
	struct slice range, offset;
	uint64_t start, end, number;

	if (!word_take(&line, &range) || !range_parse(range, &start, &end))
		return false;
	values_clear(parser);
	address_set(parser, ".start", start);
	address_set(parser, ".end", end);
	word_set(parser, ".mode", &line);
	if (word_take(&line, &offset) && hex_parse(offset, &number))
		address_set(parser, ".offset", number);
	word_set(parser, ".device", &line);
	word_set(parser, ".inode", &line);
	path_set(parser, line);
	return true;
}

/* The mapping's first line is in ->line since the row before, or found here. */
static bool mapping_find(struct procfs_parser *parser)
{
	if (!slice_empty(parser->line))
		return mapping_begin(parser, parser->line);
	while (line_take(&parser->rest, &parser->line)) {
		if (mapping_begin(parser, parser->line))
			return true;
		parser->odd_lines++;
	}
	return false;
}

static bool is_mapping(struct slice line)
{
	struct slice range;
	uint64_t start, end;

	return word_take(&line, &range) && range_parse(range, &start, &end);
}

bool maps_next(struct procfs_parser *parser)
{
	struct slice line, key;

	if (!mapping_find(parser))
		return false;
	while (line_take(&parser->rest, &line)) {
		parser->line = line;
		if (is_mapping(line))
			return true;
		if (word_take(&line, &key))
			key_set(parser, key, line);
	}
	parser->line = (struct slice){ 0 };
	return true;
}

/* ---- zoneinfo */

/* "Node 0, zone   Normal" */
static bool zone_begin(struct procfs_parser *parser, struct slice line)
{
	struct slice word;

	if (!word_take(&line, &word) || !slice_is(word, "Node"))
		return false;
	if (!word_take(&line, &parser->node) || !word_take(&line, &word) ||
	    !word_take(&line, &parser->zone))
		parser->odd_lines++;
	parser->node_stats = parser->skipping = false;
	return true;
}

/* Lines that head others; true: it is such a one, or one of a CPU's pages. */
static bool zone_head(struct procfs_parser *parser, struct slice name, struct slice *line)
{
	struct slice rest = *line;

	if (slice_is(name, "per-node"))
		parser->node_stats = true;
	else if (slice_is(name, "pagesets"))
		parser->skipping = true;
	else if (slice_is(name, "node_unreclaimable") || slice_is(name, "start_pfn"))
		parser->skipping = false;
	if (slice_is(name, "pages")) { /* "pages free     3840" */
		parser->node_stats = false;
		return !word_take(line, &rest);
	}
	return parser->skipping || slice_is(name, "per-node") || slice_is(name, "protection") ||
	       slice_is(name, "pagesets");
}

static void part_set(struct procfs_parser *parser, const char *key, struct slice word)
{
	int column = column_keyed(parser, key);

	if (column >= 0 && !slice_empty(word))
		value_set(parser, column, word, word);
}

bool zones_next(struct procfs_parser *parser)
{
	struct slice line, name, value;

	while (line_take(&parser->rest, &line)) {
		if (zone_begin(parser, line) || !word_take(&line, &name))
			continue;
		struct slice words = line;
		if (zone_head(parser, name, &words))
			continue;
		if (slice_is(name, "pages"))
			word_take(&line, &name);
		values_clear(parser);
		part_set(parser, ".node", parser->node);
		if (!parser->node_stats)
			part_set(parser, ".zone", parser->zone);
		part_set(parser, ".name", name);
		if (word_take(&line, &value))
			part_set(parser, ".value", value);
		else
			parser->odd_lines++;
		return true;
	}
	return false;
}
