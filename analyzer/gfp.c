#include "analyzer/gfp.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

struct gfp_name {
	uint64_t bits;
	const char *name;
};

/*
 * Names of sets of bits come first, those of more bits before those of fewer. The bits up to
 * ACCOUNT have been the same from 5.4 to 7.x (include/linux/gfp_types.h); those above depend on
 * the configuration.
 */
static const struct gfp_name names[] = {
	{ 0x1c24ca, "GFP_TRANSHUGE" },
	{ 0x1c20ca, "GFP_TRANSHUGE_LIGHT" },
	{ 0x100cca, "GFP_HIGHUSER_MOVABLE" },
	{ 0x100cc2, "GFP_HIGHUSER" },
	{ 0x400cc0, "GFP_KERNEL_ACCOUNT" },
	{ 0x100cc0, "GFP_USER" },
	{ 0xcc0, "GFP_KERNEL" },
	{ 0xc40, "GFP_NOFS" },
	{ 0x820, "GFP_ATOMIC" },
	{ 0xc00, "GFP_NOIO" },
	{ 0x1, "GFP_DMA" },
	{ 0x2, "__GFP_HIGHMEM" },
	{ 0x4, "GFP_DMA32" },
	{ 0x8, "__GFP_MOVABLE" },
	{ 0x10, "__GFP_RECLAIMABLE" },
	{ 0x20, "__GFP_HIGH" },
	{ 0x40, "__GFP_IO" },
	{ 0x80, "__GFP_FS" },
	{ 0x100, "__GFP_ZERO" },
	{ 0x400, "__GFP_DIRECT_RECLAIM" },
	{ 0x800, "__GFP_KSWAPD_RECLAIM" },
	{ 0x1000, "__GFP_WRITE" },
	{ 0x2000, "__GFP_NOWARN" },
	{ 0x4000, "__GFP_RETRY_MAYFAIL" },
	{ 0x8000, "__GFP_NOFAIL" },
	{ 0x10000, "__GFP_NORETRY" },
	{ 0x20000, "__GFP_MEMALLOC" },
	{ 0x40000, "__GFP_COMP" },
	{ 0x80000, "__GFP_NOMEMALLOC" },
	{ 0x100000, "__GFP_HARDWALL" },
	{ 0x200000, "__GFP_THISNODE" },
	{ 0x400000, "__GFP_ACCOUNT" },
};

enum { GFP_TEXT_MAX = 512 };

static void gfp_text(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	uint64_t flags = (uint64_t)sqlite3_value_int64(argv[0]);
	char text[GFP_TEXT_MAX];
	int n = 0;

	(void)argc;
	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if ((flags & names[i].bits) != names[i].bits)
			continue;
		n += snprintf(text + n, sizeof(text) - n, "%s%s", n ? "|" : "", names[i].name);
		flags &= ~names[i].bits;
	}
	if (flags || !n)
		n += snprintf(text + n, sizeof(text) - n, "%s%#" PRIx64, n ? "|" : "", flags);
	sqlite3_result_text(context, text, n, SQLITE_TRANSIENT);
}

int gfp_register(sqlite3 *db)
{
	return sqlite3_create_function(db, "gfp_text", 1,
				       SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL,
				       gfp_text, NULL, NULL);
}
