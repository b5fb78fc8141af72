/*
 * Programs under memory pressure whose part in it is known. Each prints what it did, a line
 * "key value" each:
 *
 * pressure oom ANON SHMEM    a child holds so many MB and offers itself as the victim; the parent
 *                            uses memory until the child is gone
 * pressure swap MB ROUNDS    sends so many MB to swap and reads them again
 * pressure huge N N          touches so many transparent huge pages, has so many others collapsed
 * pressure rss MB STEPS      grows by so many MB in so many steps, of each kind of memory, and
 * shrinks; after each step what /proc/self/status says, and when pressure hugetlb N N       touches
 * so many pages of hugetlb, as often
 */
#include "tests/live/oracle.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

static const size_t megabyte = 1 << 20;

static size_t megabytes(const char *text)
{
	return (size_t)atol(text) * megabyte;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd))
		fail(path);
}

/* oom */

static void be_victim(size_t anonymous, size_t shared, int ready)
{
	char *shmem = mmap(NULL, shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	prctl(PR_SET_NAME, "victim");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	write_file("/proc/self/oom_score_adj", "1000");
	if (shmem == MAP_FAILED)
		fail("mmap");
	memset(shmem, 1, shared);
	memset(map_pages(anonymous, 0), 1, anonymous);
	if (write(ready, "", 1) != 1)
		fail("write");
	for (;;)
		pause();
}

static int run_oom(struct truth *truth, char **argv)
{
	int ready[2], status;
	char byte;

	if (pipe(ready))
		fail("pipe");
	pid_t victim = fork();
	if (!victim)
		be_victim(megabytes(argv[0]), megabytes(argv[1]), ready[1]);
	if (victim < 0 || read(ready[0], &byte, 1) != 1)
		fail("fork");
	while (!waitpid(victim, &status, WNOHANG))
		memset(map_pages(megabyte, 0), 1, megabyte);
	truth_add(truth, "trigger", getpid());
	truth_add(truth, "victim", victim);
	truth_add(truth, "signal", WTERMSIG(status));
	return 0;
}

/* swap */

/* Of pages that are all zero the kernel only remembers that they are. */
static void fill(char *pages, size_t size)
{
	for (size_t at = 0; at < size; at += sizeof(uint64_t))
		*(uint64_t *)(pages + at) = at * 0x9E3779B97F4A7C15ULL | 1;
}

static void send_out(char *pages, size_t size)
{
	if (madvise(pages, size, MADV_PAGEOUT))
		fail("MADV_PAGEOUT");
}

static void read_back(const volatile char *pages, size_t size)
{
	for (size_t at = 0; at < size; at += page_size())
		(void)pages[at];
}

static size_t resident_pages(char *pages, size_t size)
{
	size_t n = size / page_size(), resident = 0;
	unsigned char *state = malloc(n);

	if (!state || mincore(pages, size, state))
		fail("mincore");
	for (size_t i = 0; i < n; i++)
		resident += state[i] & 1;
	free(state);
	return resident;
}

static int run_swap(struct truth *truth, char **argv)
{
	size_t size = megabytes(argv[0]), rounds = atol(argv[1]), out = 0;
	char *pages = map_pages(size, 0);

	if (madvise(pages, size, MADV_NOHUGEPAGE) && errno != EINVAL)
		fail("MADV_NOHUGEPAGE");
	for (size_t i = 0; i < rounds; i++) {
		fill(pages, size);
		send_out(pages, size);
		out += size / page_size() - resident_pages(pages, size);
		read_back(pages, size);
	}
	truth_add(truth, "pid", getpid());
	truth_add(truth, "pages", size / page_size() * rounds);
	truth_add(truth, "out_pages", out);
	return 0;
}

/* huge */

static const size_t huge_page = 2 << 20;

static char *map_huge(size_t n, int advice)
{
	uintptr_t place = (uintptr_t)map_pages((n + 1) * huge_page, 0);
	char *pages = (char *)((place + huge_page - 1) & ~(huge_page - 1));

	if (madvise(pages, n * huge_page, advice))
		fail("madvise");
	return pages;
}

/* So many huge pages does the kernel say that the process has. */
static size_t huge_pages(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	size_t kb = 0;

	if (!file)
		fail("smaps_rollup");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "AnonHugePages: %zu kB", &kb) == 1)
			break;
	fclose(file);
	return kb / 2048;
}

static void touch_huge(volatile char *pages, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pages[i * huge_page] = 1;
}

static void collapse(char *pages, size_t n)
{
	memset(pages, 1, n * huge_page);
	if (madvise(pages, n * huge_page, MADV_HUGEPAGE) ||
	    madvise(pages, n * huge_page, 25 /* MADV_COLLAPSE, since 6.1 */))
		fail("MADV_COLLAPSE");
}

static int run_huge(struct truth *truth, char **argv)
{
	size_t faults = atol(argv[0]), collapses = atol(argv[1]), before;

	touch_huge(map_huge(faults, MADV_HUGEPAGE), faults);
	before = huge_pages();
	truth_add(truth, "pid", getpid());
	truth_add(truth, "huge_faults", before);
	collapse(map_huge(collapses, MADV_NOHUGEPAGE), collapses);
	truth_add(truth, "collapses", huge_pages() - before);
	return 0;
}

static int run_hugetlb(struct truth *truth, char **argv)
{
	size_t n = atol(argv[0]), rounds = atol(argv[1]);

	for (size_t i = 0; i < rounds; i++) {
		char *pages = map_pages(n * huge_page, MAP_HUGETLB);

		touch_huge(pages, n);
		munmap(pages, n * huge_page);
	}
	truth_add(truth, "pid", getpid());
	truth_add(truth, "hugetlb_faults", n * rounds);
	return 0;
}

/* rss */

static size_t status_kb(const char *status, const char *key)
{
	const char *line = strstr(status, key);

	return line ? strtoul(line + strlen(key), NULL, 10) : 0;
}

/* "at NS RSSANON RSSFILE RSSSHMEM", in KB; the sleep before keeps rows of this step and the next
 * apart. */
static void tell_rss(void)
{
	static char status[4096];
	struct timespec now, rest = { 0, 20000000 };
	int fd;

	nanosleep(&rest, NULL);
	fd = open("/proc/self/status", O_RDONLY);
	if (fd < 0 || read(fd, status, sizeof(status) - 1) <= 0 || close(fd))
		fail("/proc/self/status");
	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("at %jd %zu %zu %zu\n", (intmax_t)now.tv_sec * 1000000000 + now.tv_nsec,
	       status_kb(status, "RssAnon:"), status_kb(status, "RssFile:"),
	       status_kb(status, "RssShmem:"));
}

static char *map_shared(size_t size)
{
	char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		fail("mmap");
	return pages;
}

static char *map_scratch(size_t size)
{
	int fd = open_scratch(size);
	char *pages = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	if (pages == MAP_FAILED || close(fd))
		fail("mmap");
	return pages;
}

static int run_rss(struct truth *truth, char **argv)
{
	size_t size = megabytes(argv[0]), steps = atol(argv[1]), step = size / steps;
	char *kinds[] = { map_pages(size, 0), map_shared(size), map_scratch(size) };

	for (size_t kind = 0; kind < 3; kind++) {
		for (size_t i = 0; i < steps; i++) {
			char *part = kinds[kind] + i * step;

			if (kind < 2)
				memset(part, 1, step);
			else
				read_back(part, step);
			tell_rss();
		}
	}
	for (size_t kind = 0; kind < 3; kind++) {
		munmap(kinds[kind], size);
		tell_rss();
	}
	fflush(stdout);
	truth_add(truth, "pid", getpid());
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int words;
		int (*run)(struct truth *truth, char **argv);
	} modes[] = {
		{ "oom", 2, run_oom }, { "swap", 2, run_swap },       { "huge", 2, run_huge },
		{ "rss", 2, run_rss }, { "hugetlb", 2, run_hugetlb },
	};
	static struct truth truth;

	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(argv[1], modes[i].name) || argc < modes[i].words + 2)
			continue;
		int err = modes[i].run(&truth, argv + 2);

		truth_write(&truth, STDOUT_FILENO);
		return err;
	}
	fprintf(stderr, "usage: pressure oom|swap|huge|rss|hugetlb NUMBER NUMBER\n");
	return 2;
}
