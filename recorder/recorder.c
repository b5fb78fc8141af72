#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "recorder/existing.h"
#include "recorder/mmaps.h"
#include "recorder/privileges.h"
#include "recorder/recorder.h"
#include "recorder/rings.h"
#include "recorder/session.h"
#include "recorder/texts.h"
#include "recorder/totals.h"
#include "recorder/unwind.h"
#include "recorder/usage.h"

enum { MS = 1000000 };
static const int64_t second_ns = 1000 * MS, clock_every_ns = 10000LL * MS;
static const int64_t order_window_ns = 2 * MS; /* no record comes later than this after its time */
static const int64_t sleep_least_ns = 1 * MS, sleep_most_ns = 50 * MS;
static const int64_t texts_most_ns = 5 * MS; /* of a step, while there are few records */
static const int64_t names_at_end_ns = 5000LL * MS;

struct recorder {
	struct recorder_options options;
	struct target *target;
	struct btf *kernel;
	struct shared *shared; /* NULL: BPF is refused */
	struct ladder ladder;
	struct attach_target attached;
	struct writer *writer;
	struct definer definer;
	struct session session;
	struct host host;
	struct tasks *tasks;
	struct images *images;
	struct spaces *spaces;
	struct stacks *stacks;
	struct files *files;
	struct records *records;
	struct order *order;
	struct mmaps *mmaps;
	struct rings *rings;
	struct totals *totals;
	struct losses *losses;
	struct unwind *unwind; /* NULL: stacks are not taken by tables */
	struct texts *texts;
	int64_t second_at, clock_at, sleep_ns;
	uint64_t rows, bytes;
	char why[512];
};

static int recorder_fail(struct recorder *recorder, int error, const char *what)
{
	if (error && !recorder->why[0])
		snprintf(recorder->why, sizeof(recorder->why), "%s: %s", what, strerror(-error));
	return error;
}

static int recorder_tell_mmaps(struct recorder *recorder, const char *why)
{
	struct source_state state = { "image", "perf_event mmap2", why[0] ? "refused" : "used",
				      "" };
	snprintf(state.why, sizeof(state.why), "%s", why);
	return ladder_tell(&recorder->ladder, &state);
}

/* Without it frames of libraries that are mapped later have no image. */
static int recorder_open_mmaps(struct recorder *recorder)
{
	int error = mmaps_open(&recorder->mmaps);
	if (error == -ENOMEM)
		return error;
	return recorder_tell_mmaps(recorder, error ? strerror(-error) : "");
}

static int recorder_refuse(struct recorder *recorder, int error)
{
	char why[256];
	snprintf(why, sizeof(why), "BPF is refused: %s%s", strerror(-error),
		 error == -EPERM ? " (it needs root, or CAP_BPF and CAP_PERFMON)" : "");
	error = recorder_tell_mmaps(recorder, why);
	return error ? error : ladder_refuse(&recorder->ladder, recorder->options.choice, why);
}

static int recorder_load(struct recorder *recorder)
{
	struct object_setup setup = {
		recorder->shared,         target_is_host(recorder->target),
		recorder->kernel,         recorder->options.stacks,
		recorder->target->cgroup, recorder->target->cgroup_version_1
	};
	int error = recorder_open_mmaps(recorder);
	if (!error)
		error = ladder_stacks(&recorder->ladder, &setup, &setup.stacks);
	return error ? error
		     : ladder_begin(&recorder->ladder, &setup, &recorder->attached,
				    recorder->options.choice);
}

static int recorder_check_choice(struct recorder *recorder)
{
	size_t length;
	const char *word = ladder_lacks(&recorder->ladder, recorder->options.choice, &length);
	if (!word)
		return 0;
	snprintf(recorder->why, sizeof(recorder->why), "no source '%.*s' (--check lists them)",
		 (int)length, word);
	return -EINVAL;
}

int recorder_open(const struct recorder_options *options, struct target *target,
		  struct recorder **out)
{
	struct recorder *recorder = *out = calloc(1, sizeof(*recorder));
	if (!recorder)
		return -ENOMEM;
	recorder->options = *options;
	recorder->session.host = &recorder->host;
	host_read(&recorder->host);
	recorder->target = target;
	if (!target->started)
		recorder->attached = (struct attach_target){ .pids = target->pids,
							     .pid_count = target->count };
	recorder->kernel = btf__load_vmlinux_btf();
	int error = shared_open(options->memory, &recorder->shared);
	error = error ? recorder_refuse(recorder, error) : recorder_load(recorder);
	return error ? error : recorder_check_choice(recorder);
}

const struct ladder *recorder_ladder(const struct recorder *recorder)
{
	return &recorder->ladder;
}

const struct shared *recorder_shared(const struct recorder *recorder)
{
	return recorder->shared;
}

uint32_t recorder_slow_probes(const struct recorder *recorder)
{
	return recorder->attached.slow_probes;
}

/* ---- beginning */

static int recorder_open_writer(struct recorder *recorder, int fd)
{
	struct writer_options options = { .level = 1 };
	if (getrandom(options.session, sizeof(options.session), 0) != sizeof(options.session))
		return -EIO;
	int error = writer_open(fd, &options, &recorder->writer);
	recorder->definer.writer = recorder->writer;
	return error;
}

static int recorder_open_rows(struct recorder *recorder)
{
	int error = tasks_open(&recorder->definer, "", &recorder->host, &recorder->tasks);
	if (!error)
		error = images_open(&recorder->definer, &recorder->images);
	if (!error)
		error = spaces_open(recorder->images, &recorder->spaces);
	if (!error && recorder->shared)
		error = unwind_open(recorder->shared, recorder->images, &recorder->unwind);
	if (!error || error == -ENOENT) /* stacks are not taken by tables */
		error = stacks_open(&recorder->definer, recorder->images, recorder->spaces,
				    recorder->unwind, &recorder->stacks);
	if (!error)
		error = files_open(&recorder->definer, recorder->tasks, &recorder->files);
	if (!error)
		error = order_open(&recorder->order);
	return error;
}

static int recorder_open_texts(struct recorder *recorder)
{
	struct texts_options options = recorder->options.texts;
	options.targets = recorder->target->count > 0;
	return texts_open(&options, recorder->writer, recorder->tasks, &recorder->texts);
}

static int recorder_open_records(struct recorder *recorder)
{
	const char *why = "";
	struct records_context context = {
		.writer = recorder->writer,
		.tasks = recorder->tasks,
		.spaces = recorder->spaces,
		.stacks = recorder->stacks,
		.files = recorder->files,
		.definer = &recorder->definer,
		.ladder = &recorder->ladder,
		.shared = recorder->shared,
		.whole_host = target_is_host(recorder->target),
		.probe_children = recorder->attached.pid_count > 0,
	};
	int error = records_open(&context, &recorder->records);
	if (!error)
		error = records_learn(recorder->records, &why);
	if (error == -EINVAL)
		snprintf(recorder->why, sizeof(recorder->why), "%s", why);
	if (!error)
		error = totals_open(&recorder->ladder, recorder->records, recorder->writer,
				    &recorder->totals);
	if (!error)
		error = losses_open(&recorder->ladder, recorder->records, recorder->writer,
				    &recorder->losses);
	return error;
}

static int recorder_open_sources(struct recorder *recorder)
{
	return recorder->shared ? rings_open(recorder->shared, recorder->records, recorder->losses,
					     recorder->order, &recorder->rings)
				: 0;
}

static int recorder_begin_epoch(struct recorder *recorder)
{
	definer_epoch(&recorder->definer);
	int error = session_write(&recorder->session, &recorder->ladder, recorder->writer);
	return error ? error : clock_write(recorder->writer);
}

static int recorder_begin(struct recorder *recorder, int fd)
{
	recorder->session.start_ns = now_ns();
	recorder->session.cmdline = recorder->options.cmdline;
	recorder->session.target = recorder->options.target;
	int error = recorder_open_writer(recorder, fd);
	if (!error)
		error = recorder_open_rows(recorder);
	struct existing existing = { recorder->target, recorder->tasks, recorder->spaces,
				     recorder->shared };
	if (!error)
		error = recorder_open_texts(recorder);
	if (!error)
		error = recorder_open_records(recorder);
	if (!error)
		error = recorder_open_sources(recorder);
	if (!error)
		error = recorder_begin_epoch(recorder);
	/* What the kernel counts is read as soon as rows begin; targets' own counts not before. */
	bool host = target_is_host(recorder->target);
	if (!error && host)
		error = existing_take(&existing);
	if (recorder->shared)
		shared_begin(recorder->shared);
	if (!error)
		error = texts_second(recorder->texts, now_ns());
	if (!error && !host)
		error = existing_take(&existing);
	if (!error && recorder->unwind && recorder->options.command)
		error = unwind_expect_command(recorder->unwind, recorder->options.command);
	if (error)
		return recorder_fail(recorder, error, "cannot begin");
	recorder->second_at = recorder->clock_at = now_ns();
	recorder->sleep_ns = sleep_least_ns;
	error = recorder_fail(recorder, target_go(recorder->target), "cannot run the command");
	return error ? error
		     : recorder_fail(recorder,
				     privileges_drop(recorder->attached.pid_count > 0 &&
						     ladder_uses(&recorder->ladder, "heap")),
				     "cannot drop privileges");
}

/* ---- going on */

/* Takes what is in the rings; what is older than `before_ns` becomes rows. */
static int recorder_drain(struct recorder *recorder, int64_t before_ns, size_t *bytes)
{
	int error = 0;
	*bytes = 0;
	if (!recorder->rings)
		return 0;
	error = rings_drain(recorder->rings, bytes);
	if (!error && recorder->mmaps)
		error = mmaps_drain(recorder->mmaps, recorder->order);
	return error ? error
		     : order_take(recorder->order, before_ns, records_take, recorder->records);
}

/* Breakpoints that the kernel took out since the last look: nobody knows how many calls of. */
static int recorder_note_breakpoints(struct recorder *recorder, int64_t now)
{
	int error = 0;
	for (int i = 0; i < recorder->ladder.object_count && !error; i++) {
		const struct object *object = &recorder->ladder.objects[i];
		if (object->breakpoints_lost)
			error = losses_note(recorder->losses, object->name,
					    "breakpoints removed, all calls of",
					    object->breakpoints_lost, now);
	}
	return error;
}

static int recorder_note_losses(struct recorder *recorder, int64_t now)
{
	int error = losses_note(recorder->losses, "stack", "definition lost",
				stacks_undefined(recorder->stacks), now);
	if (!error)
		error = losses_note(recorder->losses, "file", "definition lost",
				    files_undefined(recorder->files), now);
	if (!error && recorder->mmaps)
		error = losses_note(recorder->losses, "image", "ring full",
				    mmaps_lost(recorder->mmaps), now);
	if (!error)
		error = losses_note(recorder->losses, "heap", "children not probed, all calls of",
				    records_unprobed(recorder->records), now);
	if (!error)
		error = losses_note(recorder->losses, "kmsg", "overwritten",
				    texts_lost_lines(recorder->texts), now);
	if (!error)
		error = losses_note(recorder->losses, "all", "late", order_late(recorder->order),
				    now);
	if (!error)
		error = recorder_note_breakpoints(recorder, now);
	return error ? error : losses_read(recorder->losses, now);
}

static int recorder_second(struct recorder *recorder, int64_t now)
{
	size_t bytes;
	int error = totals_read(recorder->totals);
	error = error ? error : texts_second(recorder->texts, now);
	if (!error && recorder->rings) /* the stacks of the totals */
		error = rings_drain(recorder->rings, &bytes);
	error = error ? error : totals_write(recorder->totals, now);
	if (recorder->unwind)
		unwind_note_used(recorder->unwind);
	if (!error)
		error = ladder_check(&recorder->ladder);
	if (!error)
		error = recorder_note_losses(recorder, now);
	if (!error && now >= recorder->clock_at + clock_every_ns) {
		recorder->clock_at = now;
		error = clock_write(recorder->writer);
	}
	return error ? error : texts_flush(recorder->texts, now);
}

static int recorder_step(struct recorder *recorder)
{
	size_t bytes = 0;
	int64_t now = now_ns();
	int error = recorder->unwind ? unwind_serve(recorder->unwind) : 0;
	if (!error)
		error = recorder_drain(recorder, now - order_window_ns, &bytes);
	if (!error && now >= recorder->second_at + second_ns) {
		recorder->second_at = now;
		error = recorder_second(recorder, now);
	}
	if (!error && writer_epoch_due(recorder->writer, now)) {
		error = writer_epoch(recorder->writer, now);
		if (!error)
			error = recorder_begin_epoch(recorder);
	}
	size_t ring = recorder->shared ? shared_ring_bytes(recorder->shared) : 0;
	int names = error || bytes > ring / 8 ? 0
					      : stacks_name(recorder->stacks, now + sleep_least_ns);
	int busy = error ? 0
			 : texts_step(recorder->texts, now,
				      now_ns() +
					      (bytes > ring / 8 ? sleep_least_ns : texts_most_ns));
	if (busy < 0)
		error = busy;
	if (bytes > ring / 8 || busy)
		recorder->sleep_ns = sleep_least_ns;
	else if (bytes <= ring / 16 && recorder->sleep_ns < sleep_most_ns)
		recorder->sleep_ns *= 2;
	return error ? error : names < 0 ? names : 0;
}

/* Until there may be rows to take, or an unwind table is wanted. */
static void recorder_sleep(const struct recorder *recorder)
{
	struct timespec time = { 0, recorder->sleep_ns < sleep_most_ns ? recorder->sleep_ns
								       : sleep_most_ns };
	struct pollfd wanted = { recorder->unwind ? unwind_fd(recorder->unwind) : -1, POLLIN, 0 };
	ppoll(&wanted, 1, &time, NULL);
}

/* ---- ending */

static int recorder_end(struct recorder *recorder, const char *reason)
{
	struct row row;
	size_t bytes;
	int error = ladder_check(&recorder->ladder);
	if (recorder->shared)
		shared_end(recorder->shared);
	int64_t now = now_ns();
	texts_all_due(recorder->texts);
	error = error ? error : totals_read(recorder->totals);
	error = error ? error : texts_second(recorder->texts, now);
	error = error ? error : recorder_drain(recorder, INT64_MAX, &bytes);
	error = error ? error : totals_write(recorder->totals, now); /* their stacks want names */
	error = error ? error : texts_end(recorder->texts, now_ns());
	ladder_detach(&recorder->ladder); /* may take seconds */
	stacks_name_last(recorder->stacks);
	int names = error ? error : stacks_name(recorder->stacks, now_ns() + names_at_end_ns);
	if (!error)
		error = names < 0 ? names : recorder_note_losses(recorder, now_ns());
	if (!error)
		error = losses_end(recorder->losses, now_ns());
	if (!error)
		error = usage_write(recorder->writer, recorder->unwind, now_ns());
	row_begin(&row, "end");
	row_number(&row, "ts_ns", (uint64_t)now);
	row_text(&row, "reason", reason);
	return error ? error : row_write(&row, recorder->writer);
}

static const char *recorder_loop(struct recorder *recorder, const volatile sig_atomic_t *stop,
				 int64_t until_ns, int *error)
{
	while (!(*error = recorder_step(recorder))) {
		if (*stop)
			return "signal";
		if (until_ns && now_ns() >= until_ns)
			return "duration";
		if (target_ended(recorder->target))
			return "target ended";
		recorder_sleep(recorder);
	}
	return "error";
}

static void recorder_count(struct recorder *recorder)
{
	size_t n;
	const char *why;
	const struct table *all = tables(&n, &why);
	if (!recorder->writer || writer_flush(recorder->writer))
		return;
	for (size_t i = 0; i < n; i++)
		if (all[i].stream == STREAM_EVENTS)
			recorder->rows += writer_rows(recorder->writer, &all[i]);
	recorder->bytes = writer_bytes(recorder->writer);
}

int recorder_run(struct recorder *recorder, int fd, const volatile sig_atomic_t *stop,
		 int64_t duration_ns)
{
	int error = recorder_begin(recorder, fd);
	if (!error) {
		const char *reason = recorder_loop(
			recorder, stop, duration_ns ? now_ns() + duration_ns : 0, &error);
		if (!error)
			error = recorder_end(recorder, reason);
	}
	recorder_count(recorder);
	int closing = writer_close(recorder->writer);
	recorder->writer = NULL;
	return recorder_fail(recorder, error ? error : closing, "cannot write");
}

void recorder_sums(const struct recorder *recorder, uint64_t *rows, uint64_t *lost, uint64_t *bytes)
{
	*rows = recorder->rows;
	*bytes = recorder->bytes;
	*lost = recorder->losses ? losses_sum(recorder->losses) : 0;
}

const char *recorder_why(const struct recorder *recorder)
{
	return recorder->why;
}

void recorder_close(struct recorder *recorder)
{
	if (!recorder)
		return;
	writer_close(recorder->writer);
	rings_close(recorder->rings);
	unwind_close(recorder->unwind);
	mmaps_close(recorder->mmaps);
	totals_close(recorder->totals);
	losses_close(recorder->losses);
	records_close(recorder->records);
	texts_close(recorder->texts);
	order_close(recorder->order);
	stacks_close(recorder->stacks);
	files_close(recorder->files);
	spaces_close(recorder->spaces);
	images_close(recorder->images);
	tasks_close(recorder->tasks);
	ladder_release(&recorder->ladder);
	shared_close(recorder->shared);
	btf__free(recorder->kernel);
	free(recorder);
}
