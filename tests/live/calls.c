/*
 * calls all           every system call about memory a known number of times, failing ones too
 * calls hold SECONDS  attaches a segment twice, and a child that inherits both; both wait
 *
 * Each call is made by a function do_NAME, so that it is told apart from the C library's by its
 * stack. Prints how many: a line "NAME calls failed" each.
 */
#include "tests/live/oracle.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { TIMES = 50, THREADS = 4, THREAD_TIMES = 100, STEP = 256 << 10 };

#define PAGE 4096UL

struct count {
	const char *name;
	long calls, failed;
};

static struct count counts[32];
static long thread_calls;

/* One call was made; whether it failed must be as expected. */
static void note(const char *name, int failed, int wanted)
{
	struct count *count = counts;

	if (failed != wanted)
		fail(name);
	while (count->name && strcmp(count->name, name))
		count++;
	count->name = name;
	count->calls++;
	count->failed += failed;
}

static void *do_mmap(size_t size, int protection, int flags, int fd, off_t offset, int fails)
{
	void *pages = mmap(NULL, size, protection, flags, fd, offset);

	note("mmap", pages == MAP_FAILED, fails);
	return pages;
}

static void do_munmap(void *at, size_t size, int fails)
{
	note("munmap", munmap(at, size) != 0, fails);
}

static void *do_mremap(void *at, size_t before, size_t after, int flags, void *to, int fails)
{
	void *pages = mremap(at, before, after, flags, to);

	note("mremap", pages == MAP_FAILED, fails);
	return pages;
}

static void do_madvise(void *at, size_t size, int advice, int fails)
{
	note("madvise", madvise(at, size, advice) != 0, fails);
}

static void do_mprotect(void *at, size_t size, int protection, int fails)
{
	note("mprotect", mprotect(at, size, protection) != 0, fails);
}

static void do_mlock(void *at, size_t size, int fails)
{
	note("mlock", mlock(at, size) != 0, fails);
}

static void do_mlock2(void *at, size_t size)
{
	note("mlock2", mlock2(at, size, MLOCK_ONFAULT) != 0, 0);
}

static void do_munlock(void *at, size_t size)
{
	note("munlock", munlock(at, size) != 0, 0);
}

static void do_mlockall(int flags, int fails)
{
	note("mlockall", mlockall(flags) != 0, fails);
}

static void do_munlockall(void)
{
	note("munlockall", munlockall() != 0, 0);
}

/* The system call itself: sbrk() would ask first. */
static char *do_brk(char *to, int fails)
{
	char *end = (char *)syscall(SYS_brk, to);

	note("brk", to && end != to, fails);
	return end;
}

static int do_shmget(key_t key, size_t size, int flags, int fails)
{
	int id = shmget(key, size, flags);

	note("shmget", id < 0, fails);
	return id;
}

static void *do_shmat(int id, int flags, int fails)
{
	void *at = shmat(id, NULL, flags);

	note("shmat", at == (void *)-1, fails);
	return at;
}

static void do_shmdt(void *at, int fails)
{
	note("shmdt", shmdt(at) != 0, fails);
}

static void do_shmctl(int id, int command, struct shmid_ds *status, int fails)
{
	note("shmctl", shmctl(id, command, status) != 0, fails);
}

static int do_memfd_create(const char *name, unsigned flags, int fails)
{
	int fd = memfd_create(name, flags);

	note("memfd_create", fd < 0, fails);
	return fd;
}

/* ---- what is done with them */

static void mappings(void)
{
	int own = MAP_PRIVATE | MAP_ANONYMOUS;

	for (int i = 0; i < TIMES; i++) {
		char *at = do_mmap(2 * PAGE, PROT_READ | PROT_WRITE, own, -1, 0, 0);

		do_mprotect(at, PAGE, PROT_READ, 0);
		do_madvise(at, 2 * PAGE, MADV_DONTNEED, 0);
		do_munmap(at, 2 * PAGE, 0);
	}
	do_mmap(0, PROT_READ, own, -1, 0, 1);                             /* EINVAL */
	do_mmap(PAGE, PROT_READ, MAP_PRIVATE, 999, 0, 1);                 /* EBADF */
	do_mmap(64UL << 30, PROT_READ, own, -1, 0, 1);                    /* ENOMEM, by the limit */
	do_munmap((void *)1, PAGE, 1);                                    /* EINVAL */
	do_mprotect((void *)PAGE, PAGE, PROT_READ, 1);                    /* ENOMEM */
	do_madvise((void *)(16 * PAGE), PAGE, 77, 1);                     /* EINVAL */
	do_mremap((void *)PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE, NULL, 1); /* EFAULT */
}

static void moves_and_locks(void)
{
	int own = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;
	char *at = do_mmap(4 * PAGE, rw, own | MAP_POPULATE, -1, 0, 0);
	char *to = do_mmap(16 * PAGE, rw, own | MAP_NORESERVE, -1, 0, 0);

	do_mlock(at, PAGE, 0);
	do_mlock2(at, 2 * PAGE);
	do_munlock(at, 2 * PAGE);
	do_mlock((void *)PAGE, PAGE, 1); /* ENOMEM */
	do_mlockall(MCL_FUTURE, 0);
	do_mlockall(0, 1); /* EINVAL */
	do_munlockall();
	at = do_mremap(at, 4 * PAGE, 2 * PAGE, 0, NULL, 0);
	at = do_mremap(at, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to, 0);
	do_munmap(at, 8 * PAGE, 0);
}

/* Grows by 16 steps, shrinks four times by one, fails once: 12 steps are left. */
static void heap_end(void)
{
	char *end = do_brk(NULL, 0);

	for (int i = 0; i < 16; i++)
		end = do_brk(end + STEP, 0);
	for (int i = 0; i < 4; i++)
		end = do_brk(end - STEP, 0);
	do_brk(end + (64UL << 30), 1);
}

static void segments(void)
{
	int kept = do_shmget(IPC_PRIVATE, 3 * PAGE, IPC_CREAT | 0600, 0), status;
	key_t key = (key_t)(0x6d740000 | (getpid() & 0xffff));
	int gone = do_shmget(key, 5 * PAGE, IPC_CREAT | IPC_EXCL | 0640, 0);
	struct shmid_ds ds;
	void *at = do_shmat(kept, 0, 0), *again = do_shmat(kept, SHM_RDONLY, 0);

	do_shmget(key, 5 * PAGE, IPC_CREAT | IPC_EXCL | 0640, 1); /* EEXIST */
	do_shmat(0x7fffffff, 0, 1);                               /* EINVAL */
	do_shmdt(again, 0);
	do_shmdt(again, 1); /* EINVAL */
	do_shmat(gone, 0, 0);
	do_shmctl(gone, IPC_RMID, NULL, 0);
	do_shmctl(0x7fffffff, IPC_STAT, &ds, 1); /* EINVAL */
	pid_t child = fork();
	if (!child)
		_exit(shmdt(at) != 0);
	if (waitpid(child, &status, 0) != child || status)
		fail("child");
	do_shmctl(kept, IPC_STAT, &ds, 0);
	if (ds.shm_nattch != 1)
		fail("nattch");
}

static void files(void)
{
	char name[64];
	int fd = do_memfd_create("memtape-calls", MFD_CLOEXEC | MFD_ALLOW_SEALING, 0);

	do_memfd_create("memtape-calls", 0x100, 1); /* EINVAL */
	if (ftruncate(fd, 2 * PAGE))
		fail("memfd");
	do_mmap(2 * PAGE, PROT_READ, MAP_SHARED, fd, 0, 0);
	snprintf(name, sizeof(name), "/memtape-calls-%d", getpid());
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || ftruncate(fd, 7 * PAGE))
		fail(name);
	do_mmap(5 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * PAGE, 0);
	shm_unlink(name);
}

static void *do_thread(void *argument)
{
	for (int i = 0; i < THREAD_TIMES; i++) {
		void *at = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (at == MAP_FAILED || munmap(at, PAGE))
			fail("thread");
		__atomic_fetch_add(&thread_calls, 2, __ATOMIC_RELAXED);
	}
	return argument;
}

static void all(struct truth *truth)
{
	struct rlimit limit = { 32UL << 30, 32UL << 30 };
	pthread_t threads[THREADS];

	if (setrlimit(RLIMIT_AS, &limit) || setrlimit(RLIMIT_DATA, &limit))
		fail("setrlimit");
	mappings();
	moves_and_locks();
	heap_end();
	segments();
	files();
	for (int i = 0; i < THREADS; i++)
		start(&threads[i], do_thread, NULL);
	join_all(threads, THREADS);
	for (struct count *count = counts; count->name; count++)
		truth->length += snprintf(truth->text + truth->length,
					  sizeof(truth->text) - truth->length, "do_%s %ld %ld\n",
					  count->name, count->calls, count->failed);
	truth->length += snprintf(truth->text + truth->length, sizeof(truth->text) - truth->length,
				  "do_thread %ld 0\n", thread_calls);
}

static void hold(struct truth *truth, int seconds)
{
	int id = do_shmget(IPC_PRIVATE, 9 * PAGE, IPC_CREAT | 0600, 0);

	do_shmat(id, 0, 0);
	do_shmat(id, SHM_RDONLY, 0);
	if (!fork()) {
		sleep((unsigned)seconds);
		_exit(0);
	}
	truth_add(truth, "shmid", (uint64_t)id);
	truth_write(truth, STDOUT_FILENO);
	sleep((unsigned)seconds);
	wait(NULL);
	do_shmctl(id, IPC_RMID, NULL, 0);
}

int main(int argc, char **argv)
{
	static struct truth truth;

	if (argc == 3 && !strcmp(argv[1], "hold")) {
		hold(&truth, atoi(argv[2]));
		return 0;
	}
	if (argc != 2 || strcmp(argv[1], "all"))
		return 2;
	all(&truth);
	truth_write(&truth, STDOUT_FILENO);
	return 0;
}
