/*
 * flood RATE SECONDS: calls malloc and free at RATE calls a second in all, from 1,000 different
 * stacks, in bursts of a millisecond. Prints how many calls it made. What the recorder is to keep
 * up with.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { STACKS = 1000, BURST_NS = 1000000 };

static volatile uintptr_t sink;

static void pair(size_t size)
{
	void *block = malloc(size);
	sink = (uintptr_t)block;
	free(block);
}

static void left(unsigned path, int depth, size_t size);

static void right(unsigned path, int depth, size_t size)
{
	if (depth)
		(path & 1 ? right : left)(path >> 1, depth - 1, size);
	else
		pair(size);
	sink++;
}

static void left(unsigned path, int depth, size_t size)
{
	if (depth)
		(path & 1 ? right : left)(path >> 1, depth - 1, size);
	else
		pair(size);
	sink++;
}

static int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void wait_until(int64_t ns)
{
	struct timespec time = { ns / 1000000000, ns % 1000000000 };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL))
		;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	int64_t rate = atoll(argv[1]), end = now() + atoll(argv[2]) * 1000000000LL;
	int64_t burst = rate / 2 / (1000000000 / BURST_NS), next = now();
	uint64_t pairs = 0;
	for (; next < end; next += BURST_NS) {
		for (int64_t i = 0; i < burst; i++, pairs++)
			left((unsigned)(pairs % STACKS), 10, 16 + pairs % 1009);
		wait_until(next);
	}
	/* Not through stdio, which would allocate. */
	char text[32];
	int length = snprintf(text, sizeof(text), "calls %ju\n", (uintmax_t)(2 * pairs));
	return write(STDOUT_FILENO, text, (size_t)length) != length;
}
