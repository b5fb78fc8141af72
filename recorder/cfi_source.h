/* The sections with call frame information of an ELF file, and the CIEs that were read of each. */
#ifndef RECORDER_CFI_SOURCE_H
#define RECORDER_CFI_SOURCE_H

#include "recorder/cfi_program.h"
#include "recorder/elf_sections.h"

#define CFI_STARTS 16

struct cfi_source {
	struct elf_section elf;
	struct cfi_section section;
	struct {
		struct cfi_start start;
		bool known, good;
	} starts[CFI_STARTS]; /* the last ones */
};

/*
 * .eh_frame, also where only the program headers lead to it, or .debug_frame.
 * 0; -ENOENT: there is none; -ENOMEM.
 */
int cfi_source_open(struct cfi_source *, struct elf_file *, bool debug);
void cfi_source_close(struct cfi_source *);

/*
 * An FDE, and what it begins with, which is valid until the next call. `run` is used as space.
 * false: it describes nothing that is understood.
 */
bool cfi_source_fde(struct cfi_source *, const struct cfi_entry *entry, struct cfi_run *run,
		    struct cfi_fde *fde, const struct cfi_start **start);

/*
 * .eh_frame_hdr's table of FDEs, sorted: pairs of 4-byte numbers relative to the header's address,
 * the first address of an FDE and where it is.
 */
struct cfi_index {
	struct elf_section elf;
	const uint8_t *table;
	size_t n;
	uint64_t frame; /* the address of .eh_frame */
};

/* 0; -ENOENT: none that is understood; -ENOMEM. */
int cfi_index_open(struct cfi_index *, struct elf_file *);
void cfi_index_close(struct cfi_index *);

/* The address of the FDE that may contain an address. */
bool cfi_index_find(const struct cfi_index *, uint64_t address, uint64_t *fde);

#endif
