/*
 * Databases: the same names and answers as the trace, bulk rows only on request, nothing foreign is
 * overwritten, two copies are equal byte for byte.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "analyzer/internal.h"
#include "tests/unit/analysis_trace.h"

static uint64_t below(uint64_t n)
{
	return (uint64_t)random() % n;
}

static void definitions(struct writer *writer)
{
	static const char *const lines[] = {
		"session boot_id=b host=h kernel_text=k page_size_bytes=4096 utc_offset_s=-3600",
		"host id=1 boot_id=b host=h",
		"source source=faults way=software state=used",
		"process id=1 host_id=1 pid=100 start_ticks=1 comm=one uid=7",
		"process id=2 host_id=1 pid=200 start_ticks=2 parent_id=1 comm=two",
		"image id=1 build_id=aa path=/bin/a",
		"symbol image_id=1 offset=1 symbol=one",
		"symbol image_id=1 offset=2",
		"frame id=1 image_id=1 offset=1",
		"frame id=2 image_id=1 offset=2",
		"frame id=3 offset=3",
		"stack id=1 parent_id=0 frame_id=1",
		"stack id=2 parent_id=1 frame_id=2",
		"stack id=3 parent_id=2 frame_id=3",
		"stack id=4 parent_id=1 frame_id=3",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		trace_row(writer, lines[i]);
}

static void row(struct writer *writer, int64_t now)
{
	uint64_t ts_ns = (uint64_t)now, process = 1 + below(2), stack = below(4), op = 1 + below(5);
	uint64_t addr = 16 * below(100), old = op == 3 ? 16 * below(100) : 0;

	if (below(2))
		CHECK_EQUAL(writer_add(writer, table_named("heap"),
				       (uint64_t[]){ ts_ns, process, process, op, addr, below(100),
						     old, below(50), stack },
				       0),
			    0);
	else
		CHECK_EQUAL(writer_add(writer, table_named("fault"),
				       (uint64_t[COLUMNS_MAX]){
					       ts_ns, process, process, 1 + below(2), 1, 1, addr, 0,
					       stack, below(8), 0, 0, below(2), below(10000) },
				       0),
			    0);
}

static void session(const char *path, uint8_t number)
{
	struct writer *writer = trace_begin(path, number, number);
	int64_t now = 1000000000 + number * 1000000;

	for (int i = 0; i < 5000; i++) {
		char line[200];

		now += (int64_t)below(5000000);
		if (i % 1000 == 0) {
			CHECK_EQUAL(writer_epoch(writer, now), 0);
			definitions(writer);
			snprintf(line, sizeof(line), "clock ts_ns=%" PRId64 " realtime_ns=%" PRId64,
				 now, now + 1700000000000000000);
			trace_row(writer, line);
			trace_row(writer, "snapshot_system ts_ns=1000000000 path=/proc/vmstat "
					  "content_text=pgfault+5|pgmajfault+6|");
		}
		row(writer, now);
	}
	trace_row(writer, "fork ts_ns=1500000000 process_id=1 tid=1 child_process_id=2");
	trace_row(writer, "counter ts_ns=1600000000 name=rows value=5000");
	trace_row(writer,
		  "loss ts_ns=1700000000 begin_ns=1 table_name=heap cause=ring lost_rows=3");
	trace_row(writer, "end ts_ns=99000000000 reason=signal");
	CHECK_EQUAL(writer_close(writer), 0);
}

static const char *const queries[] = {
	"SELECT * FROM session ORDER BY 1",
	"SELECT * FROM host ORDER BY id",
	"SELECT * FROM process ORDER BY id",
	"SELECT * FROM image ORDER BY id",
	"SELECT * FROM frame ORDER BY id",
	"SELECT * FROM stack ORDER BY id",
	"SELECT * FROM symbol ORDER BY 1, 2",
	"SELECT * FROM source ORDER BY 1, 2, 3",
	"SELECT * FROM fork ORDER BY session, ts_ns",
	"SELECT * FROM exec",
	"SELECT * FROM clock ORDER BY session, ts_ns",
	"SELECT * FROM snapshot_system ORDER BY session, ts_ns",
	"SELECT * FROM loss ORDER BY session",
	"SELECT * FROM counter ORDER BY session",
	"SELECT * FROM end ORDER BY session",
	"SELECT *, sum(n) FROM fault_sum GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"
	" ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
	"SELECT *, sum(n) FROM fault_latency GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6",
	"SELECT stack_id, sum(n) FROM fault_sum WHERE bucket_ns BETWEEN 2000000000 AND 5000000000"
	" GROUP BY 1 ORDER BY 1",
	"SELECT * FROM heap_site ORDER BY session, process_id, stack_id, op",
	"SELECT * FROM heap_note ORDER BY session, process_id, stack_id, note",
	"SELECT t.folded, t.leaf, t.leaf_path, t.caller, t.caller_path, t.depth, sum(s.held_bytes) FROM heap_site s"
	" JOIN stack_text t USING (stack_id) GROUP BY s.stack_id ORDER BY t.folded",
	"SELECT wall_time(ts_ns, session), wall_date(ts_ns, session) FROM fork ORDER BY 1",
	"SELECT snapshot_value(content_text, 'pgmajfault') FROM snapshot_system ORDER BY session",
	"SELECT key, value FROM info WHERE key <> 'events' ORDER BY 1",
	"SELECT stack_folded(id) FROM stack ORDER BY id",
};

static const char *const bulk_queries[] = {
	"SELECT * FROM heap ORDER BY session, ts_ns, addr",
	"SELECT * FROM fault ORDER BY session, ts_ns, addr",
	"SELECT * FROM heap_life ORDER BY session, alloc_ns, addr, process_id",
};

static void check_same(struct analysis *trace, struct analysis *database, const char *query)
{
	char *wanted = answer(trace, query), *got = answer(database, query);

	if (strcmp(got, wanted))
		FAIL("%s\ngives\n%.500s\nnot\n%.500s", query, got, wanted);
	if (!*wanted && strcmp(query, "SELECT * FROM exec"))
		FAIL("%s gives nothing", query);
	sqlite3_free(wanted);
	sqlite3_free(got);
}

static void check_summed(struct analysis *trace, const char *path)
{
	struct analysis *database;

	CHECK_EQUAL(analysis_save(trace, path, false), 0);
	database = analysis_opened(path);
	CHECK(analysis_summed(database) && !analysis_summed(trace));
	CHECK_EQUAL(analysis_report(database)->blocks, analysis_report(trace)->blocks);
	CHECK_EQUAL(analysis_report(database)->sessions, 2);
	CHECK_TEXT(analysis_report(database)->first_damage, "");
	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++)
		check_same(trace, database, queries[i]);
	check_refused(database, "SELECT * FROM heap", "holds no rows of heap");
	check_refused(database, "SELECT count(*) FROM fault WHERE ts_ns > 5",
		      "holds no rows of fault");
	check_refused(database, "SELECT * FROM heap_life", "holds no rows of heap_life");
	check_refused(database, "DELETE FROM main.process", "not authorized");
	check_answer(database, "CREATE TEMP TABLE picked AS SELECT id FROM process", "");
	check_answer(database, "SELECT count(*) FROM picked", "2\n");
	CHECK_EQUAL(analysis_save(database, path, false), -EINVAL);
	analysis_close(database);
}

static void check_events(struct analysis *trace, const char *path)
{
	struct analysis *database;

	CHECK_EQUAL(analysis_save(trace, path, true), 0);
	database = analysis_opened(path);
	CHECK(!analysis_summed(database));
	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++)
		check_same(trace, database, queries[i]);
	for (size_t i = 0; i < sizeof(bulk_queries) / sizeof(*bulk_queries); i++)
		check_same(trace, database, bulk_queries[i]);
	analysis_close(database);
}

static char *contents(const char *path, size_t *n)
{
	FILE *file = fopen(path, "r");
	struct stat status;
	char *bytes;

	CHECK(file && !fstat(fileno(file), &status));
	*n = (size_t)status.st_size;
	bytes = malloc(*n + 1);
	CHECK(bytes && fread(bytes, 1, *n, file) == *n);
	fclose(file);
	return bytes;
}

static void check_equal_files(const char *trace_file, const char *path)
{
	struct analysis *trace = analysis_opened(trace_file);
	size_t n[2];
	char *bytes[2];

	bytes[0] = contents(path, &n[0]);
	CHECK_EQUAL(analysis_save(trace, path, true), 0);
	bytes[1] = contents(path, &n[1]);
	CHECK_EQUAL(n[0], n[1]);
	CHECK(!memcmp(bytes[0], bytes[1], n[0]));
	free(bytes[0]);
	free(bytes[1]);
	analysis_close(trace);
}

/* No room: the error is told, the old database stays, nothing else does. */
static void check_full(struct analysis *trace, const char *path)
{
	struct rlimit limit, small;
	struct stat before, after;
	char *temporary;

	CHECK(asprintf(&temporary, "%s.tmp", path) > 0);
	CHECK(!stat(path, &before) && !getrlimit(RLIMIT_FSIZE, &limit));
	small = (struct rlimit){ 50000, limit.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	CHECK(!setrlimit(RLIMIT_FSIZE, &small));
	CHECK_EQUAL(analysis_save(trace, path, true), -EIO);
	CHECK(!setrlimit(RLIMIT_FSIZE, &limit));
	CHECK(!stat(path, &after) && before.st_ino == after.st_ino);
	CHECK(stat(temporary, &after));
	CHECK_EQUAL(analysis_save(trace, path, true), 0);
	free(temporary);
}

static void check_refusals(struct analysis *trace, const char *path)
{
	char *temporary;
	struct stat status;
	FILE *file;

	CHECK(asprintf(&temporary, "%s.tmp", path) > 0);
	CHECK(!stat(path, &status));
	CHECK_EQUAL(status.st_mode & 0777, 0600);
	CHECK(stat(temporary, &status));
	file = fopen(path, "w");
	CHECK(file && fputs("notes", file) >= 0 && !fclose(file));
	CHECK_EQUAL(analysis_save(trace, path, false), -EEXIST);
	CHECK(strstr(analysis_why(trace), "exists"));
	CHECK_EQUAL(analysis_save(trace, "/nowhere/at/all", false), -ENOENT);
	CHECK_EQUAL(analysis_save(trace, "/", false), -EEXIST);
	check_refused(trace, "ATTACH 'x' AS x", "not authorized");
	CHECK(stat(temporary, &status));
	free(temporary);
}

static void open_fails(const char *path, const char *text, size_t n, int wanted, const char *why)
{
	FILE *file = fopen(path, "w");
	struct analysis *analysis;

	CHECK(file && fwrite(text, 1, n, file) == n && !fclose(file));
	CHECK_EQUAL(analysis_open(path, &analysis), wanted);
	if (!strstr(analysis_why(analysis), why))
		FAIL("%s, not \"%s\"", analysis_why(analysis), why);
	analysis_close(analysis);
}

static void check_bad_files(const char *path)
{
	struct analysis *analysis;
	char header[100] = "SQLite format 3";

	open_fails(path, "", 0, -ENODATA, "");
	open_fails(path, "hello", 5, -EBADMSG, "");
	open_fails(path, header, 100, -EBADMSG, "not one of memtape's");
	open_fails(path, header, 20, -EBADMSG, "not one of memtape's");
	memcpy(header + 68, "mtap", 4);
	open_fails(path, header, 100, -EBADMSG, "an older version (0)");
	header[63] = DATABASE_VERSION;
	open_fails(path, header, 100, -EBADMSG, "damaged");
	header[60] = 1;
	open_fails(path, header, 100, -ENOMSG, "newer");
	CHECK_EQUAL(analysis_open("/nowhere/at/all", &analysis), -ENOENT);
	CHECK(strstr(analysis_why(analysis), "No such file"));
	analysis_close(analysis);
	analysis_close(NULL);
}

int main(void)
{
	char *path = trace_path("save"), *database = trace_path("db");
	struct analysis *trace;

	session(path, 0);
	session(path, 1);
	trace = analysis_opened(path);
	check_summed(trace, database);
	check_events(trace, database);
	check_equal_files(path, database);
	check_full(trace, database);
	check_refusals(trace, database);
	analysis_close(trace);
	check_bad_files(database);
	unlink(path);
	unlink(database);
	free(path);
	free(database);
	return 0;
}
