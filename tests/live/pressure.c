/*
 * Programs under memory pressure whose part in it is known. Each prints what it did, a line
 * "key value" each:
 *
 * pressure oom ANON SHMEM    a child holds so many MB and offers itself as the victim; the parent
 *                            uses memory until the child is gone
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

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int words;
		int (*run)(struct truth *truth, char **argv);
	} modes[] = {
		{ "oom", 2, run_oom },
	};
	static struct truth truth;

	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(argv[1], modes[i].name) || argc < modes[i].words + 2)
			continue;
		int err = modes[i].run(&truth, argv + 2);

		truth_write(&truth, STDOUT_FILENO);
		return err;
	}
	fprintf(stderr, "usage: pressure oom MB MB\n");
	return 2;
}
