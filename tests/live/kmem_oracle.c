/*
 * Makes the kernel allocate known numbers: kmem_oracle N. Eventfds are each an object of kmalloc
 * and a file, pipes hold pages until they are read, BPF maps have memory for each CPU. Half of the
 * eventfds are closed again; then it says so and waits for its standard input to end.
 */
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PIPES = 100, PIPE_PAGES = 16, PAGE = 4096, MAPS = 20, ENTRIES = 50 };

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* The kernel's own count, made of whole slabs. */
static long active_objects(const char *cache)
{
	char line[512], name[64];
	long active, found = -1;
	FILE *file = fopen("/proc/slabinfo", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %ld", name, &active) == 2 && !strcmp(name, cache))
			found = active;
	if (file)
		fclose(file);
	return found;
}

static void open_eventfds(int *fds, int n)
{
	for (int i = 0; i < n; i++)
		if ((fds[i] = eventfd(0, EFD_CLOEXEC)) < 0)
			fail("eventfd");
}

static void fill_pipes(void)
{
	static const char page[PAGE];
	int ends[2];

	for (int i = 0; i < PIPES; i++) {
		if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
			fail("pipe2");
		for (int j = 0; j < PIPE_PAGES; j++)
			if (write(ends[1], page, PAGE) != PAGE)
				fail("write");
	}
}

static void make_maps(void)
{
	union bpf_attr attributes = {
		.map_type = BPF_MAP_TYPE_PERCPU_ARRAY,
		.key_size = 4,
		.value_size = 64,
		.max_entries = ENTRIES,
	};

	for (int i = 0; i < MAPS; i++)
		if (syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes)) < 0)
			fail("bpf");
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1000, *fds = calloc((size_t)n, sizeof(*fds));
	struct rlimit limit = { (rlim_t)n + 1000, (rlim_t)n + 1000 };
	char byte;

	if (!fds || setrlimit(RLIMIT_NOFILE, &limit))
		fail("limit");
	long before = active_objects("filp");
	open_eventfds(fds, n);
	long after = active_objects("filp");
	for (int i = 0; i < n / 2; i++)
		close(fds[i]);
	fill_pipes();
	make_maps();
	printf("eventfds %d\nheld %d\nfilp %ld\npipe_pages %d\npercpu %d\n", n, n - n / 2,
	       after - before, PIPES * PIPE_PAGES, MAPS * ENTRIES);
	fflush(stdout);
	return read(0, &byte, 1) < 0;
}
