/*
 * Ten million heap rows, a thousand stacks, random lifetimes, a million blocks live: how long
 * heap_site takes, and how much memory. The trace is written into $TMPDIR and removed.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "analyzer/analysis.h"
#include "format/writer.h"
#include "tests/check.h"

enum { ROWS = 10000000, LIVE = 1000000, STACKS = 1000, THREADS = 8 };

struct maker {
	struct writer *writer;
	const struct table *heap;
	int64_t now;
	uint64_t random, next_addr;
	uint64_t live[LIVE];
	size_t n_live;
};

static uint64_t some(struct maker *maker, uint64_t n)
{
	maker->random ^= maker->random << 13;
	maker->random ^= maker->random >> 7;
	maker->random ^= maker->random << 17;
	return maker->random % n;
}

static void integers(struct maker *maker, const char *table, const uint64_t *values)
{
	CHECK_EQUAL(writer_add(maker->writer, table_named(table), values, 0), 0);
}

static void texts(struct maker *maker, const char *table, const char *text, uint64_t id)
{
	const struct table *to = table_named(table);
	struct cell cells[COLUMNS_MAX] = { 0 };

	for (int i = 0; i < to->n_columns; i++)
		cells[i] = (struct cell){ .number = i == to->id ? id
						    : i == 2    ? 100
								: 0,
					  .text = text,
					  .length = strlen(text) };
	CHECK_EQUAL(writer_add_cells(maker->writer, to, cells), 0);
}

static void definitions(struct maker *maker)
{
	texts(maker, "session", "bench", 0);
	texts(maker, "host", "bench", 1);
	texts(maker, "process", "bench", 1);
	texts(maker, "image", "/bin/bench", 1);
	for (uint64_t i = 1; i <= STACKS; i++) {
		integers(maker, "frame", (uint64_t[]){ i, 1, i * 16 });
		integers(maker, "stack", (uint64_t[]){ i, i / 4, i });
	}
}

static void row(struct maker *maker, unsigned op, uint64_t addr, uint64_t size, uint64_t old)
{
	maker->now += 100 + (int64_t)some(maker, 1000);
	CHECK_EQUAL(writer_add(maker->writer, maker->heap,
			       (uint64_t[]){ (uint64_t)maker->now, 1, 100 + some(maker, THREADS),
					     op, addr, size, old, op == 3 ? 200 : 0,
					     1 + some(maker, STACKS) },
			       0),
		    0);
	if (!writer_epoch_due(maker->writer, maker->now))
		return;
	CHECK_EQUAL(writer_epoch(maker->writer, maker->now), 0);
	definitions(maker);
}

static void step(struct maker *maker)
{
	size_t at = maker->n_live ? some(maker, maker->n_live) : 0;
	uint64_t size = 16 + some(maker, 2000), old;

	if (maker->n_live == LIVE || (maker->n_live && some(maker, 100) < 45)) {
		row(maker, 4, maker->live[at], 0, 0);
		maker->live[at] = maker->live[--maker->n_live];
	} else if (maker->n_live && some(maker, 100) < 5) {
		old = maker->live[at];
		maker->live[at] = maker->next_addr += size & ~15ULL;
		row(maker, 3, maker->live[at], size, old);
	} else {
		maker->live[maker->n_live++] = maker->next_addr += (size & ~15ULL) + 16;
		row(maker, 1 + some(maker, 2), maker->next_addr, size, 0);
	}
}

static void trace_write(const char *path)
{
	struct writer_options options = { .session = { 1 }, .level = 1 };
	struct maker *maker = calloc(1, sizeof(*maker));
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(maker && fd >= 0);
	maker->random = 88172645463325252ULL;
	maker->next_addr = 0x7f0000000000;
	maker->heap = table_named("heap");
	CHECK_EQUAL(writer_open(fd, &options, &maker->writer), 0);
	definitions(maker);
	while (writer_rows(maker->writer, maker->heap) < ROWS)
		step(maker);
	CHECK_EQUAL(writer_close(maker->writer), 0);
	free(maker);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* In a process of its own, whose peak memory is that of reading alone. */
static void query_time(const char *path, const char *query)
{
	double begin = seconds(), opened;
	struct analysis *analysis;
	struct rusage usage;
	char *message = NULL;

	CHECK_EQUAL(analysis_open(path, &analysis), 0);
	opened = seconds();
	if (sqlite3_exec(analysis_db(analysis), query, NULL, NULL, &message))
		FAIL("%s", message);
	getrusage(RUSAGE_SELF, &usage);
	printf("%.2f s (of it open %.2f s), %ld MiB: %s\n", seconds() - begin, opened - begin,
	       usage.ru_maxrss >> 10, query);
	analysis_close(analysis);
}

static void query_run(const char *path, const char *query)
{
	pid_t child = fork();
	int status;

	if (!child) {
		query_time(path, query);
		exit(0);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child && !status);
}

int main(int argc, char **argv)
{
	const char *folder = getenv("TMPDIR");
	struct stat stat_;
	char path[4096];

	snprintf(path, sizeof(path), "%s/memtape-heap10m-%d", folder ? folder : "/tmp",
		 (int)getpid());
	if (argc < 2)
		trace_write(path);
	else
		snprintf(path, sizeof(path), "%s", argv[1]);
	CHECK_EQUAL(stat(path, &stat_), 0);
	printf("%d rows, %lld MiB\n", ROWS, (long long)stat_.st_size >> 20);
	fflush(stdout);
	query_run(path, "SELECT sum(held_bytes) FROM heap_site");
	query_run(path, "SELECT count(*), sum(free_ns) FROM heap_life");
	query_run(path, "SELECT count(*) FROM heap");
	if (argc < 2)
		unlink(path);
	return 0;
}
