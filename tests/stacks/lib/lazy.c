#include "tests/stacks/lib/lazy.h"
#include "tests/stacks/leaves.h"

LEAVES(lazy)
LEAVES(library)
LEAVES(library_constructor)

HARD void lazy_chosen(void)
{
}

HARD void lazy_bind(void)
{
	MAKE_EVENTS(lazy);
}

/* Called by the dynamic linker, in the middle of the first call of lazy_function. */
HARD void (*lazy_resolver(void))(void)
{
	lazy_bind();
	return lazy_chosen;
}

void lazy_function(void) __attribute__((ifunc("lazy_resolver")));

__attribute__((noipa)) void library_function(long count)
{
	events = count;
	MAKE_EVENTS(library);
	events = EVENTS;
}

__attribute__((constructor)) HARD void library_constructor(void)
{
	MAKE_EVENTS(library_constructor);
}
