/* Flame graphs: the same rows in any order give the same well-formed picture. */
#include "report/flamegraph.h"
#include "tests/check.h"

struct stack {
	const char *folded;
	uint64_t weight;
};

static char *draw(const struct stack *stacks, size_t n, const char *title)
{
	struct flamegraph *graph;
	struct text text = { 0 };

	CHECK(!flamegraph_open(&graph));
	for (size_t i = 0; i < n; i++)
		CHECK(!flamegraph_add(graph, stacks[i].folded, strlen(stacks[i].folded),
				      stacks[i].weight));
	CHECK(!flamegraph_draw(graph, title, "bytes", &text));
	flamegraph_close(graph);
	return text.data;
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		n++;
	return n;
}

/* "a-" sorts between "a" and "a;" as bytes, but must not cut the box of "a" in two. */
static void check_boxes(void)
{
	static const struct stack stacks[] = {
		{ "a;b", 10 }, { "a-;b", 20 }, { "a", 5 }, { "a;c;d", 15 }, { "a;b", 50 },
	};
	static const struct stack shuffled[] = {
		{ "a", 5 },
		{ "a;c;d", 15 },
		{ "a;b", 60 },
		{ "a-;b", 20 },
	};
	char *one = draw(stacks, 5, "T"), *other = draw(shuffled, 4, "T");

	CHECK_TEXT(one, other);
	CHECK_EQUAL(count(one, "<g>"), 7);
	CHECK_EQUAL(count(one, "</g>"), 7);
	CHECK_EQUAL(count(one, "<title>a: 80 bytes, 80.00%</title>"), 1);
	CHECK_EQUAL(count(one, "<title>b: 60 bytes, 60.00%</title>"), 1);
	CHECK_EQUAL(count(one, "<title>a-: 20 bytes, 20.00%</title>"), 1);
	CHECK_EQUAL(count(one, "<title>all: 100 bytes, 100.00%</title>"), 1);
	CHECK_EQUAL(count(one, "T (100 bytes)"), 1);
	/* Three levels on top of the root, which lies at the bottom. */
	CHECK(strstr(one,
		     "all: 100 bytes, 100.00%</title><rect x=\"10.0\" y=\"91\" width=\"1180.0\""));
	CHECK(strstr(one, "d: 15 bytes, 15.00%</title><rect x=\"777.0\" y=\"40\" width=\"177.0\""));
	free(one);
	free(other);
}

static void check_escaping(void)
{
	static const struct stack stacks[] = { { "<script>&\"'\x1b\xff\xc2\x9b;</svg>", 1 } };
	char *picture = draw(stacks, 1, "a < b");

	CHECK(!strstr(picture, "<script>"));
	CHECK(strstr(picture, "&#60;script&#62;&#38;&#34;&#39;"));
	CHECK(!strchr(picture, 0x1b));
	CHECK(!strchr(picture, 0xff));
	CHECK(strstr(picture, "a &#60; b"));
	CHECK_EQUAL(count(picture, "</svg>"), 1);
	free(picture);
}

static void check_clipping(void)
{
	static const struct stack stacks[] = {
		{ "a_name_that_is_much_too_long_for_its_box", 10 },
		{ "x", 90 },
		{ "invisible", 0 },
	};
	char *picture = draw(stacks, 3, "T");

	/* 118 pixels hold 15 characters; the whole name is in the title alone. */
	CHECK(strstr(picture, ">a_name_that_i..</text>"));
	CHECK_EQUAL(count(picture, "a_name_that_is_much_too_long_for_its_box"), 1);
	CHECK(!strstr(picture, "invisible"));
	free(picture);
}

static void check_extremes(void)
{
	static const struct stack huge[] = { { "a", UINT64_MAX }, { "b", UINT64_MAX } };
	enum { DEEP = 4 * FLAMEGRAPH_DEPTH_MAX };
	struct stack deep = { .weight = 1 };
	char folded[2 * DEEP + 1], *picture = draw(NULL, 0, "T");

	CHECK(strstr(picture, "T (0 bytes)"));
	free(picture);
	picture = draw(huge, 2, "T");
	CHECK(strstr(picture, "T (9,223,372,036,854,775,807 bytes)"));
	free(picture);
	for (size_t i = 0; i < DEEP; i++)
		memcpy(folded + 2 * i, "f;", 2);
	folded[2 * DEEP] = '\0';
	deep.folded = folded;
	picture = draw(&deep, 1, "T");
	CHECK_EQUAL(count(picture, "<g>"), FLAMEGRAPH_DEPTH_MAX + 1);
	free(picture);
}

int main(void)
{
	check_boxes();
	check_escaping();
	check_clipping();
	check_extremes();
	return 0;
}
