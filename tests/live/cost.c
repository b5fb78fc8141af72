/*
 * cost faults N [DEPTH]   touches N fresh pages, that many frames deeper
 * cost pairs N [DEPTH]    calls malloc and free N times
 * cost calls N [DEPTH]    makes a system call that has nothing to do with memory N times
 * cost maps N [DEPTH]     maps and unmaps a page N times
 * Prints the nanoseconds of CPU time that one took: on a shared machine it is steadier than the
 * clock on the wall. What a recording adds is the difference to a run without.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile uintptr_t sink;

static int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void touch(volatile char *pages, long n)
{
	for (long i = 0; i < n; i++)
		pages[i * 4096] = 1;
}

static int64_t faults(long n)
{
	char *pages = mmap(NULL, (size_t)n * 4096, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		exit(1);
	madvise(pages, (size_t)n * 4096, MADV_NOHUGEPAGE);
	touch(pages, n); /* the kernel's memory is warm in the second round */
	madvise(pages, (size_t)n * 4096, MADV_DONTNEED);
	int64_t begin = now();
	touch(pages, n);
	return now() - begin;
}

static int64_t pairs(long n)
{
	int64_t begin = now();
	for (long i = 0; i < n; i++) {
		void *block = malloc(64);
		sink = (uintptr_t)block;
		free(block);
	}
	return now() - begin;
}

static int64_t calls(long n)
{
	int64_t begin = now();
	for (long i = 0; i < n; i++)
		syscall(SYS_getppid);
	return now() - begin;
}

static int64_t maps(long n)
{
	int64_t begin = now();
	for (long i = 0; i < n; i++)
		munmap(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
	return now() - begin;
}

static const struct {
	const char *name;
	int64_t (*work)(long);
} works[] = { { "faults", faults }, { "pairs", pairs }, { "calls", calls }, { "maps", maps } };

static int64_t deeper(long depth, int64_t (*work)(long), long n)
{
	int64_t ns = depth ? deeper(depth - 1, work, n) : work(n);
	sink = (uintptr_t)work; /* no call in the place of a return */
	return ns;
}

int main(int argc, char **argv)
{
	long n = argc > 2 ? atol(argv[2]) : 0, depth = argc > 3 ? atol(argv[3]) : 0;
	for (size_t i = 0; i < sizeof(works) / sizeof(*works) && n > 0; i++)
		if (!strcmp(works[i].name, argv[1])) {
			printf("%.1f\n", (double)deeper(depth, works[i].work, n) / (double)n);
			return 0;
		}
	return 2;
}
