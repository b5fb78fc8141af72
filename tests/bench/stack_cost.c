/*
 * stack_cost none|fp|unwind|copy COMMAND ARG...: runs a command while its stacks are taken that way
 * and thrown away. Behind the command's own output: the nanoseconds that the program which took
 * most stacks ran on average: of faults those of other processes too.
 */
#include <poll.h>
#include "recorder/target.h"
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
