/*
 * handover exit|exec|borrow|alone: a process changes under a recording that began before: its first
 * thread ends before another one; another thread than the first runs a new program; a child runs
 * one while it borrows the process's memory. Waits for SIGUSR1 after "ready", then allocates and
 * frees CALLS blocks of SIZE bytes before and after; the new program does as it begins, after two
 * seconds in which it can be probed.
 * alone: after the first thread's end it does so once for each SIGUSR2, and says "worked"; for
 * SIGHUP another thread takes the place of this one, and says "changed".
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS = 1000, SIZE = 4321 };

static volatile uintptr_t sink;
static const char *mode;
static sigset_t signals;

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

static void say(const char *what)
{
	if (write(STDOUT_FILENO, what, strlen(what)) < 0)
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

static void *alone(void *before)
{
	pthread_t next;
	int signal;
	if (before) {
		pthread_join(*(pthread_t *)before, NULL);
		say("changed\n");
	}
	while (!sigwait(&signals, &signal)) {
		static pthread_t self;
		self = pthread_self();
		if (signal == SIGTERM)
			exit(0);
		if (signal == SIGHUP)
			return pthread_create(&next, NULL, alone, &self) ? before : NULL;
		work();
		say("worked\n");
	}
	return NULL;
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
	int signal;
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	say("ready\n");
	sigwait(&signals, &signal);
}

int main(int argc, char **argv)
{
	pthread_t thread;
	if (argc != 2)
		return 2;
	mode = argv[1];
	if (!strcmp(mode, "program")) {
		sleep(2);
		work();
		return 0;
	}
	wait_for_signal();
	work();
	if (!strcmp(mode, "borrow"))
		return borrow();
	bool stays = !strcmp(mode, "alone");
	if (pthread_create(&thread, NULL, stays ? alone : other, NULL))
		return 1;
	if (stays || !strcmp(mode, "exit"))
		pthread_exit(NULL);
	return pthread_join(thread, NULL);
}
