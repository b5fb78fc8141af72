/*
 * stack_cost none|fp|unwind|copy COMMAND ARG...: runs a command while its stacks are taken that way
 * and thrown away. Behind the command's own output: the nanoseconds that the program which took
 * most stacks ran on average: of faults those of other processes too.
 */
#include <poll.h>
#include "recorder/target.h"
#include "recorder/unwind.h"

struct cost {
	struct target target;
	struct shared *shared;
	struct ladder ladder;
	struct images *images;
	struct unwind *unwind;
	struct ring_buffer *rings;
};

static void must(int error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-error));
	exit(1);
}

static int discard(void *context, void *data, size_t size)
{
	(void)context, (void)data, (void)size;
	return 0;
}

static enum stack_way way_named(const char *name)
{
	if (!strcmp(name, "none"))
		return STACKS_NONE;
	return strcmp(name, "fp") ? STACKS_TABLES : STACKS_POINTERS;
}

static void cost_open(struct cost *cost, const char *way, char **command)
{
	static struct definer definer;
	must(target_start(&cost->target, command), command[0]);
	/* Only its own calls count; faults are seen of all processes. */
	struct attach_target its = { .pids = cost->target.pids, .pid_count = 1 };
	must(shared_open(128 << 20, &cost->shared), "maps");
	struct object_setup setup = { .shared = cost->shared,
				      .kernel = btf__load_vmlinux_btf(),
				      .stacks = way_named(way) };
	must(ladder_begin(&cost->ladder, &setup, &its, NULL), "programs");
	must(shared_target(cost->shared, cost->target.pids[0], true), "target");
	must(images_open(&definer, &cost->images), "images");
	if (!strcmp(way, "unwind"))
		must(unwind_open(cost->shared, cost->images, &cost->unwind), "tables");
	for (uint32_t i = 0; i < shared_ring_count(cost->shared); i++) {
		int fd = shared_ring_fd(cost->shared, i);
		if (!cost->rings)
			cost->rings = ring_buffer__new(fd, discard, NULL, NULL);
		else
			must(ring_buffer__add(cost->rings, fd, discard, NULL), "rings");
	}
	must(cost->rings ? 0 : -ENOMEM, "rings");
}

/* Of the sources that take stacks for each event; at the entry of a fault none is taken. */
static bool takes_stacks(const struct bpf_program *program)
{
	struct program_name name;
	return program_name_parse(bpf_program__name(program), &name) &&
	       (!strcmp(name.source, "fault") || !strcmp(name.source, "heap")) &&
	       !strstr(name.event, "entry");
}
#include "tests/bench/ways.h"

/* The program of them that ran most: the others are run seldom. */
static void object_busiest(const struct object *object, uint64_t *runs, uint64_t *ns)
{
	struct bpf_program *program;
	struct program_name name;
	bpf_object__for_each_program(program, object->bpf) {
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);
		if (!takes_stacks(program, &name) ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) ||
		    info.run_cnt <= *runs)
			continue;
		*runs = info.run_cnt;
		*ns = info.run_time_ns;
	}
}

static double mean_ns(const struct ladder *ladder)
{
	uint64_t runs = 0, ns = 0;
	for (int i = 0; i < ladder->object_count; i++)
		if (ladder->objects[i].bpf)
			object_busiest(&ladder->objects[i], &runs, &ns);
	return runs ? (double)ns / (double)runs : 0;
}

int main(int argc, char **argv)
{
	static struct ways ways;
	struct target target = { .gate = -1, .report = -1 };
	if (argc < 3)
		return 2;
	must(target_start(&target, argv + 2), argv[2]);
	ways_open(&ways, argv[1], target.pids[0]);
	must(target_go(&target), argv[2]);
	while (!target_ended(&target)) {
		struct pollfd wanted = { ways.unwind ? unwind_fd(ways.unwind) : -1, POLLIN, 0 };
		poll(&wanted, 1, 1);
		ways_serve(&ways);
	}
	printf("%.0f\n", mean_ns(&ways.ladder));
	ways_close(&ways);
	target_release(&target);
	return 0;
}
