/* Code that comes and goes: made at run time, in libraries, in other processes and programs. */
#ifndef TESTS_STACKS_CODE_H
#define TESTS_STACKS_CODE_H

#include "tests/stacks/leaves.h"

#include <dlfcn.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

LEAVES(jit)
LEAVES(fork)
LEAVES(vfork)
LEAVES(exec)

/* push rbp; mov rbp, rsp; call rdi or rsi; leave; ret: frame pointers, and nothing describes it. */
static const unsigned char jit_inner[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0xc9, 0xc3 };
static const unsigned char jit_outer[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd6, 0xc9, 0xc3 };

HARD void jit_callback(void)
{
	MAKE_EVENTS(jit);
}

HARD void jit_frame(void)
{
	char *code = map_pages(1);
	memcpy(code, jit_inner, sizeof(jit_inner));
	memcpy(code + 64, jit_outer, sizeof(jit_outer));
	if (mprotect(code, PAGE, PROT_READ | PROT_EXEC))
		give_up("mprotect");
	void (*outer)(void (*callback)(void), void *inner) = (void *)(code + 64);
	outer(jit_callback, code);
	munmap(code, PAGE);
}

static void wait_for(pid_t child)
{
	int status;
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		give_up("child");
}

HARD void fork_child(void)
{
	MAKE_EVENTS(fork);
	_exit(0);
}

HARD void fork_frame(void)
{
	pid_t child = fork();
	if (!child)
		fork_child();
	wait_for(child);
}

HARD void vfork_child(void)
{
	MAKE_EVENTS(vfork);
	_exit(0);
}

HARD void vfork_frame(void)
{
	pid_t child = vfork();
	if (!child)
		vfork_child();
	wait_for(child);
}

HARD void exec_frame(void)
{
	MAKE_EVENTS(exec);
}

static void run_again(void)
{
	char count[24];
	snprintf(count, sizeof(count), "%ld", events);
	execl("/proc/self/exe", "torture", "again", count, NULL);
	give_up("exec");
}

#ifdef DYNAMIC
/* A path beside this program's file. */
static void path_beside(const char *name, char *path, size_t size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		give_up("/proc/self/exe");
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	if (snprintf(path, size, "%s/%s", self, name) >= (int)size)
		give_up("path");
}

/* The library is gone when this returns. */
HARD void twin_frame(const char *name, const char *function)
{
	char path[2 * PATH_MAX];
	path_beside(name, path, sizeof(path));
	void *library = dlopen(path, RTLD_NOW);
	void (*run)(long) = library ? (void (*)(long))dlsym(library, function) : NULL;
	if (!run) {
		fprintf(stderr, "%s\n", dlerror());
		_exit(1);
	}
	run(events);
	dlclose(library);
}

/* Two of the same layout: the second comes to where the first was. */
HARD void twins_frame(void)
{
	twin_frame("lib/twin_first.so", "twin_first_frame");
	twin_frame("lib/twin_second.so", "twin_second_frame");
	STAY();
}
#endif

#endif
