/*
 * memtape-record: records what a host does with its memory into a trace.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "recorder/request.h"
#include "recorder/recorder.h"
#include "recorder/tree.h"

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "memtape record: %s%s%s\n", what, what[0] ? ": " : "", why);
	return 1;
}

/* An image, a ring, a probe is a descriptor each. */
static void raise_file_limit(void)
{
	struct rlimit limit;
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* The kernel side sees the host's process ids, which are others in a namespace (PROC_PID_INIT_INO).
 */
static bool in_pid_namespace(void)
{
	struct stat namespace;
	return !stat("/proc/self/ns/pid", &namespace) && namespace.st_ino != 0xEFFFFFFC;
}

/* A command must not write into the trace: where that is standard output, it gets standard error.
 */
static int spare_output(const struct request *request)
{
	if (!request->output || strcmp(request->output, "-"))
		return -1;
	int fd = dup(STDOUT_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	return fd;
}

static void print_sources(const struct ladder *ladder)
{
	for (int i = 0; i < ladder->state_count; i++) {
		const struct source_state *s = &ladder->states[i];
		printf("%-16s %-8s %s%s%s\n", s->source, s->state, s->way, s->why[0] ? ": " : "",
		       s->why);
	}
}

/* Whether this is the first, the best way of a source that none gives. */
static bool is_missing(const struct ladder *ladder, int i)
{
	const struct source_state *s = &ladder->states[i];
	for (int before = 0; before < i; before++)
		if (!strcmp(ladder->states[before].source, s->source))
			return false;
	return !strcmp(s->state, "refused") && !ladder_uses(ladder, s->source);
}

/* A line for each reason; the trace holds all ways that were tried. */
static void print_missing(const struct ladder *ladder)
{
	bool told[SOURCES_MAX * WAYS_MAX] = { false };
	for (int i = 0; i < ladder->state_count; i++) {
		if (told[i] || !is_missing(ladder, i))
			continue;
		fprintf(stderr, "memtape record: not recorded: %s", ladder->states[i].source);
		for (int j = i + 1; j < ladder->state_count; j++)
			if (is_missing(ladder, j) &&
			    !strcmp(ladder->states[i].why, ladder->states[j].why)) {
				told[j] = true;
				fprintf(stderr, ", %s", ladder->states[j].source);
			}
		fprintf(stderr, ": %s\n", ladder->states[i].why);
	}
}

static int check(const struct recorder *recorder)
{
	const struct shared *shared = recorder_shared(recorder);
	print_sources(recorder_ladder(recorder));
	if (shared)
		printf("%u rings of %zu KiB, %zu MiB in all; unwind tables %zu MiB\n",
		       shared_ring_count(shared), shared_ring_bytes(shared) >> 10,
		       shared_ring_count(shared) * shared_ring_bytes(shared) >> 20,
		       shared_table_bytes(shared) >> 20);
	return 0;
}

static int open_output(struct request *request, int spared, char *name, size_t size)
{
	time_t now = time(NULL);
	struct tm local;
	if (request->output && !strcmp(request->output, "-"))
		return isatty(spared) ? (errno = ENOTSUP, -1) : spared;
	if (!request->output) {
		strftime(name, size, "memtape-%Y%m%d-%H%M%S.mtape", localtime_r(&now, &local));
		request->output = name;
	}
	return open(request->output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static int open_cgroup(const char *path, struct target *target)
{
	int error = target_take_cgroup(target, path);
	return error ? fail(path, error == -EXDEV ? "is no memory cgroup" : strerror(-error)) : 0;
}

static int open_target(const struct request *request, struct target *target)
{
	char text[64];
	size_t which = 0;
	if (request->cgroup)
		return open_cgroup(request->cgroup, target);
	int error = request->command
			    ? target_start(target, request->command)
			    : target_take(target, request->pids, request->pid_count, &which);
	if (!error)
		return 0;
	if (request->command)
		return fail(request->command[0], strerror(-error));
	snprintf(text, sizeof(text), "process %u", request->pids[which]);
	return fail(text, error == -ESRCH ? "there is no such process" : strerror(-error));
}

static int summary(const struct request *request, const struct recorder *recorder)
{
	uint64_t rows, lost, bytes;
	recorder_sums(recorder, &rows, &lost, &bytes);
	fprintf(stderr, "memtape record: %s: %lu rows, %lu bytes, %lu lost%s\n", request->output,
		rows, bytes, lost, lost ? " (memtape report losses)" : "");
	return 0;
}

static int record(struct request *request, struct recorder *recorder, struct target *target,
		  int spared)
{
	char name[64];
	int fd = open_output(request, spared, name, sizeof(name));
	if (fd < 0)
		return fail(request->output, errno == ENOTSUP ? "is a terminal" : strerror(errno));
	print_missing(recorder_ladder(recorder));
	if (recorder_slow_probes(recorder))
		fprintf(stderr, "memtape record: %u probes must be single-stepped, 20 us a call\n",
			recorder_slow_probes(recorder));
	if ((target->started || target->cgroup) && ladder_uses(recorder_ladder(recorder), "heap"))
		fprintf(stderr, "memtape record: while recording, every process that uses this C "
				"library pays up to 2 us for each allocation call\n");
	int error = recorder_run(recorder, fd, &stop, request->duration_ns);
	if (target->exec_error) {
		if (strcmp(request->output, "-"))
			unlink(request->output);
		return fail(request->command[0], strerror(-target->exec_error));
	}
	return error ? fail(request->output, recorder_why(recorder)) : summary(request, recorder);
}

/* Nothing of this host is needed for it. */
static int record_tree(struct request *request, int spared)
{
	const struct tree_options options = { request->procfs, request->words,
					      request->smaps_ns > 0, request->cmdline };
	char name[64], why[256];
	int fd = open_output(request, spared, name, sizeof(name));
	if (fd < 0)
		return fail(request->output, errno == ENOTSUP ? "is a terminal" : strerror(errno));
	if (!tree_record(&options, fd, why, sizeof(why)))
		return 0;
	if (strcmp(request->output, "-"))
		unlink(request->output);
	return fail(request->procfs, why);
}

int main(int argc, char **argv)
{
	struct request request;
	struct target target = { .gate = -1, .report = -1 };
	struct recorder *recorder = NULL;
	request_parse(argc, argv, &request);
	if (request.procfs)
		return record_tree(&request, spare_output(&request));
	if (in_pid_namespace())
		return fail("", "runs in a pid namespace; record from the host");
	int spared = spare_output(&request);
	if (open_target(&request, &target))
		return 1;
	raise_file_limit();
	catch_signals(); /* not before the fork: the command keeps what it was given */
	struct recorder_options how = {
		.memory = request.memory,
		.choice = request.choice,
		.stacks = request.stacks,
		.texts = { .interval_ns = request.interval_ns,
			   .smaps_ns = request.smaps_ns,
			   .cmdline = request.words,
			   .root = "" },
		.cmdline = request.cmdline,
		.target = request.target,
		.command = request.command ? request.command[0] : NULL,
	};
	int status, error = recorder_open(&how, &target, &recorder);
	if (error)
		status = fail("", recorder && recorder_why(recorder)[0] ? recorder_why(recorder)
									: strerror(-error));
	else
		status = request.check ? check(recorder)
				       : record(&request, recorder, &target, spared);
	recorder_close(recorder);
	target_release(&target);
	return status;
}
