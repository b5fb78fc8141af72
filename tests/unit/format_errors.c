/* Outputs that fail: the first error stays, nothing more is written. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "tests/unit/format_trace.h"

static struct writer *writer_to(int fd)
{
	struct writer_options options = { .level = 1 };
	struct writer *writer;

	CHECK(fd >= 0);
	CHECK_EQUAL(writer_open(fd, &options, &writer), 0);
	return writer;
}

static int add(struct writer *writer)
{
	return writer_add(writer, table_named("heap"), (uint64_t[9]){ 1 }, 0);
}

static void check_dead(struct writer *writer, int error)
{
	struct cell cells[COLUMNS_MAX] = { 0 };

	CHECK_EQUAL(writer_flush(writer), error);
	CHECK_EQUAL(add(writer), error);
	CHECK_EQUAL(writer_add_cells(writer, table_named("host"), cells), error);
	CHECK_EQUAL(writer_epoch(writer, 1), error);
	CHECK_EQUAL(writer_close(writer), error);
}

static void test_full(void)
{
	struct writer *writer = writer_to(open("/dev/full", O_WRONLY));

	CHECK_EQUAL(add(writer), 0);
	CHECK_EQUAL(writer_flush(writer), -ENOSPC);
	CHECK_EQUAL(writer_bytes(writer), 0);
	check_dead(writer, -ENOSPC);
}

static void test_close(void)
{
	struct writer *writer = writer_to(open("/dev/full", O_WRONLY));

	CHECK_EQUAL(add(writer), 0);
	CHECK_EQUAL(writer_close(writer), -ENOSPC);
}

static void test_closed_pipe(void)
{
	int ends[2];
	struct writer *writer;

	signal(SIGPIPE, SIG_IGN);
	CHECK_EQUAL(pipe(ends), 0);
	close(ends[0]);
	writer = writer_to(ends[1]);
	CHECK_EQUAL(add(writer), 0);
	check_dead(writer, -EPIPE);
}

/* The disk fills up in the middle of a block: what is there is a trace that was cut off. */
static void test_limit(void)
{
	struct rlimit limit = { 30000, 30000 };
	int fd = memory_file(), err = 0;
	struct writer *writer = writer_to(dup(fd));
	struct bytes bytes;
	struct records got;
	pid_t child = fork();

	CHECK(child >= 0);
	if (!child) {
		uint64_t row[9] = { 0 };

		signal(SIGXFSZ, SIG_IGN);
		CHECK_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
		for (int i = 0; i < 1000000 && !err; i++) {
			row[4] = i * 0x9e3779b97f4a7c15;
			err = writer_add(writer, table_named("heap"), row, 0);
			if (i % 500 == 0 && !err)
				err = writer_flush(writer);
		}
		CHECK_EQUAL(err, -EFBIG);
		check_dead(writer, -EFBIG);
		exit(0);
	}
	CHECK_EQUAL(waitpid(child, &err, 0), child);
	CHECK_EQUAL(err, 0);
	CHECK_EQUAL(writer_close(writer), 0);
	bytes = file_bytes(fd);
	close(fd);
	CHECK_EQUAL(bytes.n, 30000);
	got = records_read(bytes.at, bytes.n);
	CHECK(got.n > 1000);
	CHECK_TEXT(got.damage, "cut off at byte 30000: the last block is incomplete");
	records_free(&got);
	free(bytes.at);
}

static volatile sig_atomic_t interrupts;

static void interrupted(int signal)
{
	(void)signal;
	interrupts++;
}

/* A slow pipe takes a block in pieces, and signals interrupt the writing. */
static void test_pipe(void)
{
	struct sigaction action = { .sa_handler = interrupted };
	int ends[2], file = memory_file();
	struct bytes bytes;
	struct records got;
	pid_t child;

	CHECK_EQUAL(pipe(ends), 0);
	CHECK(fcntl(ends[1], F_SETPIPE_SZ, 4096) > 0);
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		char buffer[701];
		ssize_t n;

		close(ends[1]);
		while ((n = read(ends[0], buffer, sizeof(buffer))) > 0) {
			CHECK(write(file, buffer, n) == n);
			kill(getppid(), SIGUSR1);
		}
		exit(n != 0);
	}
	close(ends[0]);
	sigaction(SIGUSR1, &action, NULL);
	{
		struct writer *writer = writer_to(ends[1]);
		uint64_t row[9] = { 0 };

		for (int i = 0; i < 30000; i++) {
			row[4] = hash_mix(i);
			CHECK_EQUAL(writer_add(writer, table_named("heap"), row, 0), 0);
		}
		CHECK_EQUAL(writer_close(writer), 0);
	}
	CHECK(interrupts > 0);
	while (waitpid(child, NULL, 0) < 0)
		CHECK_EQUAL(errno, EINTR);
	bytes = file_bytes(file);
	close(file);
	got = records_read(bytes.at, bytes.n);
	CHECK(bytes.n > 200000);
	CHECK_EQUAL(record_count(&got, "heap"), 30000);
	CHECK_EQUAL(got.report.damaged_blocks, 0);
	for (size_t i = 0, row = 0; i < got.n; i++)
		if (!strcmp(got.list[i].table->name, "heap"))
			CHECK(record_value(&got.list[i], "addr") == hash_mix(row++));
	records_free(&got);
	free(bytes.at);
}

int main(void)
{
	test_full();
	test_close();
	test_closed_pipe();
	test_limit();
	test_pipe();
	return 0;
}
