/* Rows for code that has no call frame information, or a misleading one, but is known. */
#ifndef RECORDER_UNWIND_KNOWN_H
#define RECORDER_UNWIND_KNOWN_H

#include "recorder/elf_sections.h"
#include "recorder/unwind_pieces.h"

/* To be called when all other pieces are there. 0, -ENOMEM. */
int unwind_known_add(struct unwind_pieces *, struct elf_file *, const struct code_map *);

#endif
