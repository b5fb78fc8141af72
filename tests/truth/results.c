#include <bpf/bpf.h>
#include <bpf/btf.h>
#include "tests/check.h"
#include "tests/truth/results.h"

static const double identical_least = 99.4;

static const char *const end_text[STACK_ENDS] = {
	[STACK_WHOLE] = "whole",   [STACK_DEEP] = "deeper than 511 frames",
	[STACK_LOST] = "lost",     [STACK_GONE] = "none (exec)",
	[STACK_NEW] = "new table", [STACK_COMPLEX] = "complex",
};

static struct tally tally_sum(const struct truth *truth, uint32_t what)
{
	int cpus = libbpf_num_possible_cpus();
	struct tally *all = calloc((size_t)cpus, sizeof(*all)), sum = { 0, 0 };
	CHECK(all);
	CHECK_EQUAL(bpf_map_lookup_elem(map_fd(truth, "tallies"), &what, all), 0);
	for (int i = 0; i < cpus; i++) {
		sum.seen += all[i].seen;
		sum.dropped += all[i].dropped;
	}
	free(all);
	return sum;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 100;
}

/* Stacks that there is an end of, and that are not cut by their number of frames. */
static uint64_t stacks_endable(const struct truth *truth)
{
	return truth->events - truth->without - truth->undefined - truth->ends[STACK_DEEP];
}

static uint64_t stacks_under_one_key(const struct truth *truth, uint64_t *keys)
{
	uint64_t two = 0;
	*keys = 0;
	for (size_t i = 0; i < truth->ours.by_key.size; i++) {
		const struct stack *stack = (struct stack *)truth->ours.by_key.entries[i].value;
		two += stack && stack->two;
		*keys += stack != NULL;
	}
	return two;
}

/* Stacks whose every frame libdwfl can know. */
static uint64_t stacks_known(const struct truth *truth)
{
	return truth->compared - truth->verdicts[REFERENCE_RUNTIME] -
	       truth->verdicts[REFERENCE_BARE];
}

static void print_ends(const struct truth *truth)
{
	printf("  in the kernel:");
	for (uint32_t end = STACK_WHOLE; end < STACK_ENDS; end++) {
		struct tally tally = tally_sum(truth, TALLY_WALKS + end);
		if (tally.seen && end_text[end])
			printf(" %lu %s,", (unsigned long)tally.seen, end_text[end]);
	}
	printf(" of them %lu with frames by pointer\n",
	       (unsigned long)tally_sum(truth, TALLY_GUESSED).seen);
	if (!truth->ours.copies)
		return;
	printf("  copies: %lu, walked to:", (unsigned long)truth->ours.copies);
	for (uint32_t end = STACK_WHOLE; end < STACK_ENDS; end++)
		if (truth->ours.walked[end])
			printf(" %lu %s", (unsigned long)truth->ours.walked[end], end_text[end]);
	printf("\n");
}

static void print_losses(const struct truth *truth)
{
	uint64_t dropped = tally_sum(truth, (uint32_t)truth->types[EVENT]).dropped,
		 untaken = tally_sum(truth, TALLY_STACK).dropped;
	if (truth->rootless + truth->bare_roots)
		printf("  whole: %lu end at no root, %lu in code without CFI as libdwfl's do\n",
		       (unsigned long)truth->rootless, (unsigned long)truth->bare_roots);
	if (dropped + untaken + truth->undefined)
		printf("  lost: %lu events, %lu stacks not taken, %lu keys without a stack\n",
		       (unsigned long)dropped, (unsigned long)untaken,
		       (unsigned long)truth->undefined);
}

static int bar(const char *what, bool kept)
{
	if (!kept)
		printf("  MISSED: %s\n", what);
	return !kept;
}

int results_print(const struct truth *truth)
{
	double identical = percent(truth->verdicts[IDENTICAL], truth->compared),
	       known = percent(truth->verdicts[IDENTICAL], stacks_known(truth)),
	       whole = percent(truth->ends[STACK_WHOLE], stacks_endable(truth));

	uint64_t keys, two = stacks_under_one_key(truth, &keys);
	printf("%-10s %8lu %8lu %9.3f %9.3f %9.3f %7lu %4lu\n", truth->options.name,
	       (unsigned long)truth->events, (unsigned long)truth->compared, identical, known,
	       whole, (unsigned long)keys, (unsigned long)two);
	for (int i = IDENTICAL + 1; i < VERDICTS; i++)
		if (truth->verdicts[i])
			printf("  %lu %s\n", (unsigned long)truth->verdicts[i], verdict_text[i]);
	print_ends(truth);
	print_losses(truth);
	int missed = bar("stacks that ought to be the same",
			 (truth->options.known_only ? known : identical) >= identical_least);
	missed += bar("stacks that ought to be whole", whole >= truth->options.whole_least);
	missed += bar("a difference without a reason", !truth->verdicts[DIFFERENT]);
	missed += bar("whole stacks end at a root", !truth->rootless);
	missed += bar("one key, one stack", !two);
	missed += bar("events", truth->compared > 0);
	return missed > 0;
}
