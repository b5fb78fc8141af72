/*
 * Heap tables in SQL: a history small enough to work out by hand, its windows, and what the three
 * tables say of each other.
 */
#include "tests/unit/analysis_trace.h"

static void definitions(struct writer *writer)
{
	static const char *const lines[] = {
		"host id=1 boot_id=b host=h",
		"process id=1 host_id=1 pid=100 start_ticks=1",
		"process id=2 host_id=1 pid=200 start_ticks=2",
		"process id=3 host_id=1 pid=200 start_ticks=2 exec_count=1",
		"image id=1 build_id=aa path=/bin/a",
		"frame id=1 image_id=1 offset=1",
		"frame id=2 image_id=1 offset=2",
		"stack id=1 parent_id=0 frame_id=1",
		"stack id=2 parent_id=0 frame_id=2",
		"symbol image_id=1 offset=1 symbol=one",
		"symbol image_id=1 offset=2 symbol=two",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		trace_row(writer, lines[i]);
}

static void history(struct writer *writer)
{
	static const char *const lines[] = {
		/* held; freed; moved by realloc and freed */
		"heap ts_ns=1000 process_id=1 tid=100 op=1 addr=16 size_bytes=10 stack_id=1",
		"heap ts_ns=1010 process_id=1 tid=100 op=1 addr=32 size_bytes=20 stack_id=1",
		"heap ts_ns=1020 process_id=1 tid=100 op=2 addr=48 size_bytes=30 stack_id=1",
		"heap ts_ns=1030 process_id=1 tid=101 op=4 addr=32 stack_id=2",
		"heap ts_ns=1040 process_id=1 tid=101 op=3 addr=64 size_bytes=40 old_addr=48 "
		"realloc_ns=5 stack_id=2",
		/* failures free nothing; realloc(p, 0) may free */
		"heap ts_ns=1050 process_id=1 tid=100 op=1 addr=0 size_bytes=999 stack_id=1",
		"heap ts_ns=1060 process_id=1 tid=100 op=3 addr=0 size_bytes=999 old_addr=16 stack_id=2",
		"heap ts_ns=1070 process_id=1 tid=100 op=4 addr=0 stack_id=2",
		"heap ts_ns=1080 process_id=1 tid=100 op=3 addr=0 size_bytes=0 old_addr=64 stack_id=2",
		/* not known */
		"heap ts_ns=1090 process_id=1 tid=100 op=4 addr=4096 stack_id=2",
		"heap ts_ns=1100 process_id=1 tid=100 op=3 addr=80 size_bytes=50 old_addr=8192 "
		"stack_id=1",
		/* 80 again: its free was not seen */
		"heap ts_ns=1110 process_id=1 tid=100 op=5 addr=80 size_bytes=60 stack_id=1",
		"fork ts_ns=1120 process_id=1 tid=100 child_process_id=2",
		/* the child frees its copy, makes its own there, leaves that behind at exec */
		"heap ts_ns=1130 process_id=2 tid=200 op=4 addr=16 stack_id=2",
		"heap ts_ns=1140 process_id=2 tid=200 op=1 addr=16 size_bytes=70 stack_id=1",
		"exec ts_ns=1150 process_id=2 tid=200 program_process_id=3",
		"heap ts_ns=1160 process_id=3 tid=200 op=1 addr=16 size_bytes=80 stack_id=1",
		"exit ts_ns=1170 process_id=3 tid=201 last=0",
		"exit ts_ns=1180 process_id=3 tid=200 last=1",
		"heap ts_ns=1190 process_id=1 tid=100 op=4 addr=80 stack_id=2",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (i == 12) {
			CHECK_EQUAL(writer_epoch(writer, 1115), 0);
			definitions(writer);
		}
		trace_row(writer, lines[i]);
	}
}

static void trace_make(const char *path)
{
	for (uint8_t session = 0; session < 2; session++) {
		struct writer *writer = trace_begin(path, session + 1, session);

		definitions(writer);
		history(writer);
		CHECK_EQUAL(writer_close(writer), 0);
	}
}

#define SITES                                                                                      \
	"SELECT p.pid, p.exec_count, t.folded, s.op, s.allocs, s.alloc_bytes, s.frees,"            \
	" s.freed_bytes, s.held, s.held_bytes, s.held_at_exit, s.failed FROM heap_site s"          \
	" JOIN process p ON p.id = s.process_id JOIN stack_text t USING (stack_id)"
#define ORDER " ORDER BY s.session, p.pid, p.exec_count, t.folded, s.op"

static void check_sites(struct analysis *a)
{
	check_answer(a, SITES " WHERE s.session = 1" ORDER,
		     "100|0|one|1|2|30|1|20|1|10|0|1\n"
		     "100|0|one|2|1|30|1|30|0|0|0|0\n"
		     "100|0|one|3|1|50|0|0|0|0|0|0\n"
		     "100|0|one|5|1|60|1|60|0|0|0|0\n"
		     "100|0|two|3|1|40|1|40|0|0|0|1\n"
		     "200|0|one|1|1|70|0|0|1|70|1|0\n"
		     "200|1|one|1|1|80|0|0|1|80|1|0\n");
	check_answer(
		a,
		"SELECT session, count(*), min(first_ns), max(last_ns) FROM heap_site GROUP BY 1",
		"0|7|1000|1160\n1|7|1000|1160\n");
}

static void check_windows(struct analysis *a)
{
	check_answer(a, SITES " WHERE s.session = 0 AND from_ns = 1000 AND to_ns = 1025" ORDER,
		     "100|0|one|1|2|30|0|0|2|30|0|0\n"
		     "100|0|one|2|1|30|0|0|1|30|0|0\n");
	/* What was allocated before the window is no allocation of it, nor held in it. */
	check_answer(a, SITES " WHERE s.session = 0 AND to_ns = 1150 AND from_ns = 1020" ORDER,
		     "100|0|one|1|0|0|0|0|0|0|0|1\n"
		     "100|0|one|2|1|30|1|30|0|0|0|0\n"
		     "100|0|one|3|1|50|0|0|0|0|0|0\n"
		     "100|0|one|5|1|60|0|0|1|60|0|0\n"
		     "100|0|two|3|1|40|1|40|0|0|0|1\n"
		     "200|0|one|1|1|70|0|0|1|70|1|0\n");
	check_answer(a, "SELECT held_at_exit FROM heap_site(1130, 1149)", "0\n0\n");
	check_answer(a, "SELECT sum(allocs), sum(held) FROM heap_site WHERE from_ns = 1111",
		     "4|4\n");
	check_answer(a, "SELECT sum(allocs), sum(held) FROM heap_site(NULL, NULL)", "16|6\n");
	check_answer(a, "SELECT count(*) FROM heap_site(5000, 6000)", "0\n");
	check_answer(a,
		     "WITH w(b, e) AS (VALUES (1000, 1025), (1130, 1149))"
		     " SELECT w.b, sum(s.held_bytes) FROM w JOIN heap_site s"
		     " ON s.from_ns = w.b AND s.to_ns = w.e GROUP BY 1 ORDER BY 1",
		     "1000|120\n1130|140\n");
}

static void check_lives(struct analysis *a)
{
	check_answer(a,
		     "SELECT tid, addr, size_bytes, alloc_ns, free_ns, free_tid FROM heap_life"
		     " WHERE session = 0 ORDER BY alloc_ns",
		     "100|16|10|1000|NULL|NULL\n"
		     "100|32|20|1010|1030|101\n"
		     "100|48|30|1020|1040|101\n"
		     "101|64|40|1040|1080|100\n"
		     "100|80|50|1100|1110|NULL\n"
		     "100|80|60|1110|1190|100\n"
		     "200|16|70|1140|NULL|NULL\n"
		     "200|16|80|1160|NULL|NULL\n");
	check_answer(
		a,
		"SELECT session, process_id, stack_id, op, allocs, alloc_bytes, frees, freed_bytes,"
		" held, held_bytes FROM heap_site WHERE allocs EXCEPT"
		" SELECT session, process_id, stack_id, op, count(*), sum(size_bytes),"
		" count(free_tid), sum(iif(free_tid, size_bytes, 0)), sum(free_ns IS NULL),"
		" sum(iif(free_ns IS NULL, size_bytes, 0)) FROM heap_life GROUP BY 1, 2, 3, 4",
		"");
}

static void check_notes(struct analysis *a)
{
	check_answer(
		a,
		"SELECT p.pid, t.leaf, note, n FROM heap_note h JOIN process p ON p.id = process_id"
		" JOIN stack_text t USING (stack_id) WHERE session = 1 ORDER BY 1, 2, 3",
		"100|one|displaced|1\n"
		"100|one|failed|1\n"
		"100|one|realloc of unknown|1\n"
		"100|two|failed|1\n"
		"100|two|unmatched free|1\n"
		"200|two|inherited free|1\n");
}

int main(void)
{
	char *path = trace_path("heap");
	struct analysis *a;

	trace_make(path);
	a = analysis_opened(path);
	check_sites(a);
	check_windows(a);
	check_lives(a);
	check_notes(a);
	analysis_close(a);
	unlink(path);
	free(path);
	return 0;
}
