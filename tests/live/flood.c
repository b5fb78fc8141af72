/*
 * flood RATE SECONDS [THREADS]: calls malloc and free at RATE calls a second in all, from 1,000
 * different stacks, in bursts of a millisecond. Prints how many calls it made, in how many
 * milliseconds. What the recorder is to keep up with.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { STACKS = 1000, THREADS_MAX = 64, BURST_NS = 1000000 };

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

struct flooder {
	pthread_t thread;
	int64_t burst, end;
	uint64_t pairs;
};

static void *flood(void *argument)
{
	struct flooder *flooder = argument;
	for (int64_t next = now(); next < flooder->end; next += BURST_NS) {
		for (int64_t i = 0; i < flooder->burst; i++, flooder->pairs++)
			left((unsigned)(flooder->pairs % STACKS), 10, 16 + flooder->pairs % 1009);
		wait_until(next);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc != 3 && argc != 4)
		return 2;
	static struct flooder flooders[THREADS_MAX];
	int64_t begin = now(), rate = atoll(argv[1]), end = begin + atoll(argv[2]) * 1000000000LL;
	int threads = argc == 4 ? atoi(argv[3]) : 1;
	uint64_t pairs = 0;
	if (threads < 1 || threads > THREADS_MAX)
		return 2;
	for (int i = 0; i < threads; i++)
		flooders[i] = (struct flooder){
			.burst = rate / 2 / threads / (1000000000 / BURST_NS), .end = end
		};
	/* The first one is this thread: a thread's beginning and end allocate and free. */
	for (int i = 1; i < threads; i++)
		if (pthread_create(&flooders[i].thread, NULL, flood, &flooders[i]))
			return 1;
	flood(&flooders[0]);
	for (int i = 1; i < threads; i++)
		pthread_join(flooders[i].thread, NULL);
	for (int i = 0; i < threads; i++)
		pairs += flooders[i].pairs;
	/* Not through stdio, which would allocate. */
	char text[64];
	int length = snprintf(text, sizeof(text), "calls %ju\nms %jd\n", (uintmax_t)(2 * pairs),
			      (intmax_t)((now() - begin) / 1000000));
	return write(STDOUT_FILENO, text, (size_t)length) != length;
}
