/*
 * The functions of the kernel and its modules by address, from the text of /proc/kallsyms.
 */
#ifndef RECORDER_KALLSYMS_H
#define RECORDER_KALLSYMS_H

#include <stdint.h>

struct kallsyms;

/*
 * Reads the file from its beginning; the descriptor stays the caller's. A file that shows addresses
 * to nobody (kptr_restrict) is one without functions. 0, -errno.
 */
int kallsyms_read(int fd, struct kallsyms **out);

/* The function that an address is in or behind: the kernel does not tell where functions end. */
int kallsyms_find(const struct kallsyms *, uint64_t address, const char **name, uint64_t *start);

/* Where the kernel's own code begins (_text), and where the last of its functions does; 0: not
 * known. */
uint64_t kallsyms_text(const struct kallsyms *);
uint64_t kallsyms_last(const struct kallsyms *);

/* Accepts NULL. */
void kallsyms_free(struct kallsyms *);

#endif
