/*
 * The names of bits and numbers that programs give to system calls, as Linux on x86-64 has them,
 * and of the errors that these return.
 */
#ifndef ANALYZER_FLAGS_H
#define ANALYZER_FLAGS_H

#include <stdint.h>
#include <sqlite3.h>

enum { FLAGS_TEXT_MAX = 1024 };

/*
 * The names of the value's bits joined by '|', as programs write them; what has no name in hex.
 * NULL: no such kind. Kinds: the system calls' names, and `protection` for mmap's and mprotect's.
 * `out` has room for FLAGS_TEXT_MAX.
 */
const char *flags_text(const char *kind, uint64_t value, char *out);

/*
 * The SQL functions flags_text(kind, value), the same, and error_name(result): what
 * a system call that returned it failed with (ENOMEM), NULL if it did not. An SQLite code.
 */
int flags_register(sqlite3 *db);

#endif
