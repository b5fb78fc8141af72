/*
 * handover exit|exec|borrow: a process changes under a recording that began before: its first
 * thread ends before another one; another thread than the first runs a new program; a child runs
 * one while it borrows the process's memory. Waits for SIGUSR1 after "ready", then allocates and
 * frees CALLS blocks of SIZE bytes before and after; the new program does as it begins, after a
 * second in which it can be probed.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS = 1000, SIZE = 4321 };

static volatile uintptr_t sink;
static const char *mode;

static void work(void)
{
	for (int i = 0; i < CALLS; i++) {
		void *block = malloc(SIZE);
		sink = (uintptr_t)block;
		free(block);
	}
}

static void run_program(void)
{
	execl("/proc/self/exe", "handover", "program", NULL);
	_exit(1);
}

/* The first thread has ended by then, if it ends. */
static void *other(void *unused)
{
	usleep(200000);
	work();
	if (!strcmp(mode, "exec"))
		run_program();
	return unused;
}

static int borrow(void)
{
	int status = 1;
	pid_t child = vfork();
	if (!child)
		run_program();
	return child < 0 || waitpid(child, &status, 0) != child || status;
}

static void wait_for_signal(void)
{
	sigset_t set;
	int signal;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (write(STDOUT_FILENO, "ready\n", 6) == 6)
		sigwait(&set, &signal);
}

int main(int argc, char **argv)
{
	pthread_t thread;
	if (argc != 2)
		return 2;
	mode = argv[1];
	if (!strcmp(mode, "program")) {
		sleep(1);
		work();
		return 0;
	}
	wait_for_signal();
	work();
	if (!strcmp(mode, "borrow"))
		return borrow();
	if (pthread_create(&thread, NULL, other, NULL))
		return 1;
	if (!strcmp(mode, "exit"))
		pthread_exit(NULL);
	return pthread_join(thread, NULL);
}
