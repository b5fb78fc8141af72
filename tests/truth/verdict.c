#include "tests/check.h"
#include "tests/truth/verdict.h"

enum { LINES_MAX = 40 };

const char *const verdict_text[VERDICTS] = {
	[IDENTICAL] = "identical",
	[REFERENCE_LONG] = "libdwfl cut: more stack than it got",
	[REFERENCE_ASIDE] = "libdwfl cut: goes on in memory elsewhere",
	[REFERENCE_RUNTIME] = "libdwfl guesses: code made at run time",
	[REFERENCE_BARE] = "libdwfl guesses: code without CFI",
	[OURS_SHORT] = "ours cut: copy too short",
	[OURS_BARE] = "ours cut: at code without CFI",
	[OURS_UNREAD] = "ours cut: stack not readable",
	[DIFFERENT] = "DIFFERENT",
};

static size_t frames_common(const struct stack *stack, const struct reference_walk *walk)
{
	size_t n = 0;
	while (n < stack->frames && n < walk->frames && stack->ip[n] == walk->ip[n])
		n++;
	return n;
}

/* Whether our walk had less to go by: a copy also ends where a page cannot be read, which a large
 * array's may be. */
static bool copy_ended(const struct stack *stack, const struct truth_sample *sample)
{
	return stack->copy && stack->copy->bytes < sample->bytes;
}

/* What was not copied lies further up, or nowhere near. */
static enum verdict missed(const struct reference_walk *walk, const struct truth_sample *sample)
{
	uint64_t at = walk->missed_addr - (sample->reg[7] & ~7ULL);
	return at < SAMPLE_SPAN ? REFERENCE_LONG : REFERENCE_ASIDE;
}

static bool described(struct reference *reference, const struct reference_walk *walk, size_t frame)
{
	return reference_code(reference, walk->ip[frame], walk->called[frame]) >= CODE_INNER;
}

/* Whether libdwfl had to guess its way out of one of the frames. */
static enum verdict guesses(struct reference *reference, const struct reference_walk *walk,
			    size_t frames)
{
	enum verdict verdict = DIFFERENT;
	for (size_t i = 0; i < frames; i++) {
		enum reference_code code = reference_code(reference, walk->ip[i], walk->called[i]);
		if (code == CODE_UNMAPPED)
			return REFERENCE_RUNTIME;
		if (code == CODE_BARE)
			verdict = REFERENCE_BARE;
	}
	return verdict;
}

static enum verdict why_different(const struct stack *stack, struct reference *reference,
				  const struct reference_walk *walk,
				  const struct truth_sample *sample, size_t common)
{
	bool ours_ends = common == stack->frames, theirs_ends = common == walk->frames;
	if (!sample->bytes)
		return OURS_UNREAD;
	if (theirs_ends && walk->missed && described(reference, walk, common - 1))
		return missed(walk, sample);
	if (ours_ends && stack->end == STACK_LOST && copy_ended(stack, sample))
		return OURS_SHORT;
	/* The innermost frame differs where it is in a probe's own code, and we know better. */
	enum verdict verdict = guesses(reference, walk, common ? common : 1);
	if (verdict == REFERENCE_BARE && ours_ends && stack->end == STACK_LOST)
		return OURS_BARE;
	return verdict;
}

enum verdict verdict_of(const struct stack *stack, struct reference *reference,
			const struct reference_walk *walk, const struct truth_sample *sample)
{
	size_t common = frames_common(stack, walk);
	if (common == stack->frames && (common == walk->frames || stack->end == STACK_DEEP))
		return IDENTICAL;
	return why_different(stack, reference, walk, sample, common);
}

static void show_frame(struct reference *reference, char mark, uint64_t ip, bool called)
{
	const char *file, *name = reference_name(reference, ip, called, &file);
	printf("    %c %16lx %d %s %s\n", mark, (unsigned long)ip,
	       reference_code(reference, ip, called), name, file);
}

void verdict_show(enum verdict verdict, const struct stack *stack, struct reference *reference,
		  const struct reference_walk *walk, const struct truth_sample *sample)
{
	size_t common = frames_common(stack, walk), first = common > 4 ? common - 4 : 0;
	printf("  %s: ours %zu frames, end %u%s; libdwfl %zu %s; %zu alike\n",
	       verdict_text[verdict], stack->frames, stack->end, stack->copy ? ", a copy" : "",
	       walk->frames, walk->error, common);
	printf("    rsp %lx, %lu bytes, %lu elsewhere\n", (unsigned long)sample->reg[7],
	       (unsigned long)sample->bytes, (unsigned long)sample->other_bytes);
	for (size_t i = 0; i < sample->returns; i++)
		printf("    a probe's return at %lx is %lx\n", (unsigned long)sample->return_at[i],
		       (unsigned long)sample->return_to[i]);
	if (walk->missed)
		printf("    libdwfl misses %lx\n", (unsigned long)walk->missed_addr);
	for (size_t i = first; i < common; i++)
		show_frame(reference, ' ', walk->ip[i], walk->called[i]);
	for (size_t i = common; i < stack->frames && i < common + LINES_MAX; i++)
		show_frame(reference, '+', stack->ip[i], true);
	for (size_t i = common; i < walk->frames && i < common + LINES_MAX; i++)
		show_frame(reference, '-', walk->ip[i], walk->called[i]);
}
