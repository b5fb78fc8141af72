/*
 * The stacks are sorted frame by frame; then every box is a range of rows that agree down to its
 * depth, and no tree has to be built.
 */
#include "report/flamegraph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	IMAGE_WIDTH = 1200,
	MARGIN = 10,
	ROW_HEIGHT = 17,
	HEAD_HEIGHT = 40,
	FRAMES_WIDTH = IMAGE_WIDTH - 2 * MARGIN,
};

static const double letter_width = 7.25, narrowest_box = 0.3;

struct flame_row {
	char *stack;
	size_t length;
	uint64_t weight;
};

struct flamegraph {
	struct flame_row *rows;
	size_t n, room;
	uint64_t total;
};

/* One drawing: with `out` NULL it only finds out how deep the visible boxes go. */
struct drawing {
	const struct flamegraph *graph;
	const char *unit;
	struct text *out;
	size_t depth;
};

int flamegraph_open(struct flamegraph **out)
{
	struct flamegraph *graph = calloc(1, sizeof(*graph));

	if (!graph)
		return -ENOMEM;
	*out = graph;
	return 0;
}

int flamegraph_add(struct flamegraph *graph, const char *stack, size_t length, uint64_t weight)
{
	size_t room = graph->room ? graph->room * 2 : 256;
	struct flame_row *rows;
	char *copy;

	if (graph->n == graph->room) {
		rows = realloc(graph->rows, room * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		graph->rows = rows;
		graph->room = room;
	}
	copy = malloc(length + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, stack, length);
	copy[length] = '\0';
	/* The total never overflows, so no box is wider than the picture. */
	if (weight > INT64_MAX - graph->total)
		weight = INT64_MAX - graph->total;
	graph->total += weight;
	graph->rows[graph->n++] = (struct flame_row){ copy, length, weight };
	return 0;
}

/* The end of a frame sorts before every byte, so that equal frames are neighbours. */
static int byte_rank(const struct flame_row *row, size_t at)
{
	if (at == row->length)
		return -2;
	return row->stack[at] == ';' ? -1 : (unsigned char)row->stack[at];
}

static int flame_row_compare(const void *a, const void *b)
{
	const struct flame_row *left = a, *right = b;
	size_t i = 0;

	while (i < left->length && i < right->length && left->stack[i] == right->stack[i])
		i++;
	return byte_rank(left, i) - byte_rank(right, i);
}

static size_t frame_length(const struct flame_row *row, size_t offset)
{
	const char *end = memchr(row->stack + offset, ';', row->length - offset);

	return end ? (size_t)(end - row->stack) - offset : row->length - offset;
}

static bool same_frame(const struct flame_row *row, const struct flame_row *other, size_t offset,
		       size_t length)
{
	return row->length >= offset + length && frame_length(row, offset) == length &&
	       !memcmp(row->stack + offset, other->stack + offset, length);
}

/* Warm colours, by the name alone. */
static uint32_t frame_colour(const char *name, size_t length)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619u;
	return (205 + (hash >> 8) % 50) << 16 | (80 + (hash >> 16) % 130) << 8 | (hash >> 24) % 55;
}

static void draw_label(struct text *out, const char *name, size_t length, double x, size_t y,
		       double width)
{
	size_t fits = width > 6 ? (size_t)((width - 6) / letter_width) : 0;
	size_t bytes = text_characters(name, length, fits);

	if (fits < 3)
		return;
	text_printf(out, "<text x=\"%.1f\" y=\"%zu\">", x + 3, y + 12);
	if (bytes < length)
		bytes = text_characters(name, length, fits - 2);
	text_xml(out, name, bytes);
	text_puts(out, bytes < length ? "..</text>" : "</text>");
}

static void draw_box(const struct drawing *drawing, const char *name, size_t length,
		     uint64_t before, uint64_t weight, size_t level)
{
	double scale = (double)FRAMES_WIDTH / (double)drawing->graph->total;
	double x = MARGIN + (double)before * scale, width = (double)weight * scale;
	size_t y = HEAD_HEIGHT + (drawing->depth - level) * ROW_HEIGHT;
	struct text *out = drawing->out;

	text_puts(out, "<g><title>");
	text_xml(out, name, length);
	text_puts(out, ": ");
	text_thousands(out, (int64_t)weight);
	text_puts(out, " ");
	text_xml(out, drawing->unit, strlen(drawing->unit));
	text_printf(out, ", %.2f%%</title>", 100 * (double)weight / (double)drawing->graph->total);
	text_printf(out, "<rect x=\"%.1f\" y=\"%zu\" width=\"%.1f\" height=\"%d\" fill=\"#%06x\"/>",
		    x, y, width, ROW_HEIGHT - 1, (unsigned)frame_colour(name, length));
	draw_label(out, name, length, x, y, width);
	text_puts(out, "</g>\n");
}

/* The boxes above one box: rows [first, end) agree in the bytes before `offset`. */
static void draw_level(struct drawing *drawing, size_t first, size_t end, size_t offset,
		       uint64_t before, size_t level)
{
	const struct flame_row *rows = drawing->graph->rows;
	size_t next;

	for (size_t i = first; i < end && level <= FLAMEGRAPH_DEPTH_MAX; i = next) {
		size_t length = offset > rows[i].length ? 0 : frame_length(&rows[i], offset);
		uint64_t weight = rows[i].weight;

		next = i + 1;
		if (offset > rows[i].length) {
			before += weight;
			continue;
		}
		while (next < end && same_frame(&rows[next], &rows[i], offset, length))
			weight += rows[next++].weight;
		if ((double)weight / (double)drawing->graph->total * FRAMES_WIDTH >=
		    narrowest_box) {
			if (drawing->out)
				draw_box(drawing, rows[i].stack + offset, length, before, weight,
					 level);
			else if (level > drawing->depth)
				drawing->depth = level;
			draw_level(drawing, i, next, offset + length + 1, before, level + 1);
		}
		before += weight;
	}
}

static void draw_head(const struct drawing *drawing, const char *title)
{
	size_t height = HEAD_HEIGHT + (drawing->depth + 1) * ROW_HEIGHT + MARGIN;
	struct text *out = drawing->out;

	text_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	text_printf(out,
		    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" "
		    "viewBox=\"0 0 %d %zu\" font-family=\"monospace\" font-size=\"12\">\n",
		    IMAGE_WIDTH, height, IMAGE_WIDTH, height);
	text_puts(out, "<rect width=\"100%\" height=\"100%\" fill=\"#fffdf5\"/>\n");
	text_printf(out, "<text x=\"%d\" y=\"24\" text-anchor=\"middle\" font-size=\"15\">",
		    IMAGE_WIDTH / 2);
	text_xml(out, title, strlen(title));
	text_puts(out, " (");
	text_thousands(out, (int64_t)drawing->graph->total);
	text_puts(out, " ");
	text_xml(out, drawing->unit, strlen(drawing->unit));
	text_puts(out, ")</text>\n");
}

int flamegraph_draw(struct flamegraph *graph, const char *title, const char *unit, struct text *out)
{
	struct drawing drawing = { .graph = graph, .unit = unit };

	if (graph->n)
		qsort(graph->rows, graph->n, sizeof(*graph->rows), flame_row_compare);
	if (graph->total)
		draw_level(&drawing, 0, graph->n, 0, 0, 1);
	drawing.out = out;
	draw_head(&drawing, title);
	if (graph->total) {
		draw_box(&drawing, "all", 3, 0, graph->total, 0);
		draw_level(&drawing, 0, graph->n, 0, 0, 1);
	}
	text_puts(out, "</svg>\n");
	return out->failed ? -ENOMEM : 0;
}

void flamegraph_close(struct flamegraph *graph)
{
	if (!graph)
		return;
	for (size_t i = 0; i < graph->n; i++)
		free(graph->rows[i].stack);
	free(graph->rows);
	free(graph);
}
