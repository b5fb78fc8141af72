/*
 * More tables than there is memory for: the ones used least make room, those that are there are
 * right, the kernel side finds no others, and what can never fit is refused. The tables are those
 * of copies of the C library with build ids of their own, against its table as it was built.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "recorder/elf.h"
#include "recorder/unwind_table.h"
#include "tests/unit/unwind_tables.h"

enum { FILES_MAX = 200, SAMPLES = 5000 };

struct library {
	char *bytes;
	size_t size, build_id_at;
	struct unwind_table table;
};

/* A copy of the library; its path is of this process, its image unique. */
struct copy {
	int fd;
	char path[64];
	struct unwind_file key; /* as the kernel side names it */
	struct image *image;
};

struct test {
	struct tables tables;
	struct library library;
	struct copy copies[FILES_MAX];
	int count;
	int objects; /* the map that the kernel side looks in */
};

/* ---- the library and its copies */

static void library_path(char *path, size_t size)
{
	char *line = NULL, *found = NULL;
	size_t line_size = 0;
	FILE *maps = fopen("/proc/self/maps", "re");

	CHECK(maps);
	while (!found && getline(&line, &line_size, maps) > 0)
		found = strstr(line, "/libc.so") ? strchr(line, '/') : NULL;
	fclose(maps);
	if (!found)
		SKIP("this program has no C library of its own");
	line[strcspn(line, "\n")] = '\0';
	snprintf(path, size, "%s", found);
	free(line);
}

static void library_read(struct library *library)
{
	char path[4096], hex[2 * ELF_BUILD_ID_MAX + 1];
	uint8_t id[ELF_BUILD_ID_MAX];
	struct elf_file *elf;
	struct stat file;

	library_path(path, sizeof(path));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && !fstat(fd, &file));
	library->size = (size_t)file.st_size;
	library->bytes = mmap(NULL, library->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(library->bytes != MAP_FAILED);
	CHECK_EQUAL(elf_file_open(fd, &elf), 0);
	CHECK_EQUAL(unwind_table_build(elf, &library->table), 0);
	CHECK_EQUAL(elf_build_id(elf, hex), 0);
	elf_file_close(elf);
	close(fd);
	for (size_t i = 0; hex[2 * i]; i++) {
		unsigned byte;
		CHECK_EQUAL(sscanf(hex + 2 * i, "%2x", &byte), 1);
		id[i] = (uint8_t)byte;
	}
	const char *at = memmem(library->bytes, library->size, id, strlen(hex) / 2);
	CHECK(at);
	library->build_id_at = (size_t)(at - library->bytes);
}

/* As the kernel has it, whose device numbers are others than stat's. */
static struct unwind_file key_of(const char *path)
{
	struct stat file;

	CHECK_EQUAL(stat(path, &file), 0);
	return (struct unwind_file){
		.inode = file.st_ino,
		.device = (uint64_t)major(file.st_dev) << 20 | minor(file.st_dev),
		.modified_ns = (uint64_t)file.st_mtim.tv_sec * 1000000000 +
			       (uint64_t)file.st_mtim.tv_nsec,
	};
}

static struct copy *copy_make(struct test *test)
{
	struct copy *copy = &test->copies[test->count++];

	CHECK(test->count <= FILES_MAX);
	test->library.bytes[test->library.build_id_at] = (char)test->count;
	copy->fd = memfd_create("library", MFD_CLOEXEC);
	CHECK(copy->fd >= 0);
	CHECK_EQUAL(write(copy->fd, test->library.bytes, test->library.size), test->library.size);
	snprintf(copy->path, sizeof(copy->path), "/proc/self/fd/%d", copy->fd);
	copy->key = key_of(copy->path);
	CHECK_EQUAL(unwind_expect(test->tables.unwind, copy->path), 0);
	copy->image = images_of_file(test->tables.images, copy->path);
	CHECK(copy->image);
	return copy;
}

/* ---- what is there */

static bool kernel_has(const struct test *test, const struct copy *copy)
{
	struct unwind_object object;
	int error = bpf_map_lookup_elem(test->objects, &copy->key, &object) ? errno : 0;

	CHECK(!error || error == ENOENT);
	return !error && object.state == UNWIND_TABLE;
}

static const struct unwind_row *row_wanted(const struct unwind_table *table, uint64_t offset)
{
	const struct unwind_row *row = NULL;

	for (size_t low = 0, high = table->count; low < high;) {
		size_t middle = (low + high) / 2;
		if (table->rows[middle].pc <= offset) {
			row = &table->rows[middle];
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return row && row->type != UNWIND_NONE ? row : NULL;
}

/* Everywhere in the file, also where there is no code. */
static void check_table(const struct test *test, const struct copy *copy)
{
	size_t found = 0;

	CHECK(kernel_has(test, copy));
	for (uint64_t offset = 0; offset < test->library.size + 4096;
	     offset += test->library.size / SAMPLES) {
		const struct unwind_row *wanted = row_wanted(&test->library.table, offset);
		struct unwind_row row;
		bool got = unwind_find(test->tables.unwind, copy->image, offset, &row);
		CHECK_EQUAL(got, wanted != NULL);
		CHECK(!got || !memcmp(&row, wanted, sizeof(row)));
		found += got;
	}
	CHECK(found > SAMPLES / 4);
}

static void check_none(const struct test *test, const struct copy *copy)
{
	struct unwind_row row;

	CHECK(!kernel_has(test, copy));
	for (size_t i = 0; i < test->library.table.count; i += 100)
		CHECK(!unwind_find(test->tables.unwind, copy->image, test->library.table.rows[i].pc,
				   &row));
}

/* As a walk does. */
static void use(const struct test *test, const struct copy *copy)
{
	struct unwind_object object;

	CHECK_EQUAL(bpf_map_lookup_elem(test->objects, &copy->key, &object), 0);
	object.used = 1;
	CHECK_EQUAL(bpf_map_update_elem(test->objects, &copy->key, &object, BPF_EXIST), 0);
}

static uint64_t evicted(const struct test *test)
{
	return unwind_counts(test->tables.unwind).evicted;
}

/* ---- the checks */

/* Until one has had to go: the first, as none was used. */
static void check_full(struct test *test)
{
	while (!evicted(test))
		copy_make(test);
	CHECK(test->count > 3);
	CHECK_EQUAL(evicted(test), 1);
	check_none(test, &test->copies[0]);
	for (int i = 1; i < test->count; i++)
		check_table(test, &test->copies[i]);
	printf("%d tables of %zu rows fit into %zu bytes\n", test->count - 1,
	       test->library.table.count, shared_table_bytes(test->tables.shared));
}

/* All but two are used, so these make room, and then the one that was used longest ago. */
static void check_least_used(struct test *test)
{
	struct copy *copies = test->copies;
	int n = test->count;

	for (int i = 1; i < n; i++)
		if (i != 2 && i != n - 1)
			use(test, &copies[i]);
	unwind_note_used(test->tables.unwind);
	for (int i = 1; i < n; i++)
		if (i != 2 && i != n - 1 && i != 3)
			use(test, &copies[i]);
	unwind_note_used(test->tables.unwind);
	for (int i = 0; i < 3; i++)
		copy_make(test);
	CHECK_EQUAL(evicted(test), 4);
	for (int i = 0; i < test->count; i++) {
		if (!i || i == 2 || i == 3 || i == n - 1)
			check_none(test, &copies[i]);
		else
			check_table(test, &copies[i]);
	}
}

/* What had to go is made again when it is wanted again. */
static void check_again(struct test *test)
{
	uint64_t tables = unwind_counts(test->tables.unwind).tables;

	CHECK_EQUAL(unwind_expect(test->tables.unwind, test->copies[0].path), 0);
	CHECK_EQUAL(unwind_counts(test->tables.unwind).tables, tables + 1);
	CHECK_EQUAL(evicted(test), 5);
	check_table(test, &test->copies[0]);
	CHECK_EQUAL(unwind_expect(test->tables.unwind, test->copies[0].path), 0);
	CHECK_EQUAL(unwind_counts(test->tables.unwind).tables, tables + 1);
}

/* A file whose table is larger than all memory for tables: nothing else goes. */
static void check_too_large(struct test *test)
{
	struct unwind_counts before = unwind_counts(test->tables.unwind), after;
	struct unwind_object object;
	glob_t found;

	if (glob("/usr/lib/llvm-*/lib/libclang-cpp.so*", 0, NULL, &found)) {
		printf("no file here whose table is too large\n");
		return;
	}
	const char *path = found.gl_pathv[0];
	CHECK_EQUAL(unwind_expect(test->tables.unwind, path), 0);
	after = unwind_counts(test->tables.unwind);
	CHECK_EQUAL(after.refused, before.refused + 1);
	CHECK_EQUAL(after.evicted, before.evicted);
	CHECK_EQUAL(after.tables, before.tables);
	struct unwind_file key = key_of(path);
	CHECK(bpf_map_lookup_elem(test->objects, &key, &object) && errno == ENOENT);
	for (int i = test->count - 2; i < test->count; i++)
		check_table(test, &test->copies[i]);
	globfree(&found);
}

int main(void)
{
	static struct test test;

	tables_open(&test.tables);
	if (!test.tables.unwind)
		SKIP("%s", test.tables.why);
	test.objects = shared_fd(test.tables.shared, "shared_unwind_objects");
	library_read(&test.library);
	check_full(&test);
	check_least_used(&test);
	check_again(&test);
	check_too_large(&test);
	for (int i = 0; i < test.count; i++)
		close(test.copies[i].fd);
	unwind_table_free(&test.library.table);
	munmap(test.library.bytes, test.library.size);
	tables_close(&test.tables);
	return 0;
}
