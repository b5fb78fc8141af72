/*
 * Rows of the trace that the reports are asked about, written as text; and those of the kernel's
 * allocations, and of a memory cgroup.
 */
#ifndef TESTS_UNIT_REPORTS_ROWS_H
#define TESTS_UNIT_REPORTS_ROWS_H

#include <inttypes.h>
#include <stdarg.h>
#include "format/writer.h"
#include "tests/check.h"

static const int64_t second = 1000000000LL;

static inline int column_index(const struct table *table, const char *name, size_t length)
{
	for (int i = 0; i < table->n_columns; i++)
		if (strlen(table->columns[i].name) == length &&
		    !strncmp(table->columns[i].name, name, length))
			return i;
	FAIL("table %s has no column %.*s", table->name, (int)length, name);
}

/* Adds a row written as "column=value column=value"; values have no blanks, and those not named are
 * 0. */
static inline void add(struct writer *writer, const char *name, const char *row)
{
	const struct table *table = table_named(name);
	struct cell cells[COLUMNS_MAX] = { 0 };

	CHECK(table);
	for (; *row; row += strspn(row, " ")) {
		const char *value = strchr(row, '=') + 1;
		struct cell *cell = &cells[column_index(table, row, value - 1 - row)];

		cell->text = value;
		cell->length = strcspn(value, " ");
		cell->null = *value == '-';
		cell->number = strtoull(value, NULL, 10);
		row = value + cell->length;
	}
	CHECK(!writer_add_cells(writer, table, cells));
}

__attribute__((format(printf, 3, 4))) static inline void addf(struct writer *writer,
							      const char *name, const char *format,
							      ...)
{
	char row[512];
	va_list args;

	va_start(args, format);
	vsnprintf(row, sizeof(row), format, args);
	va_end(args);
	add(writer, name, row);
}

/* The kernel's allocations, and what it says itself of objects and pages at the beginning and the
 * end. */
static inline void add_kernel(struct writer *writer)
{
	for (int i = 0; i < 3; i++) {
		long long ts_ns = 1002000000000 + i * second;

		addf(writer, "kmem_total",
		     "ts_ns=%lld kernel_stack_id=8 cache_id=1 allocations=%d frees=5 implied_frees=1",
		     ts_ns, 10 + i);
		addf(writer, "kmem_total",
		     "ts_ns=%lld kernel_stack_id=9 cache_id=2 allocations=4 requested_bytes=200 unpaired=1",
		     ts_ns);
		addf(writer, "kmem_total",
		     "ts_ns=%lld kernel_stack_id=8 cache_id=0 implied_frees=1", ts_ns);
		addf(writer, "kmem_total", "ts_ns=%lld cache_id=1 frees=2", ts_ns);
		addf(writer, "page_total",
		     "ts_ns=%lld allocation_order=2 allocations=9 frees=6 failed=1", ts_ns);
		addf(writer, "percpu_total",
		     "ts_ns=%lld kernel_stack_id=9 allocations=3 frees=1 allocated_bytes=96 "
		     "freed_bytes=32 unpaired=1",
		     ts_ns);
		addf(writer, "kmem_stack_total",
		     "ts_ns=%lld kernel_stack_id=8 op=3 allocations=7 frees=2 allocated_bytes=1344 "
		     "freed_bytes=384",
		     ts_ns);
		addf(writer, "snapshot_system",
		     "ts_ns=%lld round=1 path=/proc/slabinfo "
		     "content_text=slabinfo\n#\nfilp\t%d\t30\t192\nkmalloc-64\t%d\t64\t64\n"
		     "kmalloc-cg-64\t1\t64\t64\n",
		     ts_ns, 10 + 5 * i, 20 + 4 * i);
		addf(writer, "snapshot_tick", "ts_ns=%lld files=1 round=1", ts_ns);
		addf(writer, "snapshot_tick", "ts_ns=%lld files=1", ts_ns);
		addf(writer, "snapshot_system",
		     "ts_ns=%lld path=/proc/vmstat content_text=nr_slab_reclaimable\t%d\n"
		     "nr_slab_unreclaimable\t7\npgalloc_normal\t%d\npgfree\t%d\n",
		     ts_ns, 5 + i, 1000 + 40 * i, 900 + 25 * i);
	}
}

/* A limit that never changes, and usage that does after the second reading; one is there by then,
 * the other has gone. */
static inline void add_cgroup(struct writer *writer)
{
	static const char row[] = "ts_ns=%" PRId64 " cgroup_path=%s file_path=%s content_text=%s\n";

	addf(writer, "snapshot_cgroup", row, 1000 * second, "/a", "memory.max", "8192");
	addf(writer, "snapshot_cgroup", row, 1000 * second, "/a", "memory.current", "2048");
	addf(writer, "snapshot_cgroup", row, 1000 * second, "/gone", "memory.current", "2048");
	addf(writer, "snapshot_tick", "ts_ns=%" PRId64 " files=3 round=4", 1000 * second);
	addf(writer, "snapshot_cgroup",
	     "ts_ns=%" PRId64 " cgroup_path=/gone file_path=memory.current content_text=-",
	     1005 * second);
	addf(writer, "snapshot_tick", "ts_ns=%" PRId64 " files=2 round=4", 1005 * second);
	addf(writer, "snapshot_cgroup", row, 1008 * second, "/a", "memory.current", "6144");
	addf(writer, "snapshot_tick", "ts_ns=%" PRId64 " files=2 round=4", 1008 * second);
}

#endif
