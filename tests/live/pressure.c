/*
 * Programs under memory pressure whose part in it is known. Each prints what it did, a line
 * "key value" each:
 *
 * pressure oom ANON SHMEM    a child holds so many MB and offers itself as the victim; the parent
 *                            uses memory until the child is gone
 * pressure swap MB ROUNDS    sends so many MB to swap and reads them again
 */
#include "tests/live/oracle.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

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

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int words;
		int (*run)(struct truth *truth, char **argv);
	} modes[] = {
		{ "oom", 2, run_oom },
		{ "swap", 2, run_swap },
	};
	static struct truth truth;

	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(argv[1], modes[i].name) || argc < modes[i].words + 2)
			continue;
		int err = modes[i].run(&truth, argv + 2);

		truth_write(&truth, STDOUT_FILENO);
		return err;
	}
	fprintf(stderr, "usage: pressure oom|swap NUMBER NUMBER\n");
	return 2;
}
