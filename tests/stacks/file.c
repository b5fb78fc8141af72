/*
 * file [COUNT]: says "ready" and waits for SIGUSR1, so that something can happen to its file first;
 * then faults and allocates COUNT times from the bottom of a few frames.
 */
#include "tests/stacks/leaves.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

LEAVES(file)

HARD void file_frame(void)
{
	char array[200];
	KEEP(array);
	MAKE_EVENTS(file);
	KEEP(array);
}

HARD void file_caller(void)
{
	file_frame();
	STAY();
}

int main(int argc, char **argv)
{
	sigset_t set;
	int signal;
	events = argc > 1 ? atol(argv[1]) : EVENTS;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (write(STDOUT_FILENO, "ready\n", 6) != 6 || sigwait(&set, &signal))
		return 1;
	file_caller();
	return 0;
}
