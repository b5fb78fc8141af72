#include "recorder/functions.h"
#include "tests/check.h"

static struct functions functions;

static void add(uint64_t start, uint64_t end, const char *name, bool sized, bool local)
{
	struct function function = {
		.start = start, .end = end, .name = name, .sized = sized, .local = local
	};

	CHECK_EQUAL(functions_add(&functions, &function), 0);
}

static const char *at(uint64_t address)
{
	const struct function *function = functions_find(&functions, address);

	return function ? function->name : "-";
}

static void check_aliases(void)
{
	add(100, 200, "__libc_malloc", true, false);
	add(100, 200, "malloc@@GLIBC_2.2.5", true, false);
	add(100, 200, "malloc", true, false);
	add(100, 200, "mall", true, true);
	add(100, 300, "m", false, false);
	functions_sort(&functions);
	CHECK_EQUAL(functions.n, 1);
	CHECK_TEXT(at(99), "-");
	CHECK_TEXT(at(100), "malloc");
	CHECK_TEXT(at(199), "malloc");
	CHECK_TEXT(at(200), "-");
	functions_free(&functions);
}

/* Whichever of the two a table lists first. */
static void check_preferred(const char *better, const char *worse)
{
	for (int i = 0; i < 2; i++) {
		add(100, 200, i ? better : worse, true, false);
		add(100, 200, i ? worse : better, true, false);
		functions_sort(&functions);
		CHECK_TEXT(at(100), better);
		functions_free(&functions);
	}
}

static void check_nested(void)
{
	add(150, 160, "inner", true, true);
	add(100, 200, "outer", true, true);
	add(152, 155, "innermost", true, true);
	add(180, 250, "overlapping", true, true);
	add(250, 250, "empty", true, true);
	functions_sort(&functions);
	CHECK_TEXT(at(149), "outer");
	CHECK_TEXT(at(150), "inner");
	CHECK_TEXT(at(154), "innermost");
	CHECK_TEXT(at(155), "inner");
	CHECK_TEXT(at(160), "outer");
	CHECK_TEXT(at(180), "overlapping");
	CHECK_TEXT(at(249), "overlapping");
	CHECK_TEXT(at(250), "-");
	functions_free(&functions);
}

static void check_without_size(void)
{
	add(100, 1000, "first", false, true);
	add(200, 210, "second", true, true);
	add(300, 1000, "third", false, true);
	functions_sort(&functions);
	CHECK_TEXT(at(199), "first");
	CHECK_TEXT(at(209), "second");
	CHECK_TEXT(at(210), "-");
	CHECK_TEXT(at(999), "third");
	CHECK_TEXT(at(1000), "-");
	functions_free(&functions);
}

/* Against a search through all: the innermost is the containing one that starts last. */
static void check_random(void)
{
	enum { N = 3000 };
	static char names[N][16];
	uint32_t state = 7;

	for (int i = 0; i < N; i++) {
		state = state * 1664525 + 1013904223;
		snprintf(names[i], sizeof(names[i]), "f%d", i);
		add(16 * i, 16 * i + 1 + (state >> (i % 4 ? 27 : 22)), names[i], true, false);
	}
	functions_sort(&functions);
	for (uint64_t address = 0; address < 16 * N + 2000; address += 5) {
		const char *wanted = "-";

		for (size_t i = 0; i < functions.n && functions.all[i].start <= address; i++) {
			if (address < functions.all[i].end)
				wanted = functions.all[i].name;
		}
		CHECK_TEXT(at(address), wanted);
	}
	functions_free(&functions);
}

int main(void)
{
	functions_sort(&functions);
	CHECK_TEXT(at(0), "-");
	check_aliases();
	check_preferred("long_name", "_y");
	check_preferred("long_name", "n@@V");
	check_preferred("z", "aa");
	check_preferred("m", "n");
	check_nested();
	check_without_size();
	check_random();
	return 0;
}
