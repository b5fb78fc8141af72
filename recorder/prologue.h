/*
 * Where in a function a uprobe is cheap (x86-64).
 *
 * The kernel single-steps the instruction under a uprobe unless it can emulate it: push, a relative
 * jump or call, nop. Stepping costs twenty times as much, and most functions do not begin with such
 * an instruction.
 */
#ifndef RECORDER_PROLOGUE_H
#define RECORDER_PROLOGUE_H

#include <stddef.h>
#include <stdint.h>

/* As many first bytes as are ever looked at. */
#define PROLOGUE_MAX 48

/*
 * Finds the first emulated instruction that every call of the function reaches in a straight line,
 * with rsp, rdi, rsi, rdx and memory as they were at the entry: a probe there, with a return probe
 * too, sees what one at the entry would. Instructions cut off by length, and those not understood,
 * end the search. A function that jumps back to the found instruction would be seen again each
 * time; none that is probed does. Returns 0 with the offset in *out; 1 with *out = 0 when there is
 * none, and a probe at the entry is slow.
 */
int prologue_probe_offset(const uint8_t *code, size_t length, uint64_t *out);

#endif
