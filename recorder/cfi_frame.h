/* A frame's registers, by DWARF's numbers of x86-64's. */
#ifndef RECORDER_CFI_FRAME_H
#define RECORDER_CFI_FRAME_H

#include <stdbool.h>
#include <stdint.h>

/* 0 rax, 1 rdx, 2 rcx, 3 rbx, 4 rsi, 5 rdi, 6 rbp, 7 rsp, 8 r8 to 15 r15, 16 rip */
enum { CFI_RBX = 3, CFI_RBP = 6, CFI_RSP = 7, CFI_R12 = 12, CFI_RIP = 16, CFI_REGISTERS = 17 };

struct cfi_frame {
	uint64_t reg[CFI_REGISTERS];
	uint32_t known; /* bit i: reg[i] has a value */
	bool call;      /* rip is a return address: rip - 1 is in the function */
};

/* Reads 8 bytes of the process. false: it cannot. */
typedef bool cfi_read(void *context, uint64_t addr, uint64_t *value);

#endif
