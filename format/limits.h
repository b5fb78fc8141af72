/*
 * The named maxima of a trace. A writer keeps to them; a reader refuses what exceeds them before it
 * allocates anything.
 */
#ifndef FORMAT_LIMITS_H
#define FORMAT_LIMITS_H

enum {
	FORMAT_VERSION = 1,

	BLOCK_RAW_TARGET = 512 << 10,   /* a block is closed when its content reaches this */
	BLOCK_RAW_MAX = 16 << 20,       /* content of a block, and of a batch, bytes */
	BLOCK_STORED_MAX = 17 << 20,    /* its zstd frame */
	BLOCK_UNPACKED_MAX = 256 << 20, /* a batch as arrays in memory */
	BATCH_ROWS_MAX = 4 << 20,
	TEXT_MAX = 4 << 20,          /* a single text */
	EPOCH_RAW_TARGET = 16 << 20, /* an epoch ends here or after EPOCH_NS */
	TABLES_MAX = 256,            /* numbers of tables: 0 .. 255 */
	COLUMNS_MAX = 32,            /* columns of a table */
	DEFINITIONS_MAX = 16 << 20,  /* rows of a definition table in an epoch */
	SESSIONS_MAX = 4096,         /* in one file */
	HEADER_MAX = 4096,           /* a block header, bytes */
};

#define BLOCK_NS 1000000000LL
#define EPOCH_NS (300 * 1000000000LL)

#endif
