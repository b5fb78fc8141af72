/*
 * Rows of an unwind table: how a BPF program gets from a frame to its caller without frame
 * pointers. A table belongs to one ELF file, is sorted by pc, and a row holds up to the next one's
 * pc. Distances are in units of 8 bytes; CFA is the canonical frame address, what rsp is in the
 * caller when the call has returned. The return address is at CFA - 8.
 */
#ifndef BPF_UNWIND_ROWS_H
#define BPF_UNWIND_ROWS_H

#include <linux/types.h>

struct unwind_row {
	__u32 pc;  /* file offset of the first byte it holds for: ip - vm_start + vm_pgoff pages */
	__s16 cfa; /* see enum unwind_type */
	__s8 fp;   /* see UNWIND_FP_AT_*; without one of them the caller's rbp is rbp */
	__u8 type; /* enum unwind_type | UNWIND_FP_* */
};

enum unwind_type {
	UNWIND_NONE, /* nothing is known from here on */
	UNWIND_RSP,  /* CFA = rsp + 8 * cfa */
	UNWIND_RBP,  /* CFA = rbp + 8 * cfa */
	UNWIND_PLT, /* CFA = rsp + 8 + 8 * ((ip & 15) >= cfa); cfa is where the push ends, 11 mostly
		     */
	UNWIND_SIGNAL,     /* the kernel's signal frame: rbp, rsp, rip are at rsp + 120, 160, 168 */
	UNWIND_COMPLEX,    /* needs the whole call frame information: cfi_step() */
	UNWIND_DEREF,      /* CFA = *(rbp + 8 * cfa): stacks realigned by gcc */
	UNWIND_END,        /* the outermost frame */
	UNWIND_RSP_DEREF,  /* CFA = *(rsp + 8 * cfa) + 8: OpenSSL's assembly */
	UNWIND_TYPES = 15, /* the mask */
};

enum {
	UNWIND_FP_AT_FP = 0x10,  /* the caller's rbp was saved at rbp + 8 * fp */
	UNWIND_FP_AT_CFA = 0x20, /* at CFA + 8 * fp */
};

/* Bytes of code that an entry of an index over the rows stands for. */
enum { UNWIND_PAGE = 256 };

#endif
