/* With the name of a file: prints its rows, for tests/golden/unwind_rows.sh. */
#include "recorder/cfi.h"
#include "recorder/unwind_table.h"
#include "tests/check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

/* A stack that holds addresses of itself. */
static bool read_any(void *context, uint64_t addr, uint64_t *value)
{
	*value = addr + *(uint64_t *)context;
	return addr & 8;
}

static void step_anywhere(struct cfi *cfi, uint64_t size)
{
	uint64_t distance = 24;

	for (uint64_t offset = 0; offset < size; offset += size / 50 + 1) {
		struct cfi_frame frame = { .known = 0x1ffff, .call = offset & 1 };
		int err = 0;

		for (int i = 0; i < 10 && !err; i++)
			err = cfi_step(cfi, offset, &frame, read_any, &distance);
		CHECK(err == 0 || err == 1 || err == -ENOENT || err == -EFAULT || err == -EINVAL);
	}
}

/* Of a damaged file: any answer that is sane, no crash. */
static void ask_everything(int fd, size_t size)
{
	struct unwind_table table;
	struct elf_file *file;
	struct cfi *cfi;
	int err = elf_file_open(fd, &file);

	CHECK(err == 0 || err == -ENOEXEC);
	if (err)
		return;
	err = unwind_table_build(file, &table);
	CHECK(err == 0 || err == -ENOENT || err == -ENOEXEC || err == -E2BIG);
	if (!err)
		check_sorted(&table);
	unwind_table_free(&table);
	err = cfi_open(file, &cfi);
	CHECK(err == 0 || err == -ENOENT || err == -ENOEXEC);
	elf_file_close(file);
	if (err)
		return;
	step_anywhere(cfi, size);
	cfi_close(cfi);
}

static uint8_t *read_whole(const char *path, size_t *size)
{
	struct stat status;
	uint8_t *bytes;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0 && !fstat(fd, &status));
	*size = status.st_size;
	bytes = malloc(*size);
	CHECK(bytes && pread(fd, bytes, *size, 0) == status.st_size);
	close(fd);
	return bytes;
}

static const Elf64_Shdr *find_section(const uint8_t *bytes, const char *name)
{
	const Elf64_Ehdr *header = (const void *)bytes;
	const Elf64_Shdr *sections = (const void *)(bytes + header->e_shoff);
	const char *names = (const char *)bytes + sections[header->e_shstrndx].sh_offset;

	for (int i = 0; i < header->e_shnum; i++) {
		if (!strcmp(names + sections[i].sh_name, name))
			return &sections[i];
	}
	FAIL("no %s", name);
}

/* A random value at a random place of a part of the file, or two: lengths meet instructions. */
static void damage(int fd, const uint8_t *bytes, size_t size, uint64_t start, uint64_t length,
		   uint32_t *random)
{
	static const uint64_t values[] = { 0,      1,          0xff,       0x0f,      0x80,
					   0xffff, 0x7fffffff, UINT64_MAX, INT64_MAX, 0x10 };
	uint64_t at[2], value;
	size_t width;

	for (int i = 0; i < 2; i++) {
		*random = *random * 1664525 + 1013904223;
		width = 1U << (*random >> 10 & 3);
		value = *random & 1 << 13 ? values[(*random >> 14) % 10] : *random >> 14;
		at[i] = start + (*random >> 8) % length;
		if (at[i] + 8 > size)
			at[i] = size - 8;
		CHECK(pwrite(fd, &value, width, at[i]) == (ssize_t)width);
		ask_everything(fd, size);
	}
	for (int i = 0; i < 2; i++)
		CHECK(pwrite(fd, bytes + at[i], 8, at[i]) == 8);
}

static void check_damaged(const char *path, int rounds)
{
	size_t size;
	uint8_t *bytes = read_whole(path, &size);
	const Elf64_Shdr *frame = find_section(bytes, ".eh_frame");
	const Elf64_Shdr *index = find_section(bytes, ".eh_frame_hdr");
	int fd = memfd_create("damaged", MFD_CLOEXEC);
	uint32_t random = 1;

	CHECK(fd >= 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
	ask_everything(fd, size);
	for (int i = 0; i < rounds; i++) {
		damage(fd, bytes, size, frame->sh_offset, frame->sh_size, &random);
		damage(fd, bytes, size, index->sh_offset, 64, &random);
		damage(fd, bytes, size, 0, 1024, &random);
		damage(fd, bytes, size, ((const Elf64_Ehdr *)bytes)->e_shoff,
		       size - ((const Elf64_Ehdr *)bytes)->e_shoff, &random);
	}
	for (size_t length = size; length; length -= length > size / 300 ? size / 300 : length) {
		CHECK(!ftruncate(fd, length));
		ask_everything(fd, size);
	}
	close(fd);
	free(bytes);
}

/* Without section headers the program headers lead to the same rows, but for .init and .fini. */
static void check_without_sections(const char *path)
{
	static const uint8_t none[8];
	struct unwind_table whole, table;
	size_t size, j = 0, missing = 0;
	uint8_t *bytes = read_whole(path, &size);
	int fd = memfd_create("sections", MFD_CLOEXEC);

	CHECK(fd >= 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
	CHECK_EQUAL(build(fd, &whole), 0);
	CHECK(pwrite(fd, none, 8, offsetof(Elf64_Ehdr, e_shoff)) == 8);
	CHECK(pwrite(fd, none, 4, offsetof(Elf64_Ehdr, e_shnum)) == 4);
	CHECK_EQUAL(build(fd, &table), 0);
	check_sorted(&table);
	for (size_t i = 0; i < whole.count; i++) {
		if (j < table.count && !memcmp(&whole.rows[i], &table.rows[j], sizeof(*table.rows)))
			j++;
		else
			missing++;
	}
	CHECK_EQUAL(j, table.count);
	CHECK(missing <= 9);
	unwind_table_free(&whole);
	unwind_table_free(&table);
	close(fd);
	free(bytes);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return print_rows(argv[1]);
	check_self();
	check_without_sections("/bin/true");
	check_damaged("/bin/true", 1000);
	return 0;
}
