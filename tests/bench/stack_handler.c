/*
 * stack_handler none|fp|unwind|copy fault|malloc FRAMES SAMPLES: how long the recorder's program
 * runs inside one page fault, or one malloc, its entry and its return, with a stack of so many
 * frames: the tenth, the median and the ninth tenth in nanoseconds. A process reads before and
 * after each of its events how long the program has run in all (kernel.bpf_stats_enabled), so the
 * program is the recorder's own, and a sample is one event. What was seen beside another event, as
 * faults of other processes are, is no sample.
 */
#include <execinfo.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "tests/bench/ways.h"

enum { PROGRAMS_MAX = 8, PAGE = 4096, WARM = 2000, FRAMES_MAX = 64, TRIES = 4 };

/* What the process that is recorded is told, and measures. */
struct work {
	bool faults;
	int frames, samples;
	uint32_t ids[PROGRAMS_MAX]; /* of the programs; 0: none */
	int fds[PROGRAMS_MAX];
	char *pages;
	long page;
	uint64_t *ns;
	int count;
};

static volatile uintptr_t sink;

/* ---- the process that is recorded */

static void programs_read(const struct work *work, uint64_t *runs, uint64_t *ns)
{
	*runs = *ns = 0;
	for (int i = 0; i < PROGRAMS_MAX && work->ids[i]; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);
		must(bpf_obj_get_info_by_fd(work->fds[i], &info, &size) ? -errno : 0, "program");
		*runs += info.run_cnt;
		*ns += info.run_time_ns;
	}
}

/* One event, of the function that this is part of. */
static inline __attribute__((always_inline)) uint64_t sample(struct work *work, uint64_t *runs)
{
	uint64_t runs_before, before, after;
	void *block = NULL;
	programs_read(work, &runs_before, &before);
	if (work->faults)
		work->pages[work->page++ * PAGE] = 1;
	else
		block = malloc(64);
	programs_read(work, runs, &after);
	sink = (uintptr_t)block;
	free(block);
	*runs -= runs_before;
	return after - before;
}

/* Those of the first half are not kept: tables are made, and caches filled. */
static void samples_take(struct work *work)
{
	const uint64_t runs_wanted = work->faults ? 1 : 2;
	uint64_t runs, ns;
	for (int i = 0; i < WARM; i++) {
		sample(work, &runs);
		if (i == WARM / 2)
			usleep(500000);
	}
	for (int i = 0; work->count < work->samples && i < TRIES * work->samples; i++) {
		ns = sample(work, &runs);
		if (runs == runs_wanted)
			work->ns[work->count++] = ns;
	}
}

/* So many frames more; not a tail call. */
static int descend(struct work *work, int more)
{
	if (more > 1)
		return descend(work, more - 1) + 1;
	samples_take(work);
	return 0;
}

/* There are at least those from here to the thread's outermost, samples_take and malloc. */
static void *thread_run(void *context)
{
	struct work *work = context;
	void *addresses[FRAMES_MAX];
	int more = work->frames - backtrace(addresses, FRAMES_MAX) - 1 - !work->faults;
	must(more < 0 ? -ERANGE : 0, "frames");
	if (more)
		descend(work, more);
	else
		samples_take(work);
	return NULL;
}

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
	return a < b ? -1 : a > b;
}

static int child_run(struct work *work, int gate)
{
	pthread_t thread;
	size_t pages = (size_t)TRIES * (size_t)work->samples + WARM;
	if (read(gate, work->ids, sizeof(work->ids)) != sizeof(work->ids))
		return 1;
	for (int i = 0; i < PROGRAMS_MAX && work->ids[i]; i++) {
		work->fds[i] = bpf_prog_get_fd_by_id(work->ids[i]);
		must(work->fds[i] < 0 ? -errno : 0, "program");
	}
	work->ns = calloc((size_t)work->samples, sizeof(*work->ns));
	work->pages = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!work->ns || work->pages == MAP_FAILED ||
	    madvise(work->pages, pages * PAGE, MADV_NOHUGEPAGE))
		must(-errno, "memory");
	must(-pthread_create(&thread, NULL, thread_run, work), "thread");
	pthread_join(thread, NULL);
	if (work->count < work->samples)
		must(-EAGAIN, "too many events of others");
	qsort(work->ns, (size_t)work->count, sizeof(*work->ns), compare);
	printf("%lu %lu %lu\n", (unsigned long)work->ns[work->count / 10],
	       (unsigned long)work->ns[work->count / 2],
	       (unsigned long)work->ns[work->count * 9 / 10]);
	return 0;
}

/* ---- the one that records it */

static void work_programs(struct work *work, const struct ladder *ladder)
{
	int n = 0;
	for (int i = 0; i < ladder->object_count; i++) {
		struct bpf_program *program;
		struct program_name name;
		if (!ladder->objects[i].bpf)
			continue;
		bpf_object__for_each_program(program, ladder->objects[i].bpf) {
			struct bpf_prog_info info = { 0 };
			uint32_t size = sizeof(info);
			if (!takes_stacks(program, &name) || n == PROGRAMS_MAX ||
			    (work->faults ? strcmp(name.source, "fault")
					  : strcmp(name.event, "malloc")))
				continue;
			must(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) ? -errno
											    : 0,
			     "program");
			work->ids[n++] = info.id;
		}
	}
	must(n ? 0 : -ENOENT, "programs");
}

int main(int argc, char **argv)
{
	static struct ways ways;
	static struct work work;
	int gate[2], status;
	if (argc != 5)
		return 2;
	work.faults = !strcmp(argv[2], "fault");
	work.frames = atoi(argv[3]);
	work.samples = atoi(argv[4]);
	must(pipe(gate) ? -errno : 0, "pipe");
	pid_t child = fork();
	must(child < 0 ? -errno : 0, "fork");
	if (!child)
		return child_run(&work, gate[0]);
	ways_open(&ways, argv[1], (uint32_t)child);
	work_programs(&work, &ways.ladder);
	must(write(gate[1], work.ids, sizeof(work.ids)) < 0 ? -errno : 0, "pipe");
	while (!waitpid(child, &status, WNOHANG)) {
		struct pollfd wanted = { ways.unwind ? unwind_fd(ways.unwind) : -1, POLLIN, 0 };
		poll(&wanted, 1, 1);
		ways_serve(&ways);
	}
	ways_close(&ways);
	return status != 0;
}
