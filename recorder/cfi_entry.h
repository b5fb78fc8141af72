/*
 * The entries of .eh_frame and .debug_frame: frame descriptions (FDE), each for a range of
 * addresses, and what several of them share (CIE). Nothing in the section is trusted.
 */
#ifndef RECORDER_CFI_ENTRY_H
#define RECORDER_CFI_ENTRY_H

#include "recorder/cursor.h"

/* Longer shared parts are refused: they are read again and again. */
#define CFI_CIE_MAX 512

struct cfi_section {
	const uint8_t *bytes;
	size_t size;
	uint64_t address;
	bool debug; /* .debug_frame */
};

struct cfi_cie {
	size_t at; /* in the section */
	uint64_t code_align;
	int64_t data_align;
	uint64_t return_register;
	uint8_t encoding; /* of addresses: DW_EH_PE_* */
	bool signal;      /* the frame was interrupted, not called from */
	bool augmented;   /* FDEs have a length of augmentation data */
	struct cursor program;
};

struct cfi_fde {
	uint64_t start, end; /* addresses */
	struct cursor program;
};

struct cfi_entry {
	size_t at;
	size_t cie; /* an FDE's */
	bool is_cie;
	struct cursor content; /* behind the id */
};

/*
 * The entry at *at, which becomes the next one's place. false: the section ends, or is damaged from
 * there on.
 */
bool cfi_entry_next(const struct cfi_section *, size_t *at, struct cfi_entry *out);

/* false: there is no CIE, or none that is understood. */
bool cfi_cie_read(const struct cfi_section *, size_t at, struct cfi_cie *out);

/* false: it describes nothing. `cie` is the one that entry->cie is the place of. */
bool cfi_fde_read(const struct cfi_section *, const struct cfi_cie *cie,
		  const struct cfi_entry *entry, struct cfi_fde *out);

/*
 * A pointer encoded as DW_EH_PE_* says; data is what DW_EH_PE_datarel is relative to, 0: refused.
 * Sets cursor->bad for encodings that need the process: indirect, relative to text or function.
 */
uint64_t cfi_pointer(const struct cfi_section *, struct cursor *, uint8_t encoding, uint64_t data);

#endif
