/*
 * processes N SECONDS: what the recorder's own code takes for the files of N idle processes (and of
 * those that run besides), read each second, and what that adds to a trace.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "recorder/processes.h"
#include "tests/check.h"

static void start_idle(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* they end with us */
		pause();
		_exit(0);
	}
}

static double cpu_ms(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

/* A round in steps of a millisecond; the longest step. */
static double round_take(struct processes *processes)
{
	int64_t begin, longest = 0, now = now_ns();
	int status;
	do {
		begin = now_ns();
		status = processes_step(processes, now, begin + 1000000);
		if (now_ns() - begin > longest)
			longest = now_ns() - begin;
	} while (status > 0);
	CHECK(!status);
	return (double)longest / 1e6;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1000, seconds = argc > 2 ? atoi(argv[2]) : 10;
	const struct writer_options how = { .session = "0123456789abcde", .level = 1 };
	struct definer definer = { 0 };
	struct processes *processes;
	struct tasks *tasks;
	struct host host;
	double longest = 0;
	struct rlimit files = { 20000, 20000 };

	setrlimit(RLIMIT_NOFILE, &files);
	start_idle(n);
	CHECK(!writer_open(open("/dev/null", O_WRONLY | O_CLOEXEC), &how, &definer.writer));
	host_read(&host);
	CHECK(!tasks_open(&definer, "", &host, &tasks));
	definer_epoch(&definer);
	struct processes_options options = {
		.writer = definer.writer, .tasks = tasks, .root = "", .interval_ns = 1
	};
	CHECK(!processes_open(&options, &processes));
	round_take(processes);
	CHECK(!writer_flush(definer.writer));
	double first = cpu_ms(), bytes = (double)writer_bytes(definer.writer);
	printf("%d idle processes: the first round %.0f ms of CPU, %.0f kB\n", n, first,
	       bytes / 1e3);
	for (int i = 0; i < seconds; i++) {
		struct timespec second = { 1, 0 };
		nanosleep(&second, NULL);
		double step = round_take(processes);
		longest = step > longest ? step : longest;
	}
	CHECK(!writer_flush(definer.writer));
	double each = (cpu_ms() - first) / seconds;
	double added = ((double)writer_bytes(definer.writer) - bytes) / seconds;
	printf("then %.1f ms each second: %.2f %% of a core; the longest step %.1f ms\n", each,
	       each / 10, longest);
	printf("in an hour, every 10 s and anew in 12 epochs: %.1f MB\n",
	       (added * 360 + bytes * 12) / 1e6);
	processes_close(processes);
	tasks_close(tasks);
	writer_close(definer.writer);
	return 0;
}
