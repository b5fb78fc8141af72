/*
 * The unwind table of an ELF file: its call frame information as rows for BPF programs.
 */
#ifndef RECORDER_UNWIND_TABLE_H
#define RECORDER_UNWIND_TABLE_H

#include "bpf/unwind_rows.h"
#include "recorder/elf.h"

/* Sorted by pc, which is a file offset; equal neighbours are one row. */
struct unwind_table {
	struct unwind_row *rows;
	size_t count;
};

/*
 * Of .eh_frame, of .debug_frame where that says nothing, and of code that has no call frame
 * information but is known: the entry point, .init, .fini, PLTs, where a coroutine of libc begins.
 * The file is not trusted: what is damaged becomes UNWIND_NONE. Code beyond 4 GiB is left out.
 *
 * 0; -ENOENT: no call frame information; -ENOEXEC: not x86-64; -E2BIG: all of it beyond 4 GiB;
 * -ENOMEM.
 */
int unwind_table_build(struct elf_file *, struct unwind_table *out);
void unwind_table_free(struct unwind_table *);

#endif
