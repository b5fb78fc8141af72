/* What the oracle's modes share. */
#ifndef TESTS_LIVE_ORACLE_H
#define TESTS_LIVE_ORACLE_H

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Collected, and written at once: stdio would allocate. */
struct truth {
	size_t length;
	char text[8192];
};

static inline void truth_add(struct truth *truth, const char *key, uint64_t value)
{
	truth->length += snprintf(truth->text + truth->length, sizeof(truth->text) - truth->length,
				  "%s %ju\n", key, value);
}

static inline void truth_write(struct truth *truth, int fd)
{
	if (syscall(SYS_write, fd, truth->text, truth->length) != (ssize_t)truth->length)
		_exit(1);
}

static inline void fail(const char *what)
{
	perror(what);
	_exit(1);
}

/* Keeps the compiler from dropping calls whose results nobody uses. */
static _Thread_local void *volatile sink;

static inline void *use(void *block)
{
	if (!block)
		fail("allocation");
	*(volatile char *)block = 1;
	sink = block;
	return block;
}

static inline size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static inline void *map_pages(size_t size, int flags)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags,
			   -1, 0);

	if (pages == MAP_FAILED)
		fail("mmap");
	return pages;
}

/* A file of holes: its pages are clean, and come without a disk. */
static inline int open_scratch(size_t size)
{
	char path[] = "/var/tmp/oracle-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || unlink(path) || ftruncate(fd, size))
		fail(path);
	return fd;
}

static inline void join_all(pthread_t *threads, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static inline void start(pthread_t *thread, void *(*run)(void *), void *argument)
{
	errno = pthread_create(thread, NULL, run, argument);
	if (errno)
		fail("pthread_create");
}

#endif
