/*
 * What a row costs: rows like those of table heap, with times and addresses as random as real ones.
 * Prints the best and the median of several rounds, CPU time.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "format/reader.h"
#include "format/writer.h"
#include "tests/check.h"

/* BATCH rows stay below what the writer flushes by itself. */
enum { BATCH = 16000, ROUNDS = 15, COLUMNS = 9, STACKS = 500, PROCESSES = 4 };

struct times {
	double add[ROUNDS], flush[ROUNDS], read[ROUNDS]; /* ns a row */
};

static double cpu_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const char *what, double *ns)
{
	qsort(ns, ROUNDS, sizeof(*ns), compare);
	printf("%-24s %6.1f ns/row best %6.1f median (%.1f M rows/s)\n", what, ns[0],
	       ns[ROUNDS / 2], 1e3 / ns[ROUNDS / 2]);
}

static void rows_make(uint64_t (*rows)[COLUMNS], uint64_t *ts_ns, uint64_t *random)
{
	for (int i = 0; i < BATCH; i++) {
		uint64_t x = *random, op;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		*random = x;
		*ts_ns += 100 + x % 3000;
		op = 1 + (x >> 20) % 4;
		memcpy(rows[i],
		       (uint64_t[COLUMNS]){ *ts_ns, 1 + (x >> 60) % PROCESSES, 4000 + (x >> 58) % 8,
					    op, 0x7f3a00000000 + (x >> 30) % 100000 * 16,
					    op == 4 ? 0 : 16 * ((x >> 12) % 32), 0, 0,
					    1 + (x >> 40) % STACKS },
		       sizeof(*rows));
	}
}

static void definitions(struct writer *writer)
{
	struct cell process[COLUMNS_MAX] = { 0 }, stack[COLUMNS_MAX] = { 0 };

	for (int i = 1; i <= PROCESSES; i++) {
		process[0].number = i;
		process[2].number = 4000 + i;
		CHECK_EQUAL(writer_add_cells(writer, table_named("process"), process), 0);
	}
	for (int i = 1; i <= STACKS; i++) {
		stack[0].number = i;
		stack[1].number = i - 1;
		CHECK_EQUAL(writer_add_cells(writer, table_named("stack"), stack), 0);
	}
}

static void write_round(struct writer *writer, uint64_t (*rows)[COLUMNS], uint64_t *ts_ns,
			uint64_t *random, struct times *times, int round)
{
	const struct table *heap = table_named("heap");
	double add = 0, flush = 0;

	for (int batch = 0; batch < 20; batch++) {
		double start, middle;

		rows_make(rows, ts_ns, random);
		start = cpu_ns();
		for (int i = 0; i < BATCH; i++)
			CHECK(!writer_add(writer, heap, rows[i], 0));
		middle = cpu_ns();
		CHECK_EQUAL(writer_flush(writer), 0);
		add += middle - start;
		flush += cpu_ns() - middle;
	}
	times->add[round] = add / (20 * BATCH);
	times->flush[round] = flush / (20 * BATCH);
}

static void read_round(int fd, struct times *times, int round)
{
	char path[64];
	struct reader *reader;
	struct batch batch;
	double start = cpu_ns();
	uint64_t rows = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_EQUAL(reader_open(path, &reader), 0);
	while (reader_next(reader, &batch) > 0)
		rows += batch.rows;
	CHECK_EQUAL(reader_report(reader)->damaged_blocks, 0);
	reader_close(reader);
	times->read[round] = (cpu_ns() - start) / rows;
}

int main(void)
{
	struct writer_options options = { .session = { 1 }, .level = 1 };
	uint64_t ts_ns = 1000000, random = 88172645463325252;
	uint64_t(*rows)[COLUMNS] = malloc(BATCH * sizeof(*rows));
	int fd = memfd_create("trace", 0);
	struct times times;
	struct writer *writer;

	CHECK(rows && fd >= 0);
	CHECK_EQUAL(writer_open(dup(fd), &options, &writer), 0);
	definitions(writer);
	CHECK_EQUAL(writer_flush(writer), 0);
	for (int round = 0; round < ROUNDS; round++)
		write_round(writer, rows, &ts_ns, &random, &times, round);
	printf("%.2f bytes/row\n",
	       (double)writer_bytes(writer) / writer_rows(writer, table_named("heap")));
	CHECK_EQUAL(writer_close(writer), 0);
	for (int round = 0; round < ROUNDS; round++)
		read_round(fd, &times, round);
	print("writer_add", times.add);
	print("pack, zstd -1, write", times.flush);
	print("reader_next", times.read);
	free(rows);
	close(fd);
	return 0;
}
