/*
 * What the unwinder wants from an ELF file: whole sections, and where code lies. Addresses are the
 * file's own, offsets are into the file.
 */
#ifndef RECORDER_ELF_SECTIONS_H
#define RECORDER_ELF_SECTIONS_H

#include "recorder/elf.h"

#include <stdbool.h>

struct elf_section {
	uint8_t *bytes;
	size_t size;
	uint64_t address;
};

/* Reads a section, decompressed. 0; -ENOENT: none, or empty or larger than ELF_TABLE_MAX; -ENOMEM.
 */
int elf_section_read(struct elf_file *, const char *name, struct elf_section *out);

/* The same for a part of the file that is mapped at an address, up to its segment's end. */
int elf_segment_read(struct elf_file *, uint64_t address, struct elf_section *out);

void elf_section_free(struct elf_section *);

/* Where a section lies, unread. false: there is none. */
bool elf_section_find(struct elf_file *, const char *name, uint64_t *address, uint64_t *size);

/* Where .eh_frame_hdr is by the program headers, which every file has. */
bool elf_unwind_header(struct elf_file *, uint64_t *address);

/* An ELF file of 64 bits for x86-64. */
bool elf_is_x86_64(struct elf_file *);

/* The address of the first instruction; 0: none. */
uint64_t elf_entry(struct elf_file *);

#define CODE_SEGMENTS_MAX 64

/* The executable segments. */
struct code_map {
	struct {
		uint64_t address;
		uint64_t offset;
		uint64_t size;
	} segments[CODE_SEGMENTS_MAX];
	size_t n;
};

void code_map_init(struct code_map *, struct elf_file *);

/* *room: how many bytes of the segment there are from there on. false: it is not code. */
bool code_map_offset(const struct code_map *, uint64_t address, uint64_t *offset, uint64_t *room);
bool code_map_address(const struct code_map *, uint64_t offset, uint64_t *address);

#endif
