/* Frames that are hard to get across: of changing size, realigned, large, many, missing. */
#ifndef TESTS_STACKS_FRAMES_H
#define TESTS_STACKS_FRAMES_H

#include "tests/stacks/leaves.h"

#include <alloca.h>
#include <stdbool.h>
#include <stdint.h>

LEAVES(vla)
LEAVES(alloca)
LEAVES(realign)
LEAVES(realign_alloca)
LEAVES(drap)
LEAVES(large)
LEAVES(saved)
LEAVES(sort)
LEAVES(deep_400)
LEAVES(deep_2000)
LEAVES(tail)

static volatile size_t some = 100;

HARD void vla_frame(void)
{
	char array[some];
	KEEP(array);
	MAKE_EVENTS(vla);
	KEEP(array);
}

HARD void alloca_frame(void)
{
	for (int i = 0; i < 2; i++)
		KEEP(alloca(some));
	MAKE_EVENTS(alloca);
}

HARD void realign_frame(void)
{
	_Alignas(64) char array[64];
	KEEP(array);
	MAKE_EVENTS(realign);
	KEEP(array);
}

HARD void realign_alloca_frame(void)
{
	_Alignas(128) char array[128];
	KEEP(array);
	KEEP(alloca(some));
	MAKE_EVENTS(realign_alloca);
	KEEP(array);
}

/* Realigned, with arguments on the stack: another register holds where they are. */
HARD long drap_callee(long a, long b, long c, long d, long e, long f, long g, long h)
{
	_Alignas(64) long array[8] = { a, b, c, d, e, f, g, h };
	KEEP(array);
	KEEP(alloca(some));
	MAKE_EVENTS(drap);
	KEEP(array);
	return array[7] + g + h;
}

HARD void drap_frame(void)
{
	if (drap_callee(1, 2, 3, 4, 5, 6, 7, 8) != 23)
		give_up("drap");
}

/* Larger than what an unwinder reads ahead. */
HARD void large_frame(void)
{
	char array[100000];
	KEEP(array);
	MAKE_EVENTS(large);
	KEEP(array);
}

HARD void saved_frame(void)
{
	asm volatile("xor %%ebx, %%ebx" ::: "rbx", "rbp", "r12", "r13", "r14", "r15");
	MAKE_EVENTS(saved);
	asm volatile("xor %%ebx, %%ebx" ::: "rbx", "rbp", "r12", "r13", "r14", "r15");
}

static bool sort_done;

HARD int sort_compare(const void *left, const void *right)
{
	if (!sort_done)
		MAKE_EVENTS(sort);
	sort_done = true;
	return *(const int *)left - *(const int *)right;
}

HARD void sort_frame(void)
{
	int numbers[] = { 5, 3, 8, 1, 7, 2, 6, 4 };
	sort_done = false;
	qsort(numbers, 8, sizeof(*numbers), sort_compare);
	STAY();
}

HARD void deep_400_step(int more)
{
	if (more)
		deep_400_step(more - 1);
	else
		MAKE_EVENTS(deep_400);
	STAY();
}

HARD void deep_400_frame(void)
{
	deep_400_step(399);
	STAY();
}

HARD void deep_2000_step(int more)
{
	if (more)
		deep_2000_step(more - 1);
	else
		MAKE_EVENTS(deep_2000);
	STAY();
}

HARD void deep_2000_frame(void)
{
	deep_2000_step(1999);
	STAY();
}

HARD void tail_last(void)
{
	MAKE_EVENTS(tail);
}

HARD void tail_first(void)
{
	tail_last(); /* a jump: this function is in no stack */
}

HARD void tail_frame(void)
{
	tail_first();
	STAY();
}

/*
 * A fault at the first instruction of a function, and one between the last ones: the page of the
 * code is dropped each time. Before the first stands another function, and the second's frame
 * has just been given back when the fault comes.
 */
asm("	.pushsection .text.pages, \"ax\", @progbits\n"
    "	.balign 4096\n"
    "page_before:\n"
    "	.cfi_startproc\n"
    "	push %rbp\n"
    "	.cfi_def_cfa_offset 16\n"
    "	.fill 4094, 1, 0x90\n"
    "	ret\n"
    "	.cfi_endproc\n"
    "	.type page_before, @function\n"
    "	.size page_before, . - page_before\n"
    "	.globl entry, epilogue, epilogue_end\n"
    "entry:\n"
    "	.cfi_startproc\n"
    "	ret\n"
    "	.cfi_endproc\n"
    "	.type entry, @function\n"
    "	.size entry, . - entry\n"
    "	.balign 4096\n"
    "epilogue:\n"
    "	.cfi_startproc\n"
    "	push %rbp\n"
    "	.cfi_def_cfa_offset 16\n"
    "	.cfi_offset rbp, -16\n"
    "	sub $48, %rsp\n"
    "	.cfi_def_cfa_offset 64\n"
    "	xor %ebp, %ebp\n"
    "	add $48, %rsp\n"
    "	.cfi_def_cfa_offset 16\n"
    "	.balign 4096, 0x90\n"
    "epilogue_end:\n"
    "	pop %rbp\n"
    "	.cfi_def_cfa_offset 8\n"
    "	ret\n"
    "	.cfi_endproc\n"
    "	.type epilogue, @function\n"
    "	.size epilogue, . - epilogue\n"
    "	.popsection\n");
extern char epilogue_end[];
void entry(void), epilogue(void);

static void drop_code(void *page)
{
	if ((uintptr_t)page % PAGE || madvise(page, PAGE, MADV_DONTNEED))
		give_up("madvise");
}

HARD void entry_frame(void)
{
	for (long i = 0; i < events; i++) {
		drop_code(entry);
		entry();
	}
}

HARD void epilogue_frame(void)
{
	for (long i = 0; i < events; i++) {
		drop_code(epilogue_end);
		epilogue();
	}
}

#endif
