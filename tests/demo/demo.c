/*
 * demo SECONDS [--truth FILE]: a small server that leaks.
 *
 * A hundred requests a second leak 64 bytes each, every tenth 16 KiB, at one site each, among
 * others that free what they take. It faults in fresh anonymous pages, maps and reads a file larger
 * than a small memory limit, and leaves only clean pages, so that within such a limit it is
 * reclaimed from and not killed. FILE gets a line "site blocks bytes" for each site: what is
 * outstanding there at the exit.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define REQUESTS_PER_SECOND 100
#define SMALL 64
#define LARGE (16 << 10)
#define FILE_SIZE (128 << 20)
#define READ_PER_REQUEST (512 << 10)
#define BUFFERS_SIZE (1 << 20)

struct server {
	uint64_t requests;
	uint64_t small, large; /* blocks leaked */
	int file;
	char *mapped; /* the file */
	size_t page;
	char block[64 << 10];
};

/* Keeps the compiler from dropping an allocation that nobody uses. */
static void *volatile sink;

static void *checked(void *block)
{
	if (!block) {
		perror("demo");
		exit(1);
	}
	sink = block;
	return block;
}

static void leak_small(struct server *server)
{
	memset(checked(malloc(SMALL)), 1, SMALL);
	server->small++;
}

static void leak_large(struct server *server)
{
	memset(checked(calloc(1, LARGE)), 1, LARGE);
	server->large++;
}

static void parse_headers(struct server *server)
{
	char *line = checked(strdup("GET /index.html HTTP/1.1"));

	leak_small(server);
	free(line);
}

static void grow_table(void)
{
	char *table = NULL;

	for (size_t size = 256; size <= 8192; size *= 2) {
		table = checked(realloc(table, size));
		memset(table, 0, size);
	}
	free(table);
}

static void keep_session(struct server *server)
{
	if (server->requests % 10 == 0)
		leak_large(server);
}

/* Fresh anonymous pages, ten times a second. */
static void fill_buffers(struct server *server)
{
	char *buffers;

	if (server->requests % 10 != 5)
		return;
	buffers = mmap(NULL, BUFFERS_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	if (buffers == MAP_FAILED) {
		perror("demo: mmap");
		exit(1);
	}
	madvise(buffers, BUFFERS_SIZE, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < BUFFERS_SIZE; at += server->page)
		buffers[at] = 1;
	munmap(buffers, BUFFERS_SIZE);
}

static void read_file(struct server *server)
{
	uint64_t at = server->requests * READ_PER_REQUEST % FILE_SIZE;

	for (size_t done = 0; done < READ_PER_REQUEST; done += sizeof(server->block)) {
		if (pread(server->file, server->block, sizeof(server->block), at + done) < 0) {
			perror("demo: read");
			exit(1);
		}
	}
}

/* A page dropped from the page cache and touched again: a major fault, whatever memory there is. */
static void look_up(struct server *server)
{
	uint64_t at = server->requests * 7919 * server->page % FILE_SIZE;
	char *page = server->mapped + at;

	madvise(page, server->page, MADV_DONTNEED);
	posix_fadvise(server->file, at, server->page, POSIX_FADV_DONTNEED);
	(void)*(volatile char *)page;
}

static void handle_request(struct server *server)
{
	parse_headers(server);
	keep_session(server);
	grow_table();
	fill_buffers(server);
	read_file(server);
	look_up(server);
	server->requests++;
}

static void serve(struct server *server, uint64_t seconds)
{
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	while (server->requests < seconds * REQUESTS_PER_SECOND) {
		handle_request(server);
		next.tv_nsec += 1000000000 / REQUESTS_PER_SECOND;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) == EINTR)
			;
	}
}

/* A hole reads as clean pages: nothing is ever written, and all of it can be reclaimed. */
static int open_file(struct server *server)
{
	char path[] = "/var/tmp/demo-XXXXXX";

	server->file = mkstemp(path);
	if (server->file < 0 || unlink(path) || ftruncate(server->file, FILE_SIZE))
		return -errno;
	server->mapped = mmap(NULL, FILE_SIZE, PROT_READ, MAP_SHARED, server->file, 0);
	if (server->mapped == MAP_FAILED || madvise(server->mapped, FILE_SIZE, MADV_RANDOM))
		return -errno;
	server->page = sysconf(_SC_PAGESIZE);
	return 0;
}

static int write_truth(const struct server *server, const char *path)
{
	FILE *out = fopen(path, "w");

	if (!out)
		return -errno;
	fprintf(out, "leak_small %ju %ju\n", server->small, server->small * SMALL);
	fprintf(out, "leak_large %ju %ju\n", server->large, server->large * LARGE);
	fprintf(out, "parse_headers 0 0\n");
	fprintf(out, "grow_table 0 0\n");
	return fclose(out) ? -errno : 0;
}

int main(int argc, char **argv)
{
	static struct server server;
	int seconds = argc > 1 ? atoi(argv[1]) : 0;
	int err;

	if (seconds <= 0 || (argc != 2 && (argc != 4 || strcmp(argv[2], "--truth")))) {
		fprintf(stderr, "usage: demo SECONDS [--truth FILE]\n");
		return 2;
	}
	err = open_file(&server);
	if (!err)
		serve(&server, seconds);
	if (!err && argc == 4)
		err = write_truth(&server, argv[3]);
	if (err)
		fprintf(stderr, "demo: %s\n", strerror(-err));
	return err ? 1 : 0;
}
