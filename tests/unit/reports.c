/*
 * Every report of a small trace: each statement fits the schema and scans no virtual table as an
 * inner loop; a database made of the trace answers the same, byte for byte, with and without single
 * events.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>
#include "format/writer.h"
#include "report/digest.h"
#include "report/question.h"
#include "report/selection.h"
#include "report/window.h"
#include "tests/check.h"
#include "tests/unit/reports_rows.h"

/* BPF objects that count, and a report that their losses stand in. */
static const struct {
	const char *object, *report;
} counting[] = { { "swap", "swapin" }, { "huge", "hfaults" }, { "reclaim", "vmscan" } };

static void add_definitions(struct writer *writer)
{
	static const char *const symbols[] = { "_start", "main",  "leak_small",
					       "malloc", "touch", "-" };

	add(writer, "session",
	    "boot_id=b-1 host=alpha kernel_text=6.1.0 cpus=4 ticks_per_s=100 page_size_bytes=4096 "
	    "utc_offset_s=7200 version_text=0.1 start_ns=1000000000000 target_text=./demo");
	add(writer, "clock", "ts_ns=1000000000000 realtime_ns=1777636985000000000");
	add(writer, "source", "source=heap way=uprobe state=used why_text=");
	add(writer, "source", "source=fault way=tp_btf state=refused why_text=EPERM");
	add(writer, "host", "id=1 boot_id=b-1 host=alpha");
	add(writer, "cgroup", "id=1 host_id=1 path=/a/b");
	add(writer, "process", "id=1 host_id=1 pid=42 start_ticks=99999 comm=sh target=1");
	add(writer, "process",
	    "id=2 host_id=1 pid=42 start_ticks=99999 exec_count=1 comm=demo target=1 cgroup_id=1");
	add(writer, "process",
	    "id=3 host_id=1 pid=43 start_ticks=100100 comm=child parent_id=2 target=1 "
	    "incomplete=1");
	add(writer, "image", "id=1 build_id=00aa unidentified_path=- path=/home/u/demo");
	add(writer, "image", "id=2 build_id=00bb unidentified_path=- path=/usr/lib/libc.so.6");
	add(writer, "image", "id=3 build_id=00cc unidentified_path=- path=vmlinux kernel=1");
	add(writer, "cache", "id=1 name=filp slot_bytes=192 object_bytes=184");
	add(writer, "cache", "id=2 name=- slot_bytes=64 object_bytes=64");
	for (int i = 0; i < 6; i++) {
		int image = i == 3 || i == 5 ? 2 : 1;

		addf(writer, "frame", "id=%d image_id=%d offset=%d", i + 1, image, 4096 * (i + 1));
		addf(writer, "symbol", "image_id=%d offset=%d symbol=%s", image, 4096 * (i + 1),
		     symbols[i]);
	}
	add(writer, "stack", "id=1 parent_id=0 frame_id=1");
	add(writer, "stack", "id=2 parent_id=1 frame_id=2");
	add(writer, "stack", "id=3 parent_id=2 frame_id=3");
	add(writer, "stack", "id=4 parent_id=3 frame_id=4");
	add(writer, "stack", "id=5 parent_id=2 frame_id=5");
	add(writer, "stack", "id=6 parent_id=2 frame_id=6");
	add(writer, "stack", "id=7 parent_id=6 frame_id=4");
	add(writer, "frame", "id=7 image_id=3 offset=32");
	add(writer, "frame", "id=8 image_id=3 offset=64");
	add(writer, "symbol", "image_id=3 offset=32 symbol=alloc_empty_file");
	add(writer, "symbol", "image_id=3 offset=64 symbol=do_eventfd");
	add(writer, "stack", "id=8 parent_id=0 frame_id=7");
	add(writer, "stack", "id=9 parent_id=0 frame_id=8");
}

/* In each second ten blocks are allocated in leak_small and four freed, and one inside of the C
 * library. */
static void add_heap(struct writer *writer, int i)
{
	int64_t ts_ns = 1001 * second + i * second / 10;

	addf(writer, "heap",
	     "ts_ns=%lld process_id=2 tid=42 op=1 addr=%d size_bytes=1000 stack_id=4",
	     (long long)ts_ns, 0x10000 + i * 0x1000);
	if (i % 10 >= 6)
		addf(writer, "heap", "ts_ns=%lld process_id=2 tid=42 op=4 addr=%d stack_id=3",
		     (long long)ts_ns + 1, 0x10000 + i * 0x1000);
	if (i % 10 == 0)
		addf(writer, "heap",
		     "ts_ns=%lld process_id=3 tid=43 op=2 addr=%d size_bytes=16 stack_id=7",
		     (long long)ts_ns + 2, 0x90000 + i * 0x1000);
	addf(writer, "fault",
	     "ts_ns=%lld process_id=%d tid=42 kind=%s access=%d user=1 addr=%d stack_id=5",
	     (long long)ts_ns + 3, i % 7 ? 2 : 3,
	     i % 5   ? "1"
	     : i % 2 ? "2"
		     : "-",
	     1 + i % 3, i * 4096);
}

static void add_rest(struct writer *writer)
{
	add(writer, "fork", "ts_ns=1001000000000 process_id=2 tid=42 child_process_id=3");
	add(writer, "exec", "ts_ns=1000100000000 process_id=1 tid=42 program_process_id=2");
	add(writer, "exit",
	    "ts_ns=1009000000000 process_id=2 tid=42 last=1 minor_faults=70 major_faults=2");
	add(writer, "reclaim",
	    "ts_ns=1004200000000 process_id=2 tid=42 kind=1 duration_ns=12345678 "
	    "reclaimed_pages=32");
	add(writer, "reclaim", "ts_ns=1006200000000 process_id=0 tid=7 kind=2 duration_ns=2345678");
	add(writer, "shrink_total", "ts_ns=1004900000000 process_id=2 calls=3 duration_ns=3999999");
	add(writer, "kswapd_total", "ts_ns=1004900000000 node=0 wakeups=3");
	add(writer, "writepage_total", "ts_ns=1004900000000 process_id=2 folios=17");
	add_kernel(writer);
	add_cgroup(writer);
	add(writer, "fault_total",
	    "ts_ns=1009000000000 process_id=2 handled_faults=72 software_faults=70");
	add(writer, "loss",
	    "ts_ns=1004000000000 begin_ns=1003000000000 table_name=heap cause=ring cpu=- "
	    "lost_rows=12");
	add(writer, "loss",
	    "ts_ns=1004000000000 begin_ns=1003000000000 table_name=fault cause=late cpu=1 "
	    "lost_rows=3");
	for (size_t i = 0; i < sizeof(counting) / sizeof(*counting); i++) {
		char loss[128];

		snprintf(loss, sizeof(loss),
			 "ts_ns=1004000000000 begin_ns=1003000000000 table_name=%s cause=full "
			 "cpu=- lost_rows=5 part=1",
			 counting[i].object);
		add(writer, "loss", loss);
	}
	add(writer, "counter", "ts_ns=1010000000000 name=heap.seen value=200");
	add(writer, "snapshot_system",
	    "ts_ns=1005000000000 path=/proc/meminfo "
	    "content_text=MemAvailable:\t4000000\tkB\n");
	add(writer, "snapshot_tick", "ts_ns=1005000000000 files=1");
	add(writer, "end", "ts_ns=1010000000000 reason=done");
}

static void write_trace(const char *path)
{
	const struct writer_options options = { .session = "0123456789abcde", .level = 1 };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct writer *writer;

	CHECK(fd >= 0);
	CHECK(!writer_open(fd, &options, &writer));
	add_definitions(writer);
	for (int i = 0; i < 80; i++)
		add_heap(writer, i);
	add_rest(writer);
	CHECK(!writer_close(writer));
}

/* ---- every statement's plan */

struct step {
	int id, parent;
	bool loop, correlated;
};

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static void check_step(const struct step *steps, size_t n, const char *detail, const char *sql)
{
	const struct step *step = &steps[n], *up = step;

	if (!strstr(detail, "VIRTUAL TABLE"))
		return;
	for (size_t i = 0; i < n; i++)
		if (steps[i].parent == step->parent && steps[i].loop)
			FAIL("inner loop: %s\n%s", detail, sql);
	for (size_t i = n; i-- > 0;)
		if (steps[i].id == up->parent) {
			up = &steps[i];
			if (up->correlated)
				FAIL("for every row again: %s\n%s", detail, sql);
		}
}

static void check_plan(sqlite3 *db, const char *sql)
{
	char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
	struct step steps[256];
	sqlite3_stmt *plan;
	size_t n = 0;

	CHECK(!sqlite3_prepare_v2(db, explain, -1, &plan, NULL));
	for (; sqlite3_step(plan) == SQLITE_ROW; n++) {
		const char *detail = (const char *)sqlite3_column_text(plan, 3);

		CHECK(n < 256);
		steps[n] = (struct step){ sqlite3_column_int(plan, 0), sqlite3_column_int(plan, 1),
					  begins(detail, "SCAN") || begins(detail, "SEARCH"),
					  strstr(detail, "CORRELATED") != NULL };
		check_step(steps, n, detail, sql);
	}
	sqlite3_finalize(plan);
	sqlite3_free(explain);
}

static void check_statements(const char *trace, const struct report *report)
{
	const struct window window = { 0, INT64_MAX };
	const char *sql = report->sql;
	struct outcome outcome = { 0 };
	struct analysis *analysis;
	sqlite3_stmt *statement;
	sqlite3 *db;

	CHECK(!analysis_open(trace, &analysis));
	db = analysis_db(analysis);
	CHECK(!selection_make(db, &(struct selection){ 0 }, &outcome));
	CHECK(!window_heap(db, &window, false, &outcome));
	for (;;) {
		int status;

		if (sqlite3_prepare_v2(db, sql, -1, &statement, &sql))
			FAIL("%s: %s", report->name, sqlite3_errmsg(db));
		if (!statement)
			break;
		check_plan(db, sqlite3_sql(statement));
		do
			status = sqlite3_step(statement);
		while (status == SQLITE_ROW);
		if (status != SQLITE_DONE)
			FAIL("%s: %s", report->name, sqlite3_errmsg(db));
		sqlite3_finalize(statement);
	}
	analysis_close(analysis);
}

/* ---- the same from everything */

static char *ask(const char *file, struct question question, struct outcome *outcome)
{
	struct analysis *analysis;
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	CHECK(!question_check(&question, outcome));
	if (analysis_open(file, &analysis))
		FAIL("%s: %s", file, analysis_why(analysis));
	question_ask(&question, analysis, out, outcome);
	analysis_close(analysis);
	fclose(out);
	return text;
}

static char *answer(const char *file, struct question question)
{
	struct outcome outcome = { 0 };
	char *text = ask(file, question, &outcome);

	if (outcome.text[0])
		FAIL("%s of %s: %s", question.report->name, file, outcome.text);
	return text;
}

static void check_same(const char *one, const char *other, struct question question)
{
	char *text = answer(one, question), *other_text = answer(other, question);

	if (strcmp(text, other_text))
		FAIL("%s differs:\n--- %s\n%s\n--- %s\n%s", question.report->name, one, text, other,
		     other_text);
	CHECK(*text);
	free(text);
	free(other_text);
}

static void check_report(const char *trace, const char *sums, const char *events,
			 const struct report *report)
{
	static const char *const formats[] = { "table", "json" };
	struct question question = { .report = report };

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		question.format = formats[i];
		check_same(trace, sums, question);
		check_same(trace, events, question);
		if (!report_mentions(report, ":from"))
			continue;
		question.from = "14:03:07";
		question.to = "-4.5s";
		check_same(trace, events, question);
		if (!report_mentions(report, "heap_window"))
			check_same(trace, sums, question);
		question.from = question.to = NULL;
	}
}

static void save(const char *trace, const char *path, bool events)
{
	struct analysis *analysis;

	CHECK(!analysis_open(trace, &analysis));
	if (analysis_save(analysis, path, events))
		FAIL("%s: %s", path, analysis_why(analysis));
	analysis_close(analysis);
}

static void check_answer(const char *file, const char *name, struct question question,
			 const char *part)
{
	struct report report;
	char *text;

	question.report = &report;
	question.format = "csv";
	CHECK(!builtin_find(name, &report));
	text = answer(file, question);
	if (!strstr(text, part))
		FAIL("%s has no '%s':\n%s", name, part, text);
	free(text);
}

static void check_contains(const char *file, const char *name, const char *from, const char *part)
{
	check_answer(file, name, (struct question){ .from = from }, part);
}

/* Numbers that follow from what add_kernel writes. */
static void check_kernel_numbers(const char *trace)
{
	static const struct extra extra = { "kernel", "1" };
	const struct question question = { .extra = &extra, .n_extra = 1 };

	check_answer(trace, "memleak", question,
		     "\n48000,48,42,demo,_start;main;leak_small;malloc,\n");
	check_answer(trace, "memleak", question,
		     "\n2880,15,21,6,0,kmem_cache_alloc,alloc_empty_file_[k]\n");
	check_answer(trace, "memleak", question, "\nfilp,10,20,10,5,5,960\n");
	check_answer(trace, "memleak", question, "\nkmalloc-64,21,29,8,8,0,0\n");
	check_answer(trace, "memleak", question, "slabs took 8,192 bytes more");
	check_answer(trace, "memleak", question, "too many to be remembered: 6.");
	check_contains(trace, "kmem", NULL, "\npages allocated,72,80,90.0\n");
	check_contains(trace, "kmem", NULL, "\npages freed,48,50,96.0\n");
	check_contains(trace, "kmem", NULL, ",filp,alloc_empty_file_[k]\n");
}

/* Numbers that follow from what add_heap and add_rest write. */
static void check_numbers(const char *trace)
{
	static const char *const above[] = { "/a/b", "a", "/a/", "/" };

	check_contains(
		trace, "leaks", NULL,
		"\n48000,48,80,80000,32,32000,malloc,42,demo,14:03:13,_start;main;leak_small;malloc,\n");
	check_contains(trace, "leaks", NULL,
		       "\n128,8,8,128,0,0,calloc,43,child,14:03:13,"
		       "_start;main;[libc.so.6 00bb+0x6000];malloc,\n");
	check_contains(trace, "leaks", "+5s", "\n24000,24,40,40000,16,16000,malloc,42,");
	check_contains(trace, "faults", NULL, "\n68,");
	for (size_t i = 0; i < sizeof(above) / sizeof(*above); i++)
		check_answer(trace, "faults",
			     (struct question){ .processes.lists[SELECT_CGROUP] = above[i] },
			     "\n68,");
	check_contains(trace, "vmscan", NULL, "\n14:03:09,3,12,0,3,17\n");
	check_contains(trace, "losses", NULL, "\nheap,ring,12,1,");
	check_contains(trace, "overview", NULL, "48,128 bytes in 56 blocks");
	check_kernel_numbers(trace);
	/* From between two readings on: what did not change in the window holds in it. */
	check_contains(trace, "cgroups", "+1s", "\n/a,6,4,,8,");
	check_contains(trace, "cgroups", "+6s", "\n/a,6,0,,8,");
	for (size_t i = 0; i < sizeof(counting) / sizeof(*counting); i++) {
		char wanted[64];

		snprintf(wanted, sizeof(wanted), "Parts of %s are missing (full): 5.",
			 counting[i].object);
		check_contains(trace, counting[i].report, NULL, wanted);
	}
}

static void check_sums_have_no_window(const char *sums)
{
	struct outcome outcome = { 0 };
	struct report report;
	struct question question = { .report = &report, .from = "+1s", .format = "table" };

	CHECK(!builtin_find("leaks", &report));
	free(ask(sums, question, &outcome));
	CHECK_EQUAL(outcome.status, STATUS_FAILED);
	CHECK(strstr(outcome.text, "--events"));
}

static void read_digest(const char *trace, struct digest *digest, uint64_t *damaged)
{
	struct reader *reader;

	CHECK(!reader_open(trace, &reader));
	CHECK(!digest_read(digest, reader));
	*damaged = reader_report(reader)->damaged_blocks;
	reader_close(reader);
}

/* What `memtape info` says, of the whole trace and of its beginning. */
static void check_digest(const char *trace)
{
	struct digest digest;
	struct stat file;
	uint64_t damaged;
	int64_t start;

	read_digest(trace, &digest, &damaged);
	CHECK_EQUAL(damaged, 0);
	CHECK_EQUAL(digest.n_sessions, 1);
	CHECK_TEXT(digest.sessions->host, "alpha");
	CHECK_TEXT(digest.sessions->reason, "done");
	CHECK(digest.sessions->described && digest.sessions->ended);
	CHECK_EQUAL(digest.sessions->last_ns, 1010 * second);
	CHECK(!digest_start(digest.sessions, &start));
	CHECK_EQUAL(start, 1777636985);
	CHECK_EQUAL(digest.rows[table_named("heap")->number], 120);
	CHECK_EQUAL(digest.rows[table_named("process")->number], 3);
	digest_release(&digest);

	/* The last block has the clock and the end. */
	CHECK(!stat(trace, &file));
	CHECK(!truncate(trace, file.st_size - 1));
	read_digest(trace, &digest, &damaged);
	CHECK_EQUAL(damaged, 1);
	CHECK(digest.sessions->described && !digest.sessions->ended);
	CHECK(digest_start(digest.sessions, &start));
	digest_release(&digest);
}

int main(void)
{
	char folder[] = "/tmp/memtape-reports-XXXXXX", trace[64], sums[64], events[64];
	struct report report;

	CHECK(mkdtemp(folder));
	snprintf(trace, sizeof(trace), "%s/a.mtape", folder);
	snprintf(sums, sizeof(sums), "%s/sums.db", folder);
	snprintf(events, sizeof(events), "%s/events.db", folder);
	write_trace(trace);
	save(trace, sums, false);
	save(trace, events, true);
	for (size_t i = 0; !builtin_report(i, &report); i++) {
		check_statements(trace, &report);
		check_statements(sums, &report);
		check_report(trace, sums, events, &report);
	}
	check_numbers(trace);
	check_sums_have_no_window(sums);
	check_digest(trace);
	unlink(trace);
	unlink(sums);
	unlink(events);
	rmdir(folder);
	return 0;
}
