/*
 * Where the C library's functions are probed.
 */
#ifndef RECORDER_LIBC_H
#define RECORDER_LIBC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct libc_function {
	char path[4200]; /* of the library, as this process can open it */
	uint64_t offset; /* in the file, of the instruction to probe */
	uint8_t code;    /* its first byte in the file: in memory a breakpoint takes its place */
	bool slow;       /* the kernel single-steps it: some 20 us a call instead of one */
};

/*
 * Finds a function of the C library that process `pid` has mapped; with pid 0, of this host's. 0;
 * -ENOENT: no C library, or no such function; -errno; `why` gets the reason.
 */
int libc_find(uint32_t pid, const char *function, struct libc_function *out, char *why,
	      size_t why_size);

/* The address of that instruction in process or thread `pid`, 0 if there is none. */
uint64_t libc_address(uint32_t pid, const struct libc_function *);

#endif
