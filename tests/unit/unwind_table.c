/* With the name of a file: prints its rows, for tests/golden/unwind_rows.sh. */
#include "recorder/unwind_table.h"
#include "tests/check.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int build(int fd, struct unwind_table *table)
{
	struct elf_file *file;
	int err = elf_file_open(fd, &file);

	if (err)
		return err;
	err = unwind_table_build(file, table);
	elf_file_close(file);
	return err;
}

static int print_rows(const char *path)
{
	struct unwind_table table;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQUAL(build(fd, &table), 0);
	for (size_t i = 0; i < table.count; i++)
		printf("%u %d %d %d\n", table.rows[i].pc, table.rows[i].type, table.rows[i].cfa,
		       table.rows[i].fp);
	unwind_table_free(&table);
	close(fd);
	return 0;
}

static void check_sorted(const struct unwind_table *table)
{
	for (size_t i = 1; i < table->count; i++)
		CHECK(table->rows[i - 1].pc < table->rows[i].pc);
	CHECK(table->count > 0);
	CHECK_EQUAL(table->rows[table->count - 1].type, UNWIND_NONE);
}

static void check_self(void)
{
	struct unwind_table table;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQUAL(build(fd, &table), 0);
	check_sorted(&table);
	unwind_table_free(&table);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return print_rows(argv[1]);
	check_self();
	return 0;
}
