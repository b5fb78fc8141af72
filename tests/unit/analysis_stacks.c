/*
 * Stacks that no program has: deeper than can be, a ring (from a database that somebody edited),
 * with nodes and frames missing; names that would break a folded line.
 */
#include "tests/unit/analysis_trace.h"

enum { DEPTH = 1100, SHOWN = 1024 };

static void trace_kernel(struct writer *writer)
{
	trace_row(writer, "image id=4 build_id=beef0123456 path=vmlinux kernel=1");
	trace_row(writer, "frame id=9 image_id=4 offset=16");
	trace_row(writer, "frame id=10 image_id=4 offset=32");
	trace_row(writer, "symbol image_id=4 offset=16 symbol=do_syscall_64");
	trace_row(writer, "stack id=5000 frame_id=9");
	trace_row(writer, "stack id=5001 parent_id=5000 frame_id=10");
}

static void trace_make(const char *path)
{
	struct writer *writer = trace_begin(path, 1, false);
	char line[200];

	trace_row(writer, "process id=1 pid=1 comm=x");
	trace_row(writer, "image id=1 build_id=ab path=/lib/x");
	trace_row(writer, "image id=2 build_id=abcd");
	trace_row(writer, "frame id=1 image_id=1 offset=16");
	trace_row(writer, "frame id=2 image_id=2 offset=32");
	trace_row(writer, "frame id=3 image_id=1 offset=48");
	trace_row(writer, "symbol image_id=1 offset=16 symbol=a;b|c");
	trace_row(writer, "symbol image_id=1 offset=48");
	for (int i = 1; i <= DEPTH; i++) {
		snprintf(line, sizeof(line), "stack id=%d parent_id=%d frame_id=1", i, i - 1);
		trace_row(writer, line);
	}
	trace_row(writer, "frame id=4 image_id=1 offset=64");
	trace_row(writer, "frame id=5 image_id=1 offset=80");
	trace_row(writer, "symbol image_id=1 offset=64 symbol=_Z4growIiEvRSt6vectorIT_SaIS1_EE");
	trace_row(writer, "symbol image_id=1 offset=80"
			  " symbol=_ZN4core3fmt9Formatter9write_str17h6a6ad2f9ba0e2ee8E");
	trace_row(writer, "stack id=3000 frame_id=4");
	trace_row(writer, "stack id=3001 parent_id=3000 frame_id=5");
	trace_row(writer, "heap ts_ns=900 process_id=1 op=1 addr=16 stack_id=3001");
	trace_row(writer, "image id=3 build_id=0123456789ab path=/opt/app address_offset=4096");
	for (int i = 0; i < 3; i++) {
		snprintf(line, sizeof(line), "frame id=%d image_id=3 offset=%d", 6 + i, 16 * i);
		trace_row(writer, line);
	}
	trace_row(writer, "symbol image_id=3 offset=0 symbol=_Z4loadv.cold");
	trace_row(writer,
		  "line image_id=3 offset=0 depth=0 source_path=/src/a;b.h line=7 symbol=_Znwm");
	trace_row(writer, "line image_id=3 offset=0 depth=1 source_path=/src/page.cc line=40");
	trace_row(writer,
		  "line image_id=3 offset=0 depth=2 source_path=main.cc line=9 symbol=_Z4loadv");
	trace_row(writer, "line image_id=3 offset=16 depth=0 source_path=/src/start.S");
	trace_row(writer, "stack id=4000 frame_id=8");
	trace_row(writer, "stack id=4001 parent_id=4000 frame_id=7");
	trace_row(writer, "stack id=4002 parent_id=4001 frame_id=6");
	trace_row(writer, "heap ts_ns=950 process_id=1 op=1 addr=32 stack_id=4002");
	trace_kernel(writer);
	trace_row(writer, "stack id=2000 parent_id=1 frame_id=2");
	trace_row(writer, "stack id=2001 parent_id=2000 frame_id=3");
	for (int i = 0; i < 10; i++) {
		snprintf(line, sizeof(line), "heap ts_ns=%d process_id=1 op=1 addr=16 stack_id=%d",
			 1000 + i, i % 2 ? 2001 : DEPTH);
		trace_row(writer, line);
	}
	CHECK_EQUAL(writer_close(writer), 0);
}

static void check_deep(struct analysis *a)
{
	check_answer(
		a,
		"SELECT depth, substr(folded, 1, 23), length(folded), leaf, caller, caller_path"
		" FROM stack_text ORDER BY depth DESC, length(folded) DESC LIMIT 1",
		"1024|[truncated];a:b c;a:b c|6155|a:b c|a:b c|/lib/x\n");
	CHECK_EQUAL(strlen("[truncated];") + SHOWN * strlen("a:b c;") - 1, 6155);
	check_answer(
		a,
		"SELECT t.folded, sum(s.allocs) FROM heap_site s JOIN stack_text t USING (stack_id)"
		" WHERE t.depth = 3 GROUP BY 1",
		"a:b c;[abcd+0x20];[x ab+0x30]|5\n");
	check_answer(a, "SELECT count(*) FROM stack_text WHERE folded LIKE '[truncated]%'", "76\n");
}

/* Inlined functions are frames of their own; the symbol table names the function around them. */
static void check_lines(struct analysis *a)
{
	check_answer(a,
		     "SELECT folded, places, depth, leaf, caller, caller_path FROM stack_text"
		     " WHERE places IS NOT NULL AND leaf LIKE 'operator%'",
		     "[app 01234567+0x1020];[app 01234567+0x1010];load() [clone .cold];[inlined];"
		     "operator new(unsigned long)|;start.S;main.cc:9;page.cc:40;a:b.h:7|5|"
		     "operator new(unsigned long)|[app 01234567+0x1010]|/opt/app\n");
	check_answer(a, "SELECT count(*) FROM stack_text WHERE places IS NULL AND depth < 1024",
		     "1030\n");
	check_answer(a, "SELECT path, frames, nameless FROM image_names ORDER BY path",
		     "|1|1\n/lib/x|4|1\n/opt/app|3|2\nvmlinux|2|1\n");
}

/* The kernel's frames are marked. */
static void check_kernel(struct analysis *a)
{
	check_answer(a, "SELECT folded, leaf FROM stack_text WHERE folded LIKE 'do_syscall_64%;%'",
		     "do_syscall_64_[k];[vmlinux beef0123+0x20]_[k]|[vmlinux beef0123+0x20]\n");
}

static void check_mangled(struct analysis *a)
{
	check_answer(a,
		     "SELECT DISTINCT leaf, caller FROM heap JOIN stack_text USING (stack_id)"
		     " WHERE depth = 2",
		     "core::fmt::Formatter::write_str|"
		     "void grow<int>(std::vector<int, std::allocator<int> >&)\n");
	check_answer(
		a,
		"SELECT count(*), max(demangle(symbol)) FROM symbol WHERE symbol LIKE '\\_Z%' ESCAPE '\\'",
		"3|void grow<int>(std::vector<int, std::allocator<int> >&)\n");
}

/* The database holds the text of stacks that something refers to. */
static void check_saved(struct analysis *trace, const char *path)
{
	struct analysis *a;

	CHECK_EQUAL(analysis_save(trace, path, false), 0);
	a = analysis_opened(path);
	check_answer(a, "SELECT depth FROM stack_text ORDER BY 1", "2\n3\n5\n1024\n");
	check_answer(a, "SELECT count(*) FROM stack", "1109\n");
	analysis_close(a);
}

static void edit(const char *path, const char *sql)
{
	sqlite3 *db;

	CHECK_EQUAL(sqlite3_open(path, &db), 0);
	CHECK_EQUAL(sqlite3_exec(db, sql, NULL, NULL, NULL), 0);
	CHECK_EQUAL(sqlite3_close(db), 0);
}

static void check_edited(const char *path)
{
	struct analysis *a;

	edit(path,
	     "CREATE TABLE leaf AS SELECT stack_id FROM stack_text WHERE depth = 3;"
	     "UPDATE stack SET parent_id = (SELECT stack_id FROM leaf) WHERE parent_id IS NULL");
	a = analysis_opened(path);
	check_answer(a,
		     "SELECT stack_depth(stack_id), substr(stack_folded(stack_id), 1, 12),"
		     " stack_leaf(stack_id), stack_caller(stack_id) FROM leaf",
		     "1024|[truncated];|[x ab+0x30]|[abcd+0x20]\n");
	analysis_close(a);
	edit(path, "UPDATE stack SET parent_id = 12345, frame_id = 5"
		   " WHERE id = (SELECT stack_id FROM leaf)");
	a = analysis_opened(path);
	check_answer(a, "SELECT stack_folded(stack_id) FROM leaf", "[missing];[missing]\n");
	check_answer(a, "SELECT stack_folded(NULL), stack_leaf(0), stack_depth(0)",
		     "NULL|NULL|0\n");
	analysis_close(a);
	edit(path, "DROP TABLE stack");
	a = analysis_opened(path);
	check_refused(a, "SELECT stack_folded(1)", "SQL logic error");
	check_answer(a, "SELECT count(*) FROM stack_text", "4\n");
	analysis_close(a);
}

int main(void)
{
	char *path = trace_path("stacks"), *database = trace_path("stacks-db");
	struct analysis *a;

	trace_make(path);
	a = analysis_opened(path);
	check_deep(a);
	check_mangled(a);
	check_lines(a);
	check_kernel(a);
	check_saved(a, database);
	analysis_close(a);
	check_edited(database);
	unlink(path);
	unlink(database);
	free(path);
	free(database);
	return 0;
}
