/* The oracle's mode heap: a function for each way to allocate, to leak and to fail. */
#ifndef TESTS_LIVE_ORACLE_HEAP_H
#define TESTS_LIVE_ORACLE_HEAP_H

#include "tests/live/oracle.h"

#include <string.h>
#include <sys/wait.h>

/* What leaks. The sizes tell the sites apart. */

enum {
	MALLOC_SIZE = 101,
	CALLOC_SIZE = 3 * 67,
	REALLOC_SIZE = 303,
	MEMALIGN_SIZE = 404,
	ALIGNED_SIZE = 512,
	STRDUP_SIZE = 51,
	THREAD_SIZE = 55,
	CHILD_SIZE = 808,
	BEFORE_EXEC_SIZE = 66,
	AFTER_EXEC_SIZE = 909,
};

static void leak_malloc(long n)
{
	while (n--)
		use(malloc(MALLOC_SIZE));
}

static void leak_calloc(long n)
{
	while (n--)
		use(calloc(3, CALLOC_SIZE / 3));
}

static void leak_realloc(long n)
{
	while (n--)
		use(realloc(use(malloc(10)), REALLOC_SIZE));
}

static void leak_memalign(long n)
{
	void *block;

	while (n--) {
		if (posix_memalign(&block, 64, MEMALIGN_SIZE))
			fail("posix_memalign");
		use(block);
	}
}

static void leak_aligned(long n)
{
	while (n--)
		use(aligned_alloc(64, ALIGNED_SIZE));
}

static void leak_strdup(long n)
{
	static const char text[STRDUP_SIZE] = "the library allocates this and its caller leaks it";

	while (n--)
		use(strdup(text));
}

static void leak_thread(long n)
{
	while (n--)
		use(malloc(THREAD_SIZE));
}

static void leak_child(long n)
{
	while (n--)
		use(malloc(CHILD_SIZE));
}

static void leak_before_exec(long n)
{
	while (n--)
		use(malloc(BEFORE_EXEC_SIZE));
}

static void leak_after_exec(long n)
{
	while (n--)
		use(malloc(AFTER_EXEC_SIZE));
}

/* What is freed, and what fails. */

static void temporary_malloc(long n)
{
	while (n--)
		free(use(malloc(1000)));
}

static void temporary_calloc(long n)
{
	while (n--)
		free(use(calloc(10, 100)));
}

static void temporary_realloc(long n)
{
	while (n--)
		free(use(realloc(use(realloc(NULL, 20)), 2000)));
}

static void temporary_memalign(long n)
{
	void *block;

	while (n--) {
		if (posix_memalign(&block, 4096, 100))
			fail("posix_memalign");
		free(use(block));
	}
}

static void failing_realloc(long n)
{
	volatile size_t huge = PTRDIFF_MAX / 2;
	void *block;

	while (n--) {
		block = use(malloc(77));
		sink = realloc(sink, huge);
		if (sink)
			fail("a huge realloc should");
		free(block);
	}
}

static void failing_malloc(long n)
{
	volatile size_t huge = PTRDIFF_MAX / 2;

	while (n--) {
		sink = malloc(huge);
		if (sink)
			fail("a huge malloc should");
	}
}

static void realloc_to_nothing(long n)
{
	volatile size_t nothing = 0;

	while (n--)
		sink = realloc(use(malloc(88)), nothing);
}

static void free_nothing(long n)
{
	while (n--) {
		sink = NULL;
		free(sink);
	}
}

struct batch {
	long n;
	void **blocks;
};

static void make_blocks(struct batch *batch, size_t size)
{
	for (long i = 0; i < batch->n; i++)
		batch->blocks[i] = use(malloc(size));
}

static void free_blocks(struct batch *batch)
{
	for (long i = 0; i < batch->n; i++)
		free(batch->blocks[i]);
}

static void *heap_thread(void *argument)
{
	struct batch *batch = argument;

	leak_thread(batch->n);
	free_blocks(batch);
	temporary_malloc(batch->n);
	return NULL;
}

static void heap_threads(long n)
{
	pthread_t threads[4];
	struct batch batches[4];

	for (int i = 0; i < 4; i++) {
		batches[i] = (struct batch){ n, map_pages(n * sizeof(void *), 0) };
		make_blocks(&batches[i], 60);
		start(&threads[i], heap_thread, &batches[i]);
	}
	join_all(threads, 4);
}

static pid_t finish(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child || status)
		fail("child");
	return child;
}

static pid_t heap_child(long n)
{
	struct batch inherited = { n, map_pages(n * sizeof(void *), 0) };
	pid_t child;

	make_blocks(&inherited, 70);
	child = fork();
	if (!child) {
		free_blocks(&inherited);
		leak_child(n);
		_exit(0);
	}
	finish(child);
	free_blocks(&inherited);
	return child;
}

static pid_t heap_exec(long n)
{
	char count[24];
	pid_t child;

	snprintf(count, sizeof(count), "%ld", n);
	child = fork();
	if (!child) {
		leak_before_exec(n);
		execl("/proc/self/exe", "oracle", "heap-after-exec", count, NULL);
		fail("exec");
	}
	return finish(child);
}

static void add_leak(struct truth *truth, const char *site, long blocks, size_t size)
{
	char key[64];

	snprintf(key, sizeof(key), "%s_blocks", site);
	truth_add(truth, key, blocks);
	snprintf(key, sizeof(key), "%s_bytes", site);
	truth_add(truth, key, blocks * size);
}

static void run_heap_sites(struct truth *truth, long n)
{
	static const struct {
		const char *name;
		void (*run)(long n);
		int times;
		size_t size;
	} sites[] = {
		{ "leak_malloc", leak_malloc, 1, MALLOC_SIZE },
		{ "leak_calloc", leak_calloc, 2, CALLOC_SIZE },
		{ "leak_realloc", leak_realloc, 3, REALLOC_SIZE },
		{ "leak_memalign", leak_memalign, 4, MEMALIGN_SIZE },
		{ "leak_aligned", leak_aligned, 5, ALIGNED_SIZE },
		{ "leak_strdup", leak_strdup, 6, STRDUP_SIZE },
		{ "temporary_malloc", temporary_malloc, 1, 0 },
		{ "temporary_calloc", temporary_calloc, 1, 0 },
		{ "temporary_realloc", temporary_realloc, 1, 0 },
		{ "temporary_memalign", temporary_memalign, 1, 0 },
		{ "failing_realloc", failing_realloc, 1, 0 },
		{ "failing_malloc", failing_malloc, 1, 0 },
		{ "realloc_to_nothing", realloc_to_nothing, 1, 0 },
		{ "free_nothing", free_nothing, 1, 0 },
	};

	for (size_t i = 0; i < sizeof(sites) / sizeof(*sites); i++) {
		sites[i].run(sites[i].times * n);
		add_leak(truth, sites[i].name, sites[i].size ? sites[i].times * n : 0,
			 sites[i].size);
	}
}

/* Blocks of leak_child, leak_before_exec and leak_after_exec are other processes'. */
static int run_heap(struct truth *truth, char **argv)
{
	long n = atol(argv[0]);

	run_heap_sites(truth, n);
	heap_threads(n);
	add_leak(truth, "leak_thread", 4 * n, THREAD_SIZE);
	truth_add(truth, "pid", getpid());
	truth_add(truth, "child_pid", heap_child(n));
	add_leak(truth, "leak_child", n, CHILD_SIZE);
	truth_add(truth, "child_inherited_frees", n);
	truth_add(truth, "exec_pid", heap_exec(n));
	add_leak(truth, "leak_before_exec", n, BEFORE_EXEC_SIZE);
	add_leak(truth, "leak_after_exec", n, AFTER_EXEC_SIZE);
	return 0;
}

static int run_heap_after_exec(struct truth *truth, char **argv)
{
	(void)truth;
	leak_after_exec(atol(argv[0]));
	return 0;
}

#endif
