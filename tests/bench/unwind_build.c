/* unwind_build FILE...: builds the unwind table of each five times; prints the fastest. */
#include "recorder/unwind_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 5

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* How many bytes of the file the rows of each kind hold for, of those that hold for any. */
static void print_kinds(const struct unwind_table *table)
{
	static const char *const names[UNWIND_TYPES + 1] = { "none",  "rsp",    "rbp",
							     "plt",   "signal", "complex",
							     "deref", "end",    "rsp_deref" };
	uint64_t bytes[UNWIND_TYPES + 1] = { 0 };

	for (size_t i = 0; i + 1 < table->count; i++)
		bytes[table->rows[i].type & UNWIND_TYPES] += table->rows[i + 1].pc -
							     table->rows[i].pc;
	for (size_t i = 0; i <= UNWIND_TYPES; i++) {
		if (bytes[i])
			printf(" %s %lu", names[i], (unsigned long)bytes[i]);
	}
	putchar('\n');
}

/* Opens the file too, as the recorder does. */
static int build_once(const char *path, struct unwind_table *table, double *ms)
{
	double started = now_ms();
	struct elf_file *file;
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = elf_file_open(fd, &file);
	if (!err) {
		err = unwind_table_build(file, table);
		elf_file_close(file);
	}
	close(fd);
	*ms = now_ms() - started;
	return err;
}

static int build(const char *path)
{
	struct unwind_table table = { 0 };
	double ms = 0, best = 1e9;
	int err = 0;

	for (int i = 0; i < ROUNDS && !err; i++) {
		unwind_table_free(&table);
		err = build_once(path, &table, &ms);
		best = ms < best ? ms : best;
	}
	if (err) {
		printf("%s: %s\n", path, strerror(-err));
		return 1;
	}
	printf("%s: %zu rows, %zu bytes, %.1f ms, %.1f M rows/s\n   bytes of code:", path,
	       table.count, table.count * sizeof(*table.rows), best, table.count / best / 1e3);
	print_kinds(&table);
	unwind_table_free(&table);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= build(argv[i]);
	return failed;
}
