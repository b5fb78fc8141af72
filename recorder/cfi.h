/*
 * Unwinds by the call frame information of an ELF file, all of it: what unwind tables
 * (unwind_table.h) cannot express too, but slower. Not for two threads at a time.
 */
#ifndef RECORDER_CFI_H
#define RECORDER_CFI_H

#include "recorder/cfi_frame.h"
#include "recorder/elf.h"

struct cfi;

/* The file may be closed afterwards. 0; -ENOENT: there is none; -ENOEXEC: not x86-64; -ENOMEM. */
int cfi_open(struct elf_file *, struct cfi **out);
void cfi_close(struct cfi *);

/*
 * Makes a frame its caller's. `offset`: where rip is in that file. Registers that calls do not keep
 * are not known afterwards, unless the rules say where they are, nor are those that could not be
 * read.
 *
 * 0; 1: it was the outermost one; -ENOENT: there is no information (in a table there may be a row
 * nevertheless, as for the entry point); -EFAULT: the return address or what leads to it could not
 * be read; -EINVAL: rules that are not understood, or that need a register that is not known. The
 * frame is changed only by 0.
 */
int cfi_step(struct cfi *, uint64_t offset, struct cfi_frame *, cfi_read *, void *context);

#endif
