/*
 * regions FILE: touches known numbers of pages of every class of memory, each in a function of its
 * own, and prints them: CLASS_pages, CLASS_minor and CLASS_major, as getrusage counts them
 * meanwhile, CLASS_ns, how long that took, and what /proc/self/stat says at the end. FILE is made,
 * and removed between two of the classes.
 */
#include "tests/live/oracle.h"

#include <fcntl.h>
#include <linux/mman.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { HUGE = 2 << 20 };

/* Named by where the pages are: the leaf of the faults' stacks. */
#define TOUCH(class)                                                                               \
	static void touch_##class(volatile char *pages, size_t n, size_t step)                     \
	{                                                                                          \
		for (size_t i = 0; i < n; i++)                                                     \
			pages[i * step] = 1;                                                       \
	}
TOUCH(anonymous)
TOUCH(heap)
TOUCH(memfd)
TOUCH(shared)
TOUCH(hugetlb)
TOUCH(huge)
TOUCH(copied)
TOUCH(deleted)

static void touch_major(volatile char *pages, size_t n, size_t step)
{
	for (size_t i = 0; i < n; i++)
		(void)pages[i * step];
}

static void touch_stack(volatile char *unused, size_t n, size_t step)
{
	char here[4096];

	use(here);
	if (n > 1)
		touch_stack(unused, n - 1, step);
	use(here + 1); /* no call in the place of a return */
}

static void *map(size_t size, int flags, int fd)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void add(struct truth *truth, const char *class, const char *what, uint64_t n)
{
	char key[64];

	snprintf(key, sizeof(key), "%s_%s", class, what);
	truth_add(truth, key, n);
}

typedef void toucher(volatile char *, size_t, size_t);

/* No memory: there is none of that class here. */
static void count(struct truth *truth, const char *class, toucher *toucher, void *pages, size_t n,
		  size_t step)
{
	struct rusage before, after;
	int64_t begin = now();

	if (!pages)
		n = 0;
	getrusage(RUSAGE_SELF, &before);
	if (n)
		toucher(pages, n, step);
	getrusage(RUSAGE_SELF, &after);
	add(truth, class, "ns", now() - begin);
	add(truth, class, "pages", n);
	add(truth, class, "minor", after.ru_minflt - before.ru_minflt);
	add(truth, class, "major", after.ru_majflt - before.ru_majflt);
}

static void *plain(void *pages, size_t size)
{
	if (pages)
		madvise(pages, size, MADV_NOHUGEPAGE);
	return pages;
}

static void *huge_pages(size_t n)
{
	char *all = map((n + 1) * HUGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char *pages = (char *)(((uintptr_t)all + HUGE - 1) & -(uintptr_t)HUGE);

	return all && !madvise(pages, n * HUGE, MADV_HUGEPAGE) ? pages : NULL;
}

static void *heap_pages(size_t size)
{
	char *begin = sbrk(size + 4096);

	return begin == (void *)-1 ? NULL : (void *)(((uintptr_t)begin + 4095) & -4096UL);
}

static void *memfd_pages(size_t size)
{
	int fd = memfd_create("regions", MFD_CLOEXEC);

	return fd < 0 || ftruncate(fd, size) ? NULL : map(size, MAP_SHARED, fd);
}

static void files(struct truth *truth, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	static const char page[4096] = { 1 };

	if (fd < 0)
		fail(path);
	for (int i = 0; i < 200; i++)
		if (write(fd, page, sizeof(page)) != sizeof(page))
			fail("write");
	fsync(fd);
	char *mapped = map(200 * 4096, MAP_SHARED, fd);
	madvise(mapped, 200 * 4096, MADV_RANDOM);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	count(truth, "major", touch_major, mapped, 200, 4096);
	count(truth, "copied", touch_copied, map(150 * 4096, MAP_PRIVATE, fd), 150, 4096);
	unlink(path);
	count(truth, "deleted", touch_deleted, map(120 * 4096, MAP_PRIVATE, fd), 120, 4096);
}

/* Fields 10 and 12, behind the comm. */
static void add_stat(struct truth *truth)
{
	char text[1024];
	unsigned long minor, major;
	int fd = open("/proc/self/stat", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	char *behind = strrchr(text, ')');
	if (!behind ||
	    sscanf(behind, ") %*s %*s %*s %*s %*s %*s %*s %lu %*s %lu", &minor, &major) != 2)
		fail("/proc/self/stat");
	add(truth, "stat", "minor", minor);
	add(truth, "stat", "major", major);
}

int main(int argc, char **argv)
{
	static struct truth truth;
	char warm[16 << 10];

	if (argc < 2)
		return 2;
	for (size_t i = 0; i < sizeof(warm); i += 4096)
		use(warm + i);
	count(&truth, "warm", touch_anonymous, map(4096, MAP_PRIVATE | MAP_ANONYMOUS, -1), 1, 4096);
	truth.length = 0;
	count(&truth, "anonymous", touch_anonymous,
	      plain(map(300 * 4096, MAP_PRIVATE | MAP_ANONYMOUS, -1), 300 * 4096), 300, 4096);
	count(&truth, "heap", touch_heap, heap_pages(250 * 4096), 250, 4096);
	count(&truth, "stack", touch_stack, warm, 180, 4096);
	count(&truth, "memfd", touch_memfd, memfd_pages(170 * 4096), 170, 4096);
	count(&truth, "shared", touch_shared, map(160 * 4096, MAP_SHARED | MAP_ANONYMOUS, -1), 160,
	      4096);
	count(&truth, "huge", touch_huge, huge_pages(7), 7, HUGE);
	count(&truth, "hugetlb", touch_hugetlb,
	      map(5 * HUGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB, -1), 5, HUGE);
	files(&truth, argv[1]);
	add_stat(&truth);
	truth_write(&truth, STDOUT_FILENO);
	return 0;
}
