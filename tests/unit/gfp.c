/*
 * Flags of allocations as text; and that they are the bits that this kernel says they are, where
 * its BTF has them (since 6.10).
 */
#include <bpf/btf.h>
#include <sqlite3.h>
#include "analyzer/gfp.h"
#include "tests/check.h"

static sqlite3 *db;

static void check_text(const char *flags, const char *wanted)
{
	char sql[64];
	sqlite3_stmt *statement;

	snprintf(sql, sizeof(sql), "SELECT gfp_text(%s)", flags);
	CHECK(!sqlite3_prepare_v2(db, sql, -1, &statement, NULL));
	CHECK_EQUAL(sqlite3_step(statement), SQLITE_ROW);
	if (wanted)
		CHECK_TEXT((const char *)sqlite3_column_text(statement, 0), wanted);
	else
		CHECK_EQUAL(sqlite3_column_type(statement, 0), SQLITE_NULL);
	sqlite3_finalize(statement);
}

/* A bit that has a name of its own must have this kernel's: GFP_DMA and GFP_DMA32 are the sets'. */
static void check_bit(const char *kernel_name, int bit)
{
	char flags[32], wanted[64];
	int length = (int)strlen(kernel_name) - 4; /* less _BIT */

	if (bit > 22 || bit == 9)
		return;
	snprintf(flags, sizeof(flags), "%d", 1 << bit);
	snprintf(wanted, sizeof(wanted), "%.*s", length - 1, kernel_name + 1);
	check_text(flags, bit == 0 || bit == 2 ? wanted + 2 : wanted);
}

static int check_kernel(const struct btf *btf)
{
	int seen = 0;

	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		for (int i = 0; btf_is_enum(type) && i < btf_vlen(type); i++) {
			const struct btf_enum *e = btf_enum(type) + i;
			const char *name = btf__name_by_offset(btf, e->name_off);

			if (strncmp(name, "___GFP_", 7))
				continue;
			check_bit(name, e->val);
			seen++;
		}
	}
	return seen;
}

int main(void)
{
	struct btf *btf;

	CHECK(!sqlite3_open(":memory:", &db));
	CHECK(!gfp_register(db));
	check_text("NULL", NULL);
	check_text("0", "0");
	check_text("0xcc0", "GFP_KERNEL");
	check_text("0x140dca", "GFP_HIGHUSER_MOVABLE|__GFP_ZERO|__GFP_COMP");
	check_text("0x2c00", "GFP_NOIO|__GFP_NOWARN");
	check_text("0x1000cc0", "GFP_KERNEL|0x1000000");
	btf = btf__load_vmlinux_btf();
	printf("bits with a name in this kernel's BTF: %d\n", btf ? check_kernel(btf) : 0);
	btf__free(btf);
	sqlite3_close(db);
	return 0;
}
