/*
 * What makes events from a hard place: for each place NAME the two innermost functions NAME_fault,
 * which touches fresh pages, and NAME_malloc, which allocates. No function is inlined, cloned or
 * merged with an equal one, and whatever stands in rbp there is no frame pointer.
 */
#ifndef TESTS_STACKS_LEAVES_H
#define TESTS_STACKS_LEAVES_H

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { PAGE = 4096, REGION_PAGES = 1 << 18, EVENTS = 16, BLOCK_SIZE = 40 };

#define HARD __attribute__((noipa)) static

/* Behind a last call: so it is no jump. */
#define STAY() asm volatile("" ::: "memory")

/* Keeps the compiler from dropping what nobody uses. */
#define KEEP(pointer) asm volatile("" ::"r"(pointer) : "memory")

/* Of each place; the argument COUNT. */
static long events = EVENTS;

static void *volatile kept;

static inline void give_up(const char *what)
{
	perror(what);
	_Exit(1);
}

static inline char *map_pages(size_t pages)
{
	char *mapped = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mapped == MAP_FAILED)
		give_up("mmap");
	madvise(mapped, pages * PAGE, MADV_NOHUGEPAGE);
	return mapped;
}

/* Pages of a region that nobody touched before. */
HARD char *fresh_pages(void)
{
	static char *region;
	static atomic_long used;
	if (!region)
		region = map_pages(REGION_PAGES);
	long first = atomic_fetch_add(&used, events);
	if (first + events > REGION_PAGES)
		give_up("too many events");
	return region + first * PAGE;
}

#define LEAVES(name)                                                                               \
	HARD void name##_fault(void)                                                               \
	{                                                                                          \
		volatile char *pages = fresh_pages();                                              \
		asm volatile("mov $0x5a5a5a5a, %%ebp" ::: "rbp");                                  \
		for (long i = 0; i < events; i++)                                                  \
			pages[i * PAGE] = 1;                                                       \
	}                                                                                          \
	HARD void name##_malloc(void)                                                              \
	{                                                                                          \
		asm volatile("mov $0x5a5a5a5a, %%ebp" ::: "rbp");                                  \
		for (long i = 0; i < events; i++) {                                                \
			kept = malloc(BLOCK_SIZE);                                                 \
			free(kept);                                                                \
		}                                                                                  \
	}

/* A macro, because an inlined function would be a frame to those who read debug information. */
#define MAKE_EVENTS(name)                                                                          \
	do {                                                                                       \
		name##_fault();                                                                    \
		name##_malloc();                                                                   \
		STAY();                                                                            \
	} while (0)

#endif
