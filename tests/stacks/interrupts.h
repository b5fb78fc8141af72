/* Frames on top of which no function was called: of signal handlers, coroutines and threads. */
#ifndef TESTS_STACKS_INTERRUPTS_H
#define TESTS_STACKS_INTERRUPTS_H

#include "tests/stacks/leaves.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#ifdef __GLIBC__
#include <ucontext.h>
#endif

enum { THREADS = 8, STACK_SIZE = 1 << 18 };

LEAVES(signal)
LEAVES(segv)
LEAVES(altstack)
LEAVES(thread)

static void handle(int signal, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	if (sigaction(signal, &action, NULL))
		give_up("sigaction");
}

HARD void signal_handler(int signal)
{
	(void)signal;
	MAKE_EVENTS(signal);
}

HARD void signal_frame(void)
{
	handle(SIGUSR1, signal_handler, 0);
	raise(SIGUSR1);
	STAY();
}

static char *segv_page;

/* The store is the function's first instruction: what stands before it is another function. */
asm("	.pushsection .text\n"
    "segv_store:\n"
    "	.cfi_startproc\n"
    "	movb $1, (%rdi)\n"
    "	ret\n"
    "	.cfi_endproc\n"
    "	.globl segv_store\n"
    "	.type segv_store, @function\n"
    "	.size segv_store, . - segv_store\n"
    "	.popsection\n");
void segv_store(char *page);

HARD void segv_handler(int signal)
{
	(void)signal;
	MAKE_EVENTS(segv);
	if (mprotect(segv_page, PAGE, PROT_READ | PROT_WRITE))
		give_up("mprotect");
}

HARD void segv_frame(void)
{
	segv_page = map_pages(1);
	if (mprotect(segv_page, PAGE, PROT_NONE))
		give_up("mprotect");
	handle(SIGSEGV, segv_handler, 0);
	segv_store(segv_page);
	handle(SIGSEGV, SIG_DFL, 0);
}

HARD void altstack_handler(int signal)
{
	(void)signal;
	MAKE_EVENTS(altstack);
}

HARD void altstack_frame(void)
{
	stack_t stack = { .ss_sp = map_pages(STACK_SIZE / PAGE), .ss_size = STACK_SIZE };
	if (sigaltstack(&stack, NULL))
		give_up("sigaltstack");
	handle(SIGUSR2, altstack_handler, SA_ONSTACK);
	raise(SIGUSR2);
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
}

#ifdef __GLIBC__
LEAVES(coroutine)

static ucontext_t coroutine_caller, coroutine;

HARD void coroutine_body(void)
{
	for (;;) {
		MAKE_EVENTS(coroutine);
		swapcontext(&coroutine, &coroutine_caller);
	}
}

HARD void coroutine_frame(void)
{
	if (getcontext(&coroutine))
		give_up("getcontext");
	coroutine.uc_stack.ss_sp = map_pages(STACK_SIZE / PAGE);
	coroutine.uc_stack.ss_size = STACK_SIZE;
	makecontext(&coroutine, coroutine_body, 0);
	for (int i = 0; i < 2; i++)
		if (swapcontext(&coroutine_caller, &coroutine))
			give_up("swapcontext");
}
#endif

HARD void thread_frame(void)
{
	MAKE_EVENTS(thread);
}

HARD void *thread_root(void *argument)
{
	thread_frame();
	STAY();
	return argument;
}

HARD void threads_frame(void)
{
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++) {
		errno = pthread_create(&threads[i], NULL, thread_root, NULL);
		if (errno)
			give_up("pthread_create");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

#endif
