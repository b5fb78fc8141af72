/*
 * Names of functions as their languages write them: C++ (Itanium ABI) and Rust (both schemes).
 */
#ifndef ANALYZER_DEMANGLE_H
#define ANALYZER_DEMANGLE_H

#include <sqlite3.h>

enum {
	/* A demangled name is at most so long: repetitions in a mangled one may make it endless. */
	DEMANGLED_MAX = 64 << 10,
	/* Longer symbols stay as they are. libiberty itself stops at C++ names of 1024. */
	MANGLED_MAX = 4 << 10,
};

/*
 * The name of a symbol from a symbol table, malloc'ed; NULL: it is not mangled, or its name is
 * longer than DEMANGLED_MAX, or there is no memory. A version (@GLIBCXX_3.4) stays behind the name.
 */
char *demangle(const char *symbol);

/* The SQL function demangle(symbol): the name, or the symbol as it is. An SQLite code. */
int demangle_register(sqlite3 *db);

#endif
