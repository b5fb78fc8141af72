/*
 * Where the full symbol table of a stripped file is: in a debug file on this machine, or in the
 * file itself, compressed ("mini debug info", section .gnu_debugdata).
 */
#ifndef RECORDER_DEBUG_FILE_H
#define RECORDER_DEBUG_FILE_H

#include "recorder/elf.h"

#define DEBUG_FOLDER "/usr/lib/debug"

/* Mini debug info is not read if it is larger; no more memory is used to unpack it. */
#define DEBUGDATA_PACKED_MAX (16 << 20)
#define DEBUGDATA_MAX (64 << 20)
#define DEBUGDATA_MEMORY_MAX (128 << 20)

/*
 * FOLDER/.build-id/xx/yy.debug of the same build id, else what is unpacked from the file. For
 * elf_use_debug(). 0, -ENOENT, -ENOMEM.
 */
int debug_file_open(struct elf_file *file, const char *folder, struct elf_file **out);

#endif
