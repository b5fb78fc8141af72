/*
 * What a file with debug information says of an address: the functions that it belongs to and where
 * they are in the source. The file may be a program, or its debug information split off.
 */
#ifndef ANALYZER_DEBUG_INFO_H
#define ANALYZER_DEBUG_INFO_H

#include <stddef.h>
#include <stdint.h>

enum { SCOPES_MAX = 64 }; /* functions inside one another */

struct debug_info;

struct scope {
	const char *symbol; /* NULL: not known */
	const char *path;   /* likewise */
	uint64_t line;      /* 0: likewise */
};

/* Texts are valid until debug_info_close(). */
struct place {
	struct scope scopes[SCOPES_MAX]; /* the innermost first */
	int n_scopes;                    /* 0: the source is not known */
	const char *symbol;              /* of the symbol table, or NULL */
	uint64_t symbol_offset;          /* of the address from its beginning */
};

/*
 * `folder` is where files are that debug information is shared with (dwz). 0; -ENOEXEC: no ELF
 * file; -errno.
 */
int debug_info_open(const char *path, const char *folder, struct debug_info **out);

/* An address as the ELF file has it. */
void debug_info_find(struct debug_info *, uint64_t address, struct place *out);

/*
 * What to add to an offset in the file for an address; 0 for split-off debug information, which no
 * longer knows.
 */
int64_t debug_info_address_offset(struct debug_info *);

/* Accepts NULL. */
void debug_info_close(struct debug_info *);

#endif
