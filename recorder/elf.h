/*
 * Reads what the recorder wants from ELF files: build id, where functions are, code. Positions are
 * file offsets, as uprobes and mappings have them. The files are not trusted: damaged ones give
 * -ENOENT or fewer symbols.
 */
#ifndef RECORDER_ELF_H
#define RECORDER_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Larger tables of symbols or of their names are not read. */
#define ELF_TABLE_MAX (512 << 20)
#define ELF_BUILD_ID_MAX 32

struct Elf;
struct elf_file;

/*
 * fd stays the caller's, and open until elf_file_close(). Reads no more than headers.
 * 0; -ENOEXEC: not an ELF file; else -errno.
 */
int elf_file_open(int fd, struct elf_file **out);

/* Likewise of a file in memory; takes over `bytes`, which came from malloc, in any case. */
int elf_file_open_bytes(uint8_t *bytes, size_t n, struct elf_file **out);

void elf_file_close(struct elf_file *file);

/* libelf's handle, for elf_sections.c. */
struct Elf *elf_handle(struct elf_file *file);
/* From now on elf_file_close() closes fd too. */
void elf_own_fd(struct elf_file *file);

/* The GNU build id in lower case hexadecimal. 0, -ENOENT. */
int elf_build_id(struct elf_file *file, char hex[2 * ELF_BUILD_ID_MAX + 1]);

/*
 * Where the function begins that the dynamic linker would bind to name (the default version), or
 * one of the full symbol table; *size may be 0. Functions that are chosen at load time (IFUNC) are
 * not found: their symbol is the chooser's. 0, -ENOENT.
 */
int elf_symbol_offset(struct elf_file *file, const char *name, uint64_t *file_offset,
		      uint64_t *size);

/*
 * The function that contains file_offset, and how far behind its beginning that is. *name is valid
 * until elf_file_close(). The first call reads and sorts all symbols. 0, -ENOENT, -ENOMEM.
 */
int elf_function_at(struct elf_file *file, uint64_t file_offset, const char **name,
		    uint64_t *function_offset);

/* Whether the full symbol table is at hand, its own or a debug file's. */
bool elf_has_symbols(const struct elf_file *file);

/*
 * From now on elf_function_at() knows the symbols of `debug`, a file with the same addresses, too.
 * To be called before the first elf_function_at(); takes over `debug`.
 */
void elf_use_debug(struct elf_file *file, struct elf_file *debug);

/*
 * The bytes of a section as they stand in the file, valid until elf_file_close(). 0; -ENOENT: there
 * is none of that name, or it is larger than max.
 */
int elf_section(struct elf_file *file, const char *name, size_t max, const void **bytes, size_t *n);

/* What to add to a file offset in code for the address that tools know it by. 0; -ENOENT: no code.
 */
int elf_address(const struct elf_file *file, int64_t *address_offset);

/* Reads up to n bytes; returns how many there are, or -errno. */
ssize_t elf_code(struct elf_file *file, uint64_t file_offset, uint8_t *buffer, size_t n);

#endif
