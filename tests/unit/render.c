/* Every format of rows, from statements on an empty database. */
#include <errno.h>
#include "report/render.h"
#include "tests/check.h"

/* A section; the list ends with a NULL statement. */
struct section {
	const char *title, *sql;
};

static int render(const char *format, bool sections, const struct section *section, char **out)
{
	const struct render_options options = { format, "Heading", sections };
	struct render *render = NULL;
	sqlite3_stmt *statement;
	size_t size;
	FILE *file = open_memstream(out, &size);
	sqlite3 *db;
	int err;

	CHECK(!sqlite3_open(":memory:", &db));
	err = render_open(file, &options, &render);
	for (; section->sql && !err; section++) {
		CHECK(!sqlite3_prepare_v2(db, section->sql, -1, &statement, NULL));
		err = render_section(render, section->title, statement);
		sqlite3_finalize(statement);
	}
	if (!err)
		err = render_finish(render);
	render_close(render);
	fclose(file);
	sqlite3_close(db);
	return err;
}

static void check(const char *format, bool sections, const struct section *section,
		  const char *wanted)
{
	char *text;

	CHECK_EQUAL(render(format, sections, section, &text), 0);
	CHECK_TEXT(text, wanted);
	free(text);
}

static void check_error(const char *format, const struct section *section, int wanted)
{
	char *text;

	CHECK_EQUAL(render(format, false, section, &text), wanted);
	free(text);
}

static void check_values(void)
{
	static const struct section rows[] = {
		{ NULL,
		  "SELECT 1234567 AS held_bytes, 12345 AS pid, 'demo' AS comm, 2.5 AS total_ms, "
		  "0.1 AS x, NULL AS n, 1000 AS mixed "
		  "UNION ALL SELECT -5, 1, 'a,\"b', 10.0, 123456, NULL, 'text'" },
		{ NULL, NULL },
	};

	check("table", false, rows,
	      "held_bytes    pid  comm  total_ms        x  n  mixed\n"
	      " 1,234,567  12345  demo     2.500      0.1  -  1,000\n"
	      "        -5      1  a,\"b    10.000  123,456  -  text\n");
	check("csv", false, rows,
	      "held_bytes,pid,comm,total_ms,x,n,mixed\n"
	      "1234567,12345,demo,2.5,0.1,,1000\n"
	      "-5,1,\"a,\"\"b\",10.0,123456,,text\n");
	check("json", false, rows,
	      "[\n"
	      "{\"held_bytes\":1234567,\"pid\":12345,\"comm\":\"demo\",\"total_ms\":2.5,\"x\":0.1,"
	      "\"n\":null,\"mixed\":1000},\n"
	      "{\"held_bytes\":-5,\"pid\":1,\"comm\":\"a,\\\"b\",\"total_ms\":10,\"x\":123456,"
	      "\"n\":null,\"mixed\":\"text\"}]\n");
}

/* What a host called its programs cannot steer a terminal, whatever bytes it is made of. */
static void check_hostile(void)
{
	static const struct section rows[] = {
		{ NULL, "SELECT CAST(x'1b5b324a0a09c29be280aeff00c3a97f' AS TEXT) AS t, "
			"CAST(x'c0afeda0807a' AS TEXT) AS u, x'00ff' AS b, '' AS e" },
		{ NULL, NULL },
	};

	check("table", false, rows,
	      "t                                     u                      b          e\n"
	      "\\x1b[2J\\n\\t\\u009b\\u202e\\xff\\x00\xc3\xa9\\x7f  \\xc0\\xaf\\xed\\xa0\\x80z  "
	      "[2 bytes]\n");
	check("csv", false, rows,
	      "t,u,b,e\n"
	      "\"\\x1b[2J\n\t\\u009b\\u202e\\xff\\x00\xc3\xa9\\x7f\","
	      "\\xc0\\xaf\\xed\\xa0\\x80z,00ff,\"\"\n");
	check("json", false, rows,
	      "[\n{\"t\":\"\\u001b[2J\\u000a\\u0009\\u009b\\u202e\xef\xbf\xbd\\u0000\xc3\xa9\\u007f\","
	      "\"u\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\","
	      "\"b\":\"00ff\",\"e\":\"\"}]\n");
}

static const struct section stacks[] = {
	{ "not shown",
	  "CREATE TEMP TABLE t AS SELECT 'demo' AS comm, 7 AS n, 'main;f;g' AS stack, 9 AS m "
	  "UNION ALL SELECT 'x', 1000, NULL, 1 UNION ALL SELECT 'y', 0, 'z', 1" },
	{ NULL, "SELECT * FROM t" },
	{ "Empty", "SELECT 1 AS one WHERE 0" },
	{ "Words", "SELECT 'Something is so.' AS note UNION ALL SELECT 'And so.'" },
	{ NULL, NULL },
};

static void check_sections(void)
{
	check("table", true, stacks,
	      "comm      n  m\n"
	      "demo      7  9\n"
	      "        g\n"
	      "        f\n"
	      "        main\n"
	      "x     1,000  1\n"
	      "        [no stack]\n"
	      "y         0  1\n"
	      "        z\n"
	      "\n"
	      "Words\n"
	      "Something is so.\n"
	      "And so.\n");
	check("csv", true, stacks,
	      "comm,n,stack,m\ndemo,7,main;f;g,9\nx,1000,,1\ny,0,z,1\n"
	      "\nnote\nSomething is so.\nAnd so.\n");
	check("json", true, stacks,
	      "[{\"title\":null,\"rows\":[\n"
	      "{\"comm\":\"demo\",\"n\":7,\"stack\":\"main;f;g\",\"m\":9},\n"
	      "{\"comm\":\"x\",\"n\":1000,\"stack\":null,\"m\":1},\n"
	      "{\"comm\":\"y\",\"n\":0,\"stack\":\"z\",\"m\":1}]},\n"
	      "{\"title\":\"Empty\",\"rows\":[]},\n"
	      "{\"title\":\"Words\",\"rows\":[\n"
	      "{\"note\":\"Something is so.\"},\n"
	      "{\"note\":\"And so.\"}]}]\n");
}

static void check_stacks(void)
{
	static const struct section no_stacks[] = { { NULL, "SELECT 1 AS n" }, { NULL, NULL } };
	static const struct section no_rows[] = { { NULL, "SELECT 1 AS n, 'a' AS stack WHERE 0" },
						  { NULL, NULL } };
	char *picture;

	check("folded", true, stacks, "main;f;g 7\n[no stack] 1000\n");
	check("folded", false, no_rows, "");
	check_error("folded", no_stacks, -ENODATA);
	check_error("svg", no_stacks, -ENODATA);
	CHECK_EQUAL(render("svg", true, stacks, &picture), 0);
	CHECK(strstr(picture, "Heading (1,007 n)"));
	free(picture);
}

/* Places stand behind their frames, also where a list is shorter or longer than it should be. */
static void check_places(void)
{
	static const struct section rows[] = {
		{ NULL,
		  "SELECT 1 AS n, 'main;f;g' AS stack, 'm.c:1;;g.c:3' AS places "
		  "UNION ALL SELECT 2, 'main;f', NULL UNION ALL SELECT 3, 'a;b', 'b.c:2' "
		  "UNION ALL SELECT 4, 'a', 'x.c:1;a.c:2' UNION ALL SELECT 5, NULL, 'a.c:1'" },
		{ NULL, NULL },
	};
	static const struct section alone[] = { { NULL, "SELECT 'x' AS places" }, { NULL, NULL } };

	check("table", false, rows,
	      "n\n1\n        g  g.c:3\n        f\n        main  m.c:1\n"
	      "2\n        f\n        main\n3\n        b  b.c:2\n        a\n"
	      "4\n        a  a.c:2\n5\n        [no stack]  a.c:1\n");
	check("folded", false, rows, "main;f;g 1\nmain;f 2\na;b 3\na 4\n[no stack] 5\n");
	check("table", false, alone, "places\nx\n");
}

/* More rows than a chunk holds: the first chunk decides on the widths, none is missing. */
static void check_many(void)
{
	static const struct section rows[] = {
		{ NULL,
		  "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000) "
		  "SELECT i, 'x' AS t FROM c" },
		{ NULL, NULL },
	};
	char *text;
	size_t lines = 0;

	CHECK_EQUAL(render("table", false, rows, &text), 0);
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	CHECK_EQUAL(lines, 5001);
	CHECK(!strncmp(text, "    i  t\n    1  x\n", 18));
	CHECK(strstr(text, "\n5,000  x\n"));
	free(text);
}

static void check_failures(void)
{
	static const struct section fails[] = { { NULL, "SELECT abs(-9223372036854775807 - 1)" },
						{ NULL, NULL } };
	static const struct section fails_later[] = {
		{ NULL, "SELECT abs(value) AS n FROM (SELECT 1 AS value UNION ALL "
			"SELECT -9223372036854775807 - 1)" },
		{ NULL, NULL },
	};
	static const char *const formats[] = { "table", "csv", "json" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		check_error(formats[i], fails, -EIO);
		check_error(formats[i], fails_later, -EIO);
	}
	check_error("xml", fails, -EINVAL);
	CHECK(render_knows("svg") && !render_knows("xml"));
	CHECK(render_sums("folded") && !render_sums("json"));
}

int main(void)
{
	check_values();
	check_hostile();
	check_sections();
	check_stacks();
	check_places();
	check_many();
	check_failures();
	return 0;
}
