/*
 * Flags of page allocations (gfp_t), as the kernel's own log writes them.
 */
#ifndef ANALYZER_GFP_H
#define ANALYZER_GFP_H

#include <sqlite3.h>

/*
 * The SQL function gfp_text(flags): "GFP_KERNEL|__GFP_COMP". Bits whose meaning depends on how the
 * kernel was configured stay a number: "GFP_KERNEL|0x1000000". An SQLite code.
 */
int gfp_register(sqlite3 *db);

#endif
