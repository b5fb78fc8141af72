/*
 * libiberty does the work, writing into a callback. What is hostile is stopped there, by leaving
 * it: a name that says "the same once more" a hundred times would take it for ever.
 */
#include "analyzer/demangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct name {
	jmp_buf too_long;
	char *text;
	size_t length, room;
};

static void name_add(const char *part, size_t n, void *context)
{
	struct name *name = context;
	size_t wanted = name->length + n + 1;
	char *grown;

	if (wanted > DEMANGLED_MAX)
		longjmp(name->too_long, 1);
	if (wanted > name->room) {
		grown = realloc(name->text, 2 * wanted);
		if (!grown)
			longjmp(name->too_long, 1);
		name->text = grown;
		name->room = 2 * wanted;
	}
	memcpy(name->text + name->length, part, n);
	name->length += n;
	name->text[name->length] = '\0';
}

typedef int (*demangler)(const char *mangled, int options, demangle_callbackref callback,
			 void *opaque);

/* The callback allocates nothing that its caller would free, nor does the caller: see the longjmp.
 */
static char *demangle_by(demangler demangler, const char *mangled, const char *version)
{
	struct name *name = calloc(1, sizeof(*name));
	char *text = NULL;

	if (!name)
		return NULL;
	if (!setjmp(name->too_long) &&
	    demangler(mangled, DMGL_PARAMS | DMGL_ANSI, name_add, name) && name->length) {
		name_add(version, strlen(version), name);
		text = name->text;
		name->text = NULL;
	}
	free(name->text);
	free(name);
	return text;
}

/* All schemes begin so; with more underscores on some systems. */
static bool may_be_mangled(const char *symbol)
{
	return !strncmp(symbol, "_Z", 2) || !strncmp(symbol, "_R", 2) ||
	       !strncmp(symbol, "__Z", 3) || !strncmp(symbol, "__R", 3);
}

char *demangle(const char *symbol)
{
	size_t length = strcspn(symbol, "@");
	char *mangled, *name;

	if (!may_be_mangled(symbol) || length + strlen(symbol + length) > MANGLED_MAX)
		return NULL;
	mangled = strndup(symbol, length);
	if (!mangled)
		return NULL;
	/* Rust's older scheme is valid C++ that ends in a hash, so it comes first. */
	name = demangle_by(rust_demangle_callback, mangled, symbol + length);
	if (!name)
		name = demangle_by(cplus_demangle_v3_callback, mangled, symbol + length);
	free(mangled);
	return name;
}

static void sql_demangle(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const char *symbol = (const char *)sqlite3_value_text(argv[0]);
	char *name = symbol ? demangle(symbol) : NULL;

	(void)argc;
	if (name)
		sqlite3_result_text(context, name, -1, free);
	else
		sqlite3_result_value(context, argv[0]);
}

int demangle_register(sqlite3 *db)
{
	return sqlite3_create_function(db, "demangle", 1,
				       SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL,
				       sql_demangle, NULL, NULL);
}
