/*
 * torture CASE|all [COUNT]   page faults and allocations, COUNT of each, from places from which it
 *                            is hard to find the way back to main
 * torture list [COUNT]       what each case's stacks are, a line each: case, fault or malloc, how
 *                            many at least, the functions' names, innermost first, separated by
 *                            semicolons: name*N is N of them, ? any one, * any number of any
 *
 * Whatever the case, functions that run before main and after it make events as well.
 */
#include "tests/stacks/code.h"
#include "tests/stacks/frames.h"
#include "tests/stacks/interrupts.h"
#include "tests/stacks/lib/lazy.h"

LEAVES(init)
LEAVES(constructor)
LEAVES(destructor)
LEAVES(atexit)
LEAVES(fini)

/* The end of a stack. Nothing describes musl's functions: there it may be as soon as one is met. */
#ifdef __GLIBC__
#define ACROSS(between, callers) between callers
#define FROM_THREAD ";?;?"
#else
#define ACROSS(between, callers) ";*"
#define FROM_THREAD ";*"
#endif
#define FROM_START ACROSS(";*;", "_start")
#define FROM_MAIN ";torture_run;torture_case;main" FROM_START
#define FROM_EXIT ACROSS(";*;", "torture_end;main" FROM_START)

/* Called in the middle of _init and _fini, which crti.o begins and crtn.o ends, undescribed. */
__attribute__((used)) HARD void init_hook(void)
{
	MAKE_EVENTS(init);
}

__attribute__((used)) HARD void fini_hook(void)
{
	MAKE_EVENTS(fini);
}
asm("	.pushsection .init\n	call init_hook\n	.popsection\n"
    "	.pushsection .fini\n	call fini_hook\n	.popsection\n");

__attribute__((constructor)) HARD void constructor(void)
{
	MAKE_EVENTS(constructor);
}

__attribute__((destructor)) HARD void destructor(void)
{
	MAKE_EVENTS(destructor);
}

HARD void atexit_handler(void)
{
	MAKE_EVENTS(atexit);
}

#ifdef DYNAMIC
HARD void lazy_frame(void)
{
	lazy_function();
	STAY();
}

HARD void library_frame(void)
{
	library_function(events);
	STAY();
}
#endif

enum leaf { BOTH, FAULT, ITSELF };

struct place {
	const char *name;
	void (*run)(void); /* NULL: another case's, or not a case */
	const char *callers;
	enum leaf leaf; /* NAME_fault and NAME_malloc, the first of them, NAME itself */
	int times;      /* 0: EVENTS in any case */
};

static const struct place places[] = {
	{ "vla", vla_frame, "vla_frame" FROM_MAIN, BOTH, 1 },
	{ "alloca", alloca_frame, "alloca_frame" FROM_MAIN, BOTH, 1 },
	{ "realign", realign_frame, "realign_frame" FROM_MAIN, BOTH, 1 },
	{ "realign_alloca", realign_alloca_frame, "realign_alloca_frame" FROM_MAIN, BOTH, 1 },
	{ "drap", drap_frame, "drap_callee;drap_frame" FROM_MAIN, BOTH, 1 },
	{ "large", large_frame, "large_frame" FROM_MAIN, BOTH, 1 },
	{ "saved", saved_frame, "saved_frame" FROM_MAIN, BOTH, 1 },
	{ "sort", sort_frame, "sort_compare" ACROSS(";*;", "sort_frame" FROM_MAIN), BOTH, 1 },
	{ "deep_400", deep_400_frame, "deep_400_step*400;deep_400_frame" FROM_MAIN, BOTH, 1 },
	{ "deep_2000", deep_2000_frame, "?;[deeper than 511 frames]", BOTH, 1 },
	{ "tail", tail_frame, "tail_last;tail_frame" FROM_MAIN, BOTH, 1 },
	{ "entry", entry_frame, "entry_frame" FROM_MAIN, ITSELF, 1 },
	{ "epilogue", epilogue_frame, "epilogue_frame" FROM_MAIN, ITSELF, 1 },
	{ "signal", signal_frame, "signal_handler" ACROSS(";*;", "signal_frame" FROM_MAIN), BOTH,
	  1 },
	{ "segv", segv_frame, "segv_handler" ACROSS(";?;", "segv_store;segv_frame" FROM_MAIN), BOTH,
	  1 },
	{ "altstack", altstack_frame, "altstack_handler" ACROSS(";*;", "altstack_frame" FROM_MAIN),
	  BOTH, 1 },
#ifdef __GLIBC__
	{ "coroutine", coroutine_frame, "coroutine_body;*", BOTH, 2 },
#endif
	{ "thread", threads_frame, "thread_frame;thread_root" FROM_THREAD, BOTH, THREADS },
	{ "jit", jit_frame, "jit_callback;?;?;jit_frame" FROM_MAIN, BOTH, 1 },
	{ "fork", fork_frame, "fork_child;fork_frame" FROM_MAIN, BOTH, 1 },
	{ "vfork", vfork_frame, "vfork_child;vfork_frame" FROM_MAIN, BOTH, 1 },
#ifdef DYNAMIC
	{ "lazy", lazy_frame, "lazy_bind;?;*;lazy_frame" FROM_MAIN, BOTH, 0 },
	{ "library", library_frame, "library_function;library_frame" FROM_MAIN, BOTH, 1 },
	{ "library_constructor", NULL, "library_constructor;*", BOTH, 0 },
	{ "twin_first", twins_frame, "twin_first_frame;twin_frame;twins_frame" FROM_MAIN, BOTH, 1 },
	{ "twin_second", NULL, "twin_second_frame;twin_frame;twins_frame" FROM_MAIN, BOTH, 1 },
#endif
	{ "init", NULL, "init_hook" ACROSS(";", "_init" FROM_START), BOTH, 0 },
	{ "constructor", NULL, "constructor" FROM_START, BOTH, 0 },
	{ "destructor", NULL, "destructor" FROM_EXIT, BOTH, 1 },
	{ "atexit", NULL, "atexit_handler" FROM_EXIT, BOTH, 1 },
	{ "fini", NULL, "fini_hook" ACROSS(";", "_fini" FROM_EXIT), BOTH, 1 },
	{ "exec", run_again, "exec_frame;torture_run;main" FROM_START, BOTH, 1 },
};

static void list(void)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const struct place *place = &places[i];
		long least = place->times ? place->times * events : EVENTS;
		printf("%s\tfault\t%ld\t%s%s;%s\n", place->name, least, place->name,
		       place->leaf == ITSELF ? "" : "_fault", place->callers);
#ifdef DYNAMIC
		if (place->leaf == BOTH)
			printf("%s\tmalloc\t%ld\tmalloc;%s_malloc;%s\n", place->name, least,
			       place->name, place->callers);
#endif
	}
}

HARD void torture_run(void (*run)(void))
{
	run();
	STAY();
}

/* A call that never returns, as the last instruction. */
__attribute__((noreturn)) HARD void torture_end(void)
{
	exit(0);
}

HARD int torture_case(const char *name)
{
	int known = !strcmp(name, "all");
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (strcmp(name, "all") && strcmp(name, places[i].name))
			continue;
		known = 1;
		if (places[i].run)
			torture_run(places[i].run);
	}
	return known;
}

int main(int argc, char **argv)
{
	if (argc > 2)
		events = atol(argv[2]);
	if (argc < 2 || events < 1) {
		fprintf(stderr, "usage: torture CASE|all|list [COUNT]\n");
		return 2;
	}
	if (!strcmp(argv[1], "list")) {
		list();
		fflush(NULL);
		_exit(0);
	}
	if (atexit(atexit_handler))
		give_up("atexit");
	if (!strcmp(argv[1], "again"))
		torture_run(exec_frame);
	else if (!torture_case(argv[1]))
		return 2;
	torture_end();
}
