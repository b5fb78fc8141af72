/*
 * Programs whose use of memory is known. Each prints what it did, a line "key value" each:
 *
 * oracle heap N                 leaks and temporary blocks at named functions, in threads, a child,
 * behind an exec oracle faults MB [THREADS]    fresh anonymous pages, mapped files, populated
 * pages; its own fault counts oracle order SECONDS THREADS  blocks handed from thread to thread at
 * full speed oracle squeeze MB             reads a file of that size three times, over some
 * anonymous memory oracle wait MODE ...          prints "ready", waits for SIGUSR1, then goes on as
 * MODE
 */
#include "tests/live/oracle.h"
#include "tests/live/oracle_heap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>

#define THREADS_MAX 64

/* faults */

struct range {
	volatile char *pages;
	size_t n;
	size_t page;
};

static void *touch_fresh(void *argument)
{
	struct range *range = argument;

	for (size_t i = 0; i < range->n; i++)
		range->pages[i * range->page] = 1;
	return NULL;
}

static void touch_in_threads(size_t pages, int n_threads)
{
	struct range ranges[THREADS_MAX];
	pthread_t threads[THREADS_MAX];
	size_t page = page_size(), done = 0;
	char *all = map_pages(pages * page, 0);

	if (madvise(all, pages * page, MADV_NOHUGEPAGE) && errno != EINVAL)
		fail("MADV_NOHUGEPAGE");
	for (int i = 0; i < n_threads; i++) {
		size_t n = pages * (i + 1) / n_threads - done;

		ranges[i] = (struct range){ all + done * page, n, page };
		done += n;
		if (n_threads > 1)
			start(&threads[i], touch_fresh, &ranges[i]);
		else
			touch_fresh(&ranges[i]);
	}
	join_all(threads, n_threads > 1 ? n_threads : 0);
}

/* Twice when it is not in the page cache, which takes major faults, and twice when it is. */
static void touch_file(size_t pages)
{
	size_t page = page_size(), size = pages * page;
	int fd = open_scratch(size);
	volatile char *mapped = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	if (mapped == MAP_FAILED || madvise((void *)mapped, size, MADV_RANDOM))
		fail("mmap");
	for (int round = 0; round < 4; round++) {
		for (size_t at = 0; at < size; at += page)
			(void)mapped[at];
		madvise((void *)mapped, size, MADV_DONTNEED);
		if (round == 0)
			posix_fadvise(fd, 0, size, POSIX_FADV_DONTNEED);
	}
}

static void add_faults(struct truth *truth, const char *prefix, const struct rusage *usage)
{
	char key[32];

	snprintf(key, sizeof(key), "%s_minflt", prefix);
	truth_add(truth, key, usage->ru_minflt);
	snprintf(key, sizeof(key), "%s_majflt", prefix);
	truth_add(truth, key, usage->ru_majflt);
}

/*
 * The last counts are read when all that comes after them has been run once before, into another
 * file: it touches nothing new, so they are what the kernel has when the process is gone.
 */
static void finish_faults(struct truth *truth)
{
	int null = open("/dev/null", O_WRONLY);
	size_t length = truth->length;
	struct rusage usage;

	for (int fd = null;; fd = STDOUT_FILENO) {
		truth->length = length;
		if (getrusage(RUSAGE_SELF, &usage))
			fail("getrusage");
		add_faults(truth, "end", &usage);
		truth_write(truth, fd);
		if (fd == STDOUT_FILENO)
			syscall(SYS_exit_group, 0);
	}
}

static int run_faults(struct truth *truth, char **argv)
{
	size_t pages = atol(argv[0]) * ((1 << 20) / page_size()), part = 256;
	int n_threads = argv[1] ? atoi(argv[1]) : 1;
	struct rusage usage;

	if (n_threads < 1 || n_threads > THREADS_MAX || getrusage(RUSAGE_SELF, &usage))
		return 2;
	add_faults(truth, "start", &usage);
	touch_in_threads(pages, n_threads);
	touch_file(part);
	map_pages(part * page_size(), MAP_POPULATE);
	truth_add(truth, "anonymous_pages", pages);
	truth_add(truth, "file_pages", part);
	truth_add(truth, "populated_pages", part);
	finish_faults(truth);
	return 1;
}

/* order: each thread allocates, resizes, and hands over to the next one, which frees. */

#define RING_SIZE 256
#define ORDER_LEAKS 16
#define ORDER_LEAK_SIZE 128

/* One writer, one reader. */
struct ring {
	_Atomic(void *) slots[RING_SIZE];
	_Alignas(64) size_t written;
	_Alignas(64) size_t read;
};

struct worker {
	_Alignas(64) struct ring *in, *out;
	atomic_bool *stop;
	pthread_barrier_t *stopped;
	uint64_t mallocs, callocs, reallocs, frees;
};

static bool ring_put(struct ring *ring, void *block)
{
	_Atomic(void *) *slot = &ring->slots[ring->written % RING_SIZE];

	if (atomic_load_explicit(slot, memory_order_acquire))
		return false;
	atomic_store_explicit(slot, block, memory_order_release);
	ring->written++;
	return true;
}

static void *ring_take(struct ring *ring)
{
	_Atomic(void *) *slot = &ring->slots[ring->read % RING_SIZE];
	void *block = atomic_load_explicit(slot, memory_order_acquire);

	if (block) {
		atomic_store_explicit(slot, NULL, memory_order_release);
		ring->read++;
	}
	return block;
}

static void order_free(struct worker *worker, void *block)
{
	free(block);
	worker->frees++;
}

static void *order_allocate(struct worker *worker, uint64_t round)
{
	size_t size = 16 + round * 40 % 2000;
	void *block;

	if (round % 4 == 0) {
		worker->callocs++;
		block = use(calloc(1, size));
	} else {
		worker->mallocs++;
		block = use(malloc(size));
	}
	if (round % 3 == 0) {
		worker->reallocs++;
		block = use(realloc(block, 3 * size));
	}
	return block;
}

static void order_drain(struct worker *worker)
{
	void *block;

	while ((block = ring_take(worker->in))) {
		if (worker->frees % 5 == 0) {
			worker->reallocs++;
			block = use(realloc(block, 5000));
		}
		order_free(worker, block);
	}
}

static void leak_order(struct worker *worker)
{
	for (int i = 0; i < ORDER_LEAKS; i++) {
		use(malloc(ORDER_LEAK_SIZE));
		worker->mallocs++;
	}
}

static void *order_thread(void *argument)
{
	struct worker *worker = argument;
	void *block;

	for (uint64_t round = 0; !atomic_load_explicit(worker->stop, memory_order_relaxed);
	     round++) {
		block = order_allocate(worker, round);
		if (!ring_put(worker->out, block))
			order_free(worker, block);
		if (round % 8 == 0)
			order_drain(worker);
	}
	pthread_barrier_wait(worker->stopped);
	order_drain(worker);
	leak_order(worker);
	return NULL;
}

static void add_calls(struct truth *truth, const struct worker *workers, int n)
{
	struct worker sum = { 0 };

	for (int i = 0; i < n; i++) {
		sum.mallocs += workers[i].mallocs;
		sum.callocs += workers[i].callocs;
		sum.reallocs += workers[i].reallocs;
		sum.frees += workers[i].frees;
	}
	truth_add(truth, "malloc_calls", sum.mallocs);
	truth_add(truth, "calloc_calls", sum.callocs);
	truth_add(truth, "realloc_calls", sum.reallocs);
	truth_add(truth, "free_calls", sum.frees);
	truth_add(truth, "leak_order_blocks", n * ORDER_LEAKS);
	truth_add(truth, "leak_order_bytes", n * ORDER_LEAKS * ORDER_LEAK_SIZE);
}

static int run_order(struct truth *truth, char **argv)
{
	static struct worker workers[THREADS_MAX];
	static struct ring rings[THREADS_MAX];
	int n = argv[1] ? atoi(argv[1]) : 2;
	pthread_t threads[THREADS_MAX];
	pthread_barrier_t stopped;
	atomic_bool stop = false;

	if (n < 1 || n > THREADS_MAX)
		return 2;
	pthread_barrier_init(&stopped, NULL, n);
	for (int i = 0; i < n; i++) {
		workers[i] = (struct worker){ .in = &rings[i],
					      .out = &rings[(i + 1) % n],
					      .stop = &stop,
					      .stopped = &stopped };
		start(&threads[i], order_thread, &workers[i]);
	}
	sleep(atoi(argv[0]));
	atomic_store(&stop, true);
	join_all(threads, n);
	add_calls(truth, workers, n);
	return 0;
}

/* squeeze */

static int run_squeeze(struct truth *truth, char **argv)
{
	size_t size = (size_t)atol(argv[0]) << 20, anonymous = size / 8;
	static char block[1 << 20];
	struct rusage usage;
	uint64_t total = 0;
	ssize_t got;
	int fd = open_scratch(size);

	memset(map_pages(anonymous, 0), 1, anonymous);
	for (int round = 0; round < 3; round++) {
		for (size_t at = 0; at < size; at += got, total += got) {
			got = pread(fd, block, sizeof(block), at);
			if (got <= 0)
				fail("pread");
		}
	}
	getrusage(RUSAGE_SELF, &usage);
	truth_add(truth, "read_bytes", total);
	truth_add(truth, "anonymous_bytes", anonymous);
	add_faults(truth, "end", &usage);
	return 0;
}

static void wait_for_signal(void)
{
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (write(STDOUT_FILENO, "ready\n", 6) != 6 || sigwait(&set, &signal))
		fail("wait");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct truth *truth, char **argv);
	} modes[] = {
		{ "heap", run_heap },       { "heap-after-exec", run_heap_after_exec },
		{ "faults", run_faults },   { "order", run_order },
		{ "squeeze", run_squeeze },
	};
	static struct truth truth;
	int err = 2;

	if (argc > 1 && !strcmp(argv[1], "wait")) {
		wait_for_signal();
		argv++;
		argc--;
	}
	for (size_t i = 0; argc > 2 && i < sizeof(modes) / sizeof(*modes); i++) {
		if (!strcmp(argv[1], modes[i].name))
			err = modes[i].run(&truth, argv + 2);
	}
	if (err == 2)
		fprintf(stderr, "usage: oracle [wait] heap|faults|order|squeeze NUMBER [NUMBER]\n");
	else
		truth_write(&truth, STDOUT_FILENO);
	return err;
}
