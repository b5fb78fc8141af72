/*
 * jit NAME: makes code at a fixed address and says so in /tmp/perf-PID.map: NAME_touch before it
 * runs, which faults in 64 pages, and NAME_allocate only half a second after, which has called
 * malloc 32 times.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 64, ALLOCATIONS = 32, ALLOCATE_AT = 64 };

static const unsigned char touch_code[] = {
	0x55,             /* push rbp */
	0x48, 0x89, 0xe5, /* mov rbp, rsp */
	0xc6, 0x07, 0x01, /* mov byte [rdi], 1 */
	0x5d, 0xc3,       /* pop rbp; ret */
};

static const unsigned char allocate_code[] = {
	0x55,             /* push rbp */
	0x48, 0x89, 0xe5, /* mov rbp, rsp */
	0xff, 0xd6,       /* call rsi */
	0x5d, 0xc3,       /* pop rbp; ret */
};

static unsigned char *code_make(void)
{
	unsigned char *code = mmap((void *)0x600000000000, PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (code == MAP_FAILED)
		exit(1);
	memcpy(code, touch_code, sizeof(touch_code));
	memcpy(code + ALLOCATE_AT, allocate_code, sizeof(allocate_code));
	if (mprotect(code, PAGE, PROT_READ | PROT_EXEC))
		exit(1);
	return code;
}

static void map_add(const unsigned char *code, size_t size, const char *name, const char *what)
{
	char path[64];
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	FILE *map = fopen(path, "a");
	if (!map || fprintf(map, "%lx %zx %s_%s\n", (unsigned long)code, size, name, what) < 0 ||
	    fclose(map))
		exit(1);
}

static void touch(const unsigned char *code)
{
	void (*run)(char *) = (void (*)(char *))code;
	char *pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	if (pages == MAP_FAILED || madvise(pages, PAGES * PAGE, MADV_NOHUGEPAGE))
		exit(1);
	for (int i = 0; i < PAGES; i++)
		run(pages + i * PAGE);
}

static void allocate(const unsigned char *code)
{
	void *(*run)(size_t, void *(*)(size_t)) = (void *(*)(size_t, void *(*)(size_t)))(
		code + ALLOCATE_AT);
	for (int i = 0; i < ALLOCATIONS; i++)
		if (!run(100, malloc))
			exit(1);
}

int main(int argc, char **argv)
{
	unsigned char *code = code_make();
	if (argc != 2)
		return 2;
	map_add(code, sizeof(touch_code), argv[1], "touch");
	touch(code);
	allocate(code);
	usleep(500000);
	map_add(code + ALLOCATE_AT, sizeof(allocate_code), argv[1], "allocate");
	return 0;
}
