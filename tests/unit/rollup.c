/*
 * Rollups against GROUP BY over the rows themselves: every choice of key columns, windows, NULLs,
 * sums.
 */
#include "analyzer/group.h"
#include "tests/unit/analysis_trace.h"

enum { ROWS = 4000, PROCESSES = 5 };

static uint64_t below(uint64_t n)
{
	return (uint64_t)random() % n;
}

static void definitions(struct writer *writer)
{
	trace_row(writer, "host id=1 boot_id=b host=h");
	for (int i = 1; i <= PROCESSES; i++) {
		char line[100];

		snprintf(line, sizeof(line), "process id=%d host_id=1 pid=%d start_ticks=1", i, i);
		trace_row(writer, line);
		snprintf(line, sizeof(line), "frame id=%d offset=%d", i, i);
		trace_row(writer, line);
		snprintf(line, sizeof(line), "stack id=%d frame_id=%d", i, i);
		trace_row(writer, line);
	}
}

static void rows(struct writer *writer, int64_t *now)
{
	const struct table *fault = table_named("fault"), *heap = table_named("heap");
	uint64_t kind = 1U << table_column(fault, "kind"),
		 access = 1U << table_column(fault, "access");

	for (int i = 0; i < ROWS; i++) {
		uint64_t values[COLUMNS_MAX] = { (uint64_t)(*now += (int64_t)below(10000000)),
						 below(PROCESSES + 1),
						 below(3),
						 below(3),
						 below(4),
						 below(2),
						 below(100),
						 0,
						 below(PROCESSES + 1),
						 below(8),
						 0,
						 0,
						 0,
						 below(3) ? below(1ULL << below(40)) : below(3) };

		CHECK_EQUAL(writer_add(writer, fault, values,
				       (uint32_t)((below(3) ? 0 : kind) | (below(3) ? 0 : access))),
			    0);
		if (i % 2)
			CHECK_EQUAL(writer_add(writer, heap, values, 0), 0);
		if (i % 1000 == 999) {
			CHECK_EQUAL(writer_epoch(writer, *now), 0);
			definitions(writer);
		}
	}
}

static void trace_make(const char *path)
{
	for (uint8_t session = 0; session < 2; session++) {
		struct writer *writer = trace_begin(path, session, session);
		int64_t now = 5000000000 + session * 7000000000LL;

		definitions(writer);
		rows(writer, &now);
		CHECK_EQUAL(writer_close(writer), 0);
	}
}

static void check_same(struct analysis *a, char *got_query, char *wanted_query)
{
	char *got = answer(a, got_query), *wanted = answer(a, wanted_query);

	if (strcmp(got, wanted))
		FAIL("%s\ngives\n%.300s\nnot, as %s,\n%.300s", got_query, got, wanted_query,
		     wanted);
	sqlite3_free(got);
	sqlite3_free(wanted);
	sqlite3_free(got_query);
	sqlite3_free(wanted_query);
}

/* Bucket of the row, as SQL sees it; buckets of positive times. */
#define BUCKET "(ts_ns / 1000000000 * 1000000000)"

static void check_keys(struct analysis *a)
{
	static const char *const names[] = { "session", "process_id", "stack_id", "kind",
					     "access",  "user",       "bucket_ns" };

	for (unsigned set = 1; set < 128; set++) {
		char keys[200] = "";
		int n = 0;

		for (int i = 0; i < 7; i++)
			if (set >> i & 1) {
				strcat(strcat(keys, n++ ? ", " : ""), names[i]);
			}
		check_same(
			a,
			sqlite3_mprintf("SELECT %s, sum(n) FROM fault_sum GROUP BY %s ORDER BY %s",
					keys, keys, keys),
			sqlite3_mprintf("SELECT %s, count(*) FROM (SELECT *, " BUCKET
					" AS bucket_ns FROM fault) GROUP BY %s ORDER BY %s",
					keys, keys, keys));
	}
	/* Columns that are not used are not grouped by: the rows are as few as can be. */
	check_answer(a, "SELECT session, n FROM fault_sum", "0|4000\n1|4000\n");
	check_answer(a, "SELECT n FROM fault_sum", "8000\n");
}

static void check_windows(struct analysis *a)
{
	static const char *const windows[] = {
		"bucket_ns BETWEEN 7000000000 AND 9000000000",
		"bucket_ns >= 7000000001 AND bucket_ns < 12000000000",
		"bucket_ns > 7000000000 AND bucket_ns <= 12999999999",
		"bucket_ns = 8000000000",
		"bucket_ns = 8000000001",
		"bucket_ns >= 1e300",
		"bucket_ns < 9e9 AND session = 0",
		"session = 1",
		"bucket_ns IN (6000000000, 15000000000)",
		"process_id IN (SELECT id FROM process WHERE pid > 2) AND bucket_ns < 14e9",
		"process_id IS NULL",
		"process_id = (SELECT id FROM process WHERE pid = 3)",
		"kind = 1 AND stack_id IS NULL",
	};

	for (size_t i = 0; i < sizeof(windows) / sizeof(*windows); i++)
		check_same(
			a,
			sqlite3_mprintf("SELECT stack_id, sum(n) FROM fault_sum WHERE %s"
					" GROUP BY 1 ORDER BY 1",
					windows[i]),
			sqlite3_mprintf("SELECT stack_id, count(*) FROM (SELECT *, " BUCKET
					" AS bucket_ns FROM fault) WHERE %s GROUP BY 1 ORDER BY 1",
					windows[i]));
}

static void check_sums(struct analysis *a)
{
	check_answer(a,
		     "CREATE VIRTUAL TABLE temp.heap_sum USING rollup(heap, by op process_id,"
		     " every 100 ms, sum size_bytes stack_id)",
		     "");
	check_same(a,
		   sqlite3_mprintf("SELECT op, bucket_ns, sum(n), sum(sum_size_bytes) FROM heap_sum"
				   " GROUP BY 1, 2 ORDER BY 1, 2"),
		   sqlite3_mprintf("SELECT op, ts_ns / 100000000 * 100000000 AS b, count(*),"
				   " sum(size_bytes) FROM heap GROUP BY 1, 2 ORDER BY 1, 2"));
	check_same(
		a, sqlite3_mprintf("SELECT DISTINCT name FROM pragma_table_info('heap_sum')"),
		sqlite3_mprintf("SELECT column1 FROM (VALUES ('session'), ('bucket_ns'), ('op'),"
				" ('process_id'), ('n'), ('sum_size_bytes'), ('sum_stack_id'))"));
}

/* By powers of two: of 0, 1, and what is between. */
static void check_logarithms(struct analysis *a)
{
	char select[2000] = "SELECT kind, CASE WHEN latency_ns < 2 THEN 0";

	for (int i = 1; i < 41; i++)
		sprintf(select + strlen(select), " WHEN latency_ns < %lld THEN %d", 2LL << i, i);
	check_same(a,
		   sqlite3_mprintf("SELECT kind, log2_latency_ns, sum(n), sum(sum_latency_ns)"
				   " FROM fault_latency GROUP BY 1, 2 ORDER BY 1, 2"),
		   sqlite3_mprintf("%s END AS log, count(*), sum(latency_ns) FROM fault"
				   " GROUP BY 1, 2 ORDER BY 1, 2",
				   select));
	check_same(
		a, sqlite3_mprintf("SELECT sum(n) FROM fault_latency WHERE log2_latency_ns = 4"),
		sqlite3_mprintf("SELECT count(*) FROM fault WHERE latency_ns BETWEEN 16 AND 31"));
	check_refused(
		a, "CREATE VIRTUAL TABLE temp.x USING rollup(heap, by op, every 1 s, sum log2:op)",
		"sum log2:op");
}

static void check_bad_declarations(struct analysis *a)
{
	check_refused(a, "CREATE VIRTUAL TABLE temp.x USING rollup(nothing, every 1 s)",
		      "no table");
	check_refused(a, "CREATE VIRTUAL TABLE temp.x USING rollup(process, every 1 s)",
		      "no table");
	check_refused(a, "CREATE VIRTUAL TABLE temp.x USING rollup(heap, by op)", "no 'every'");
	check_refused(a, "CREATE VIRTUAL TABLE temp.x USING rollup(heap, by x, every 1 s)", "by x");
	check_refused(a, "CREATE VIRTUAL TABLE temp.x USING rollup(heap, every 0 s)", "every 0 s");
	check_refused(a, "CREATE VIRTUAL TABLE temp.x USING rollup(heap, every 1 h)", "every 1 h");
}

int main(void)
{
	char *path = trace_path("rollup");
	struct analysis *a;

	CHECK_EQUAL(bucket_begin(5, 10), 0);
	CHECK_EQUAL(bucket_begin(10, 10), 10);
	CHECK_EQUAL(bucket_begin(-1, 10), -10);
	CHECK_EQUAL(bucket_begin(-10, 10), -10);
	CHECK_EQUAL(bucket_begin(INT64_MIN, 10), INT64_MIN);
	trace_make(path);
	a = analysis_opened(path);
	check_keys(a);
	check_windows(a);
	check_sums(a);
	check_logarithms(a);
	check_bad_declarations(a);
	analysis_close(a);
	unlink(path);
	free(path);
	return 0;
}
