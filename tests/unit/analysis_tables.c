/*
 * A small trace of two epochs and two sessions: definitions are merged, events come in place,
 * constraints are pushed down and change no answer.
 */
#include "tests/unit/analysis_trace.h"

static void definitions(struct writer *writer, const char *comm, bool late)
{
	char line[200];

	trace_row(writer, "session boot_id=b host=h kernel_text=k page_size_bytes=4096 "
			  "ticks_per_s=100 cpus=2 utc_offset_s=7200 start_ns=1000000000");
	trace_row(writer, "host id=1 boot_id=b host=h");
	trace_row(writer, "source source=faults way=software state=used");
	snprintf(line, sizeof(line),
		 "process id=%d host_id=1 pid=10 start_ticks=5 %s uid=%d target=%d", late ? 4 : 1,
		 comm, late ? 3 : 0, late);
	trace_row(writer, line);
	snprintf(line, sizeof(line),
		 "process id=2 host_id=1 pid=11 start_ticks=6 parent_id=%d comm=child",
		 late ? 4 : 1);
	trace_row(writer, line);
	trace_row(writer, "image id=1 build_id=aabb path=/usr/lib/libx.so");
	trace_row(writer, "image id=2 unidentified_path=/opt/a;b path=/opt/a;b");
	trace_row(writer, "frame id=1 image_id=1 offset=4096");
	trace_row(writer, "frame id=2 image_id=2 offset=8192");
	trace_row(writer, "frame id=3 image_id=0 offset=48879");
	trace_row(writer, "frame id=4 image_id=1 offset=4100");
	trace_row(writer, "stack id=1 parent_id=0 frame_id=3");
	trace_row(writer, "stack id=2 parent_id=1 frame_id=2");
	trace_row(writer, "stack id=3 parent_id=2 frame_id=1");
	trace_row(writer, "stack id=4 parent_id=3 frame_id=4");
	if (late)
		trace_row(writer, "symbol image_id=1 offset=4096 symbol=work function_offset=6");
	else
		trace_row(writer, "symbol image_id=1 offset=4096");
}

static void fault(struct writer *writer, int64_t ts_ns, int process, int stack)
{
	char line[200];

	snprintf(line, sizeof(line),
		 "fault ts_ns=%" PRId64 " process_id=%d tid=7 kind=1 user=1 addr=-4096 stack_id=%d",
		 ts_ns, process, stack);
	trace_row(writer, line);
}

static void session(const char *path, uint8_t id, bool append)
{
	struct writer *writer = trace_begin(path, id, append);

	definitions(writer, "", false);
	trace_row(writer, "clock ts_ns=1000000000 realtime_ns=1000000000000000000");
	trace_row(writer, "snapshot_system ts_ns=1000000000 path=/proc/meminfo "
			  "content_text=MemTotal:+10+kB|MemFree:+-3+kB|");
	for (int i = 0; i < 1000; i++)
		fault(writer, 1000000000 + i * 10000000LL, 1 + i % 2, i % 5);
	CHECK_EQUAL(writer_epoch(writer, 11000000000), 0);
	definitions(writer, "comm=app", true);
	trace_row(writer, "clock ts_ns=11000000000 realtime_ns=1000000010000000000");
	trace_row(writer, "snapshot_system ts_ns=1000000000 path=/proc/meminfo "
			  "content_text=MemTotal:+10+kB|MemFree:+-3+kB|");
	for (int i = 0; i < 1000; i++)
		fault(writer, 11000000000 + i * 10000000LL, i % 2 ? 2 : 4, i % 5);
	trace_row(writer, "fork ts_ns=12000000000 process_id=4 tid=10 child_process_id=2");
	trace_row(writer, "loss ts_ns=13000000000 begin_ns=12000000000 table_name=fault cause=ring "
			  "lost_rows=5");
	trace_row(writer, "end ts_ns=21000000000 reason=duration");
	CHECK_EQUAL(writer_close(writer), 0);
}

static void check_definitions(struct analysis *a)
{
	check_answer(a, "SELECT count(*), count(DISTINCT id) FROM process", "2|2\n");
	check_answer(a, "SELECT pid, comm, uid, target, incomplete FROM process ORDER BY pid",
		     "10|app|0|1|0\n11|child|NULL|0|0\n");
	check_answer(a, "SELECT c.comm, p.comm FROM process c JOIN process p ON p.id = c.parent_id",
		     "child|app\n");
	check_answer(a, "SELECT count(*) FROM image", "2\n");
	check_answer(a, "SELECT build_id, unidentified_path FROM image ORDER BY 1",
		     "NULL|/opt/a;b\naabb|NULL\n");
	check_answer(a, "SELECT count(*) FROM stack UNION ALL SELECT count(*) FROM frame",
		     "4\n4\n");
	check_answer(a, "SELECT count(*) FROM frame WHERE image_id IS NULL", "1\n");
	check_answer(a, "SELECT offset, symbol, function_offset FROM symbol", "4096|work|6\n");
	check_answer(a, "SELECT session, substr(session_hex, 1, 4), utc_offset_s FROM session",
		     "0|0100|7200\n1|0200|7200\n");
	check_answer(a, "SELECT session, source, state FROM source ORDER BY 1",
		     "0|faults|used\n1|faults|used\n");
}

static void check_stacks(struct analysis *a)
{
	check_answer(
		a, "SELECT folded, leaf, caller, caller_path, depth FROM stack_text ORDER BY depth",
		"[unknown 0xbeef]|[unknown 0xbeef]|NULL|NULL|1\n"
		"[unknown 0xbeef];[a:b+0x2000]|[a:b+0x2000]|[unknown 0xbeef]|NULL|2\n"
		"[unknown 0xbeef];[a:b+0x2000];work|work|[a:b+0x2000]|/opt/a;b|3\n"
		"[unknown 0xbeef];[a:b+0x2000];work;[libx.so aabb+0x1004]|[libx.so aabb+0x1004]|work|"
		"/usr/lib/libx.so|4\n");
	check_answer(
		a,
		"SELECT t.leaf, count(*) FROM fault f JOIN stack_text t USING (stack_id)"
		" WHERE session = 0 GROUP BY stack_id ORDER BY depth",
		"[unknown 0xbeef]|400\n[a:b+0x2000]|400\nwork|400\n[libx.so aabb+0x1004]|400\n");
	check_answer(a, "SELECT stack_folded(12345), stack_depth(NULL)", "[missing]|NULL\n");
}

static void check_events(struct analysis *a)
{
	check_answer(a,
		     "SELECT session, count(*), min(ts_ns), max(ts_ns) FROM fault GROUP BY session",
		     "0|2000|1000000000|20990000000\n1|2000|1000000000|20990000000\n");
	check_answer(a, "SELECT kind, access, user, addr, ip_addr, tid FROM fault LIMIT 1",
		     "1|NULL|1|-4096|0|7\n");
	check_answer(a, "SELECT count(*) FROM fault WHERE stack_id IS NULL", "800\n");
	check_answer(a, "SELECT session, count(*) FROM snapshot_system GROUP BY 1", "0|1\n1|1\n");
	check_answer(a, "SELECT session, cause, cpu, lost_rows FROM loss",
		     "0|ring|NULL|5\n1|ring|NULL|5\n");
	check_answer(a, "SELECT count(*) FROM clock", "4\n");
	check_answer(a, "SELECT reason FROM end", "duration\nduration\n");
	check_answer(a,
		     "SELECT p.comm, c.comm FROM fork f JOIN process p ON p.id = f.process_id"
		     " JOIN process c ON c.id = f.child_process_id",
		     "app|child\napp|child\n");
}

static void check_functions(struct analysis *a)
{
	check_answer(
		a,
		"SELECT snapshot_value(content_text, 'MemTotal'),"
		" snapshot_value(content_text, 'MemFree'), snapshot_value(content_text, 'Mem'),"
		" snapshot_value(NULL, 'x'), snapshot_value('a 99999999999999999999', 'a'),"
		" snapshot_value('x' || char(10) || 'a b' || char(10) || '7', 'a')"
		" FROM snapshot_system WHERE session = 0",
		"10|-3|NULL|NULL|NULL|NULL\n");
	check_answer(a, "SELECT wall_time(1000000000, 0), wall_date(1000000000, 0)",
		     "03:46:40|2001-09-09\n");
	check_answer(a, "SELECT wall_time(20000000000, 1), wall_date(20000000000, 1)",
		     "03:46:59|2001-09-09\n");
	check_answer(a, "SELECT wall_time(999999999, 0), wall_time(1, 7), wall_time(NULL, 0)",
		     "03:46:39|NULL|NULL\n");
}

/* The same condition pushed down, and hidden from the table. */
static void check_pushed(struct analysis *a)
{
	static const char *const conditions[][2] = {
		{ "ts_ns >= 5000000000", "+ts_ns >= 5000000000" },
		{ "ts_ns > 5000000000", "+ts_ns > 5000000000" },
		{ "ts_ns < 5000000000", "+ts_ns < 5000000000" },
		{ "ts_ns <= 5000000000", "+ts_ns <= 5000000000" },
		{ "ts_ns = 5000000000", "+ts_ns = 5000000000" },
		{ "ts_ns BETWEEN 4e9 AND 12000000000.5", "+ts_ns BETWEEN 4e9 AND 12000000000.5" },
		{ "ts_ns > 1.1e10 AND ts_ns < 1e300", "+ts_ns > 1.1e10 AND +ts_ns < 1e300" },
		{ "ts_ns >= '5000000000'", "+ts_ns >= CAST('5000000000' AS INTEGER)" },
		{ "ts_ns IN (5000000000, 6000000000)", "+ts_ns IN (5000000000, 6000000000)" },
		{ "ts_ns >= NULL", "+ts_ns >= NULL" },
		{ "session = 1 AND ts_ns > 3", "+session = 1 AND +ts_ns > 3" },
		{ "session = 1.0", "+session = 1.0" },
		{ "session IN (0, 5)", "+session IN (0, 5)" },
		{ "process_id = (SELECT id FROM process WHERE pid = 11)",
		  "+process_id = (SELECT id FROM process WHERE pid = 11)" },
		{ "process_id IN (SELECT id FROM process WHERE pid = 11)",
		  "+process_id IN (SELECT id FROM process WHERE pid = 11)" },
		{ "process_id IN (SELECT id FROM process) AND ts_ns < 9e9",
		  "+process_id IN (SELECT id FROM process) AND +ts_ns < 9e9" },
		{ "process_id IN picked", "+process_id IN picked" },
		{ "process_id IN (1, 2)", "+process_id IN (1, 2)" },
	};

	sqlite3_exec(analysis_db(a),
		     "CREATE TEMP TABLE picked (id INTEGER PRIMARY KEY);"
		     "INSERT INTO picked SELECT id FROM process WHERE pid = 10",
		     NULL, NULL, NULL);
	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
		char *queries[2], *answers[2];

		for (int j = 0; j < 2; j++) {
			queries[j] = sqlite3_mprintf(
				"SELECT count(*), sum(ts_ns), sum(stack_id %% 1000),"
				" sum(session) FROM fault WHERE %s",
				conditions[i][j]);
			answers[j] = answer(a, queries[j]);
		}
		if (strcmp(answers[0], answers[1]))
			FAIL("%s gives %s, not %s", queries[0], answers[0], answers[1]);
		for (int j = 0; j < 2; j++) {
			sqlite3_free(queries[j]);
			sqlite3_free(answers[j]);
		}
	}
}

static void check_plan(struct analysis *a, const char *query, const char *wanted)
{
	char *plan = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", query), *got = answer(a, plan);

	if (!strstr(got, wanted))
		FAIL("%s: %s, not \"%s\"", plan, got, wanted);
	sqlite3_free(plan);
	sqlite3_free(got);
}

static void check_plans(struct analysis *a)
{
	check_plan(a, "SELECT * FROM fault WHERE ts_ns BETWEEN ?1 AND ?2",
		   "SCAN fault VIRTUAL TABLE INDEX 0:ts_ns>= ts_ns<=");
	check_plan(a, "SELECT * FROM fault WHERE ts_ns > ?1 AND process_id IN picked",
		   "SCAN fault VIRTUAL TABLE INDEX 0:ts_ns> process_id:in");
	check_plan(a,
		   "SELECT * FROM fault f JOIN process p ON p.id = f.process_id WHERE p.pid = 10",
		   "SCAN f VIRTUAL TABLE INDEX 0:\n");
	check_plan(
		a,
		"SELECT sum(n) FROM fault_sum WHERE bucket_ns BETWEEN ?1 AND ?2 AND process_id IN picked",
		":process_id:in bucket_ns>= bucket_ns<=");
	check_plan(a, "SELECT t.folded FROM fault_sum f JOIN stack_text t USING (stack_id)",
		   "SEARCH stack USING INTEGER PRIMARY KEY");
}

static void check_locked(struct analysis *a)
{
	check_refused(a, "DELETE FROM process", "not authorized");
	check_refused(a, "CREATE TABLE main.x (y)", "not authorized");
	check_refused(a, "ATTACH '/tmp/memtape-test-x' AS x", "not authorized");
	check_refused(a, "VACUUM INTO '/tmp/memtape-test-x'", "authorization denied");
	check_refused(a, "DELETE FROM fault", "may not be modified");
	check_refused(a, "UPDATE sqlite_master SET sql = 1", "may not be modified");
	check_refused(a, "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = 1",
		      "may not be");
	check_answer(a, "SELECT count(*) FROM process", "2\n");
}

int main(void)
{
	char *path = trace_path("tables");
	struct analysis *a;

	session(path, 1, false);
	session(path, 2, true);
	a = analysis_opened(path);
	CHECK_EQUAL(analysis_report(a)->sessions, 2);
	CHECK_EQUAL(analysis_report(a)->ended_sessions, 2);
	CHECK_EQUAL(analysis_report(a)->damaged_blocks, 0);
	CHECK(!analysis_summed(a));
	check_definitions(a);
	check_stacks(a);
	check_events(a);
	check_functions(a);
	check_pushed(a);
	check_plans(a);
	check_locked(a);
	analysis_close(a);
	unlink(path);
	free(path);
	return 0;
}
