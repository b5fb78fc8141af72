#include "recorder/elf.h"
#include "tests/check.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/lib-names.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A function symbol as readelf prints it. */
struct printed {
	uint64_t address;
	uint64_t size;
	char type[16];
	char section[16];
	char name[256]; /* with its version */
};

static struct elf_file *open_elf(const char *path, int *fd)
{
	struct elf_file *file;

	*fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(*fd >= 0);
	CHECK_EQUAL(elf_file_open(*fd, &file), 0);
	return file;
}

static FILE *run(const char *format, const char *path)
{
	char command[4096];
	FILE *output;

	snprintf(command, sizeof(command), format, path);
	output = popen(command, "r");
	CHECK(output);
	return output;
}

static bool next_symbol(FILE *output, struct printed *out)
{
	char line[1024], size[32];

	while (fgets(line, sizeof(line), output)) {
		if (sscanf(line, "%*d: %" SCNx64 " %31s %15s %*s %*s %15s %255s", &out->address,
			   size, out->type, out->section, out->name) != 5)
			continue;
		out->size = strtoull(size, NULL, 0);
		if ((!strcmp(out->type, "FUNC") || !strcmp(out->type, "IFUNC")) &&
		    strcmp(out->section, "UND"))
			return true;
	}
	return false;
}

/* Somebody may be recording: in memory a probe is a breakpoint. */
static bool is_same_code(const uint8_t *file, const uint8_t *memory, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (file[i] != memory[i] && memory[i] != 0xcc)
			return false;
	return true;
}

/* What is in memory where the dynamic linker says the function is, is in the file at the offset. */
static void check_against_linker(const char *path, void *handle)
{
	FILE *output = run("readelf -W --dyn-syms %s", path);
	struct printed symbol;
	struct elf_file *file;
	int fd, checked = 0, chosen = 0;

	file = open_elf(path, &fd);
	while (next_symbol(output, &symbol)) {
		uint64_t offset = 0, size = 0;
		uint8_t code[16];
		char *version = strstr(symbol.name, "@@");
		void *address;
		Dl_info info;

		if (!version || symbol.size < sizeof(code))
			continue;
		*version = '\0';
		if (!strcmp(symbol.type, "IFUNC")) {
			CHECK_EQUAL(elf_symbol_offset(file, symbol.name, &offset, &size), -ENOENT);
			chosen++;
			continue;
		}
		CHECK_EQUAL(elf_symbol_offset(file, symbol.name, &offset, &size), 0);
		CHECK_EQUAL(size, symbol.size);
		address = dlsym(handle, symbol.name);
		if (!address || !dladdr(address, &info) ||
		    (uint64_t)address - (uint64_t)info.dli_fbase != symbol.address)
			FAIL("%s is not where readelf says", symbol.name);
		CHECK_EQUAL(elf_code(file, offset, code, sizeof(code)), sizeof(code));
		if (!is_same_code(code, address, sizeof(code)))
			FAIL("%s has other code at %#" PRIx64, symbol.name, offset);
		checked++;
	}
	pclose(output);
	printf("%d symbols, %d chosen at load time\n", checked, chosen);
	CHECK(checked > 1000 && chosen > 10);
	elf_file_close(file);
	close(fd);
}

/* By the program headers; 0 if the address is not code. */
static uint64_t file_offset_of(int fd, uint64_t address)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	CHECK(pread(fd, &header, sizeof(header), 0) == sizeof(header));
	for (int i = 0; i < header.e_phnum; i++) {
		CHECK(pread(fd, &segment, sizeof(segment), header.e_phoff + i * sizeof(segment)) ==
		      sizeof(segment));
		if (segment.p_type == PT_LOAD && segment.p_flags & PF_X &&
		    address >= segment.p_vaddr && address < segment.p_vaddr + segment.p_filesz)
			return address - segment.p_vaddr + segment.p_offset;
	}
	return 0;
}

static bool is_printed(const struct printed *symbols, int n, uint64_t start, const char *name)
{
	size_t length = strcspn(name, "@");

	for (int i = 0; i < n; i++) {
		if (symbols[i].address == start && strcspn(symbols[i].name, "@") == length &&
		    !strncmp(symbols[i].name, name, length))
			return true;
	}
	return false;
}

/* The middle of every function is in one that readelf prints, at the place where it prints it. */
static int check_names(const char *path, const char *options)
{
	enum { MAX = 100000 };
	struct printed *symbols = calloc(MAX, sizeof(*symbols));
	char format[64];
	uint64_t into;
	struct elf_file *file;
	const char *name;
	int fd, n = 0, checked = 0;
	FILE *output;

	CHECK(symbols);
	snprintf(format, sizeof(format), "readelf -W %s %%s", options);
	output = run(format, path);
	while (n < MAX && next_symbol(output, &symbols[n]))
		n++;
	pclose(output);
	file = open_elf(path, &fd);
	for (int i = 0; i < n; i++) {
		uint64_t middle = symbols[i].address + symbols[i].size / 2;

		if (!symbols[i].size)
			continue;
		if (elf_function_at(file, file_offset_of(fd, middle), &name, &into))
			FAIL("nothing in the middle of %s", symbols[i].name);
		if (!is_printed(symbols, n, middle - into, name))
			FAIL("%s+%" PRIu64 " in the middle of %s", name, into, symbols[i].name);
		checked++;
	}
	printf("%s: %d functions\n", path, checked);
	elf_file_close(file);
	close(fd);
	free(symbols);
	return checked;
}

static void check_build_id(const char *path)
{
	FILE *output = run("readelf -n %s 2>/dev/null | sed -n 's/.*Build ID: //p'", path);
	char wanted[128] = "", got[2 * ELF_BUILD_ID_MAX + 1];
	struct elf_file *file;
	int fd;

	if (!fgets(wanted, sizeof(wanted), output))
		wanted[0] = '\0';
	pclose(output);
	wanted[strcspn(wanted, "\n")] = '\0';
	file = open_elf(path, &fd);
	CHECK_EQUAL(elf_build_id(file, got), wanted[0] ? 0 : -ENOENT);
	if (wanted[0])
		CHECK_TEXT(got, wanted);
	elf_file_close(file);
	close(fd);
}

/* Without its symbol table, a program's own functions and its PLT have no name. */
static void check_stripped(const char *self, uint64_t address)
{
	char command[4096 + 128], path[] = "/tmp/elf-test-XXXXXX";
	uint64_t offset, size, into;
	const char *name;
	struct elf_file *file;
	FILE *output;
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	close(fd);
	snprintf(command, sizeof(command), "objcopy --strip-all %s %s", self, path);
	CHECK_EQUAL(system(command), 0);
	check_build_id(path);
	output = run("readelf -SW %s | sed -n 's/.* \\.plt  *PROGBITS *[0-9a-f]* //p'", path);
	CHECK(fscanf(output, "%" SCNx64, &offset) == 1);
	pclose(output);
	file = open_elf(path, &fd);
	unlink(path);
	CHECK_EQUAL(elf_function_at(file, offset + 16, &name, &into), -ENOENT);
	offset = file_offset_of(fd, address);
	CHECK(offset != 0);
	CHECK_EQUAL(elf_function_at(file, offset, &name, &into), -ENOENT);
	CHECK_EQUAL(elf_symbol_offset(file, "check_stripped", &offset, &size), -ENOENT);
	CHECK_EQUAL(elf_function_at(file, UINT64_MAX, &name, &into), -ENOENT);
	elf_file_close(file);
	close(fd);
}

/* Of a damaged file: any answer, no crash. */
static void ask_everything(int fd)
{
	char hex[2 * ELF_BUILD_ID_MAX + 1];
	uint64_t offset, size, into;
	uint8_t code[64];
	struct elf_file *file;
	const char *name;
	int err = elf_file_open(fd, &file);

	CHECK(err == 0 || err == -ENOEXEC);
	if (err)
		return;
	err = elf_build_id(file, hex);
	CHECK(err == -ENOENT || (err == 0 && strlen(hex) % 2 == 0));
	err = elf_symbol_offset(file, "main", &offset, &size);
	CHECK(err == 0 || err == -ENOENT);
	for (uint64_t at = 0; at < 0x8000; at += 0x555) {
		err = elf_function_at(file, at, &name, &into);
		CHECK(err == 0 || err == -ENOENT);
		if (!err)
			CHECK(strlen(name) > 0);
		CHECK(elf_code(file, at, code, sizeof(code)) >= 0);
	}
	CHECK_EQUAL(elf_code(file, UINT64_MAX, code, sizeof(code)), 0);
	elf_file_close(file);
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

/* A random value at a random place of the headers, where it hurts most. */
static void damage(int fd, const uint8_t *bytes, size_t size, uint32_t random)
{
	static const uint64_t values[] = {
		0, 1, 0xff, 0xffff, 0x7fffffff, UINT64_MAX, INT64_MAX, 24
	};
	const Elf64_Ehdr *header = (const void *)bytes;
	size_t widths[] = { 1, 2, 4, 8 }, width = widths[random >> 8 & 3], at;
	uint64_t value = values[random >> 10 & 7];

	if (random & 1 << 13)
		at = header->e_shoff + (random >> 14) % (header->e_shnum * sizeof(Elf64_Shdr));
	else
		at = (random >> 14) % 0x1000;
	if (at + width > size)
		return;
	CHECK(pwrite(fd, &value, width, at) == (ssize_t)width);
	ask_everything(fd);
	CHECK(pwrite(fd, bytes + at, width, at) == (ssize_t)width);
}

static void check_damaged(const char *path)
{
	size_t size;
	uint8_t *bytes = read_whole(path, &size);
	int fd = memfd_create("damaged", MFD_CLOEXEC);
	uint32_t random = 1;

	CHECK(fd >= 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
	ask_everything(fd);
	for (int i = 0; i < 5000; i++) {
		random = random * 1664525 + 1013904223;
		damage(fd, bytes, size, random);
	}
	for (size_t length = size; length; length -= length > 997 ? 997 : length) {
		CHECK(!ftruncate(fd, length));
		ask_everything(fd);
	}
	CHECK(!ftruncate(fd, 0));
	ask_everything(fd);
	close(fd);
	free(bytes);
}

int main(void)
{
	char self[4096] = "";
	void *libc = dlopen(LIBC_SO, RTLD_NOW);
	Dl_info info;

	if (system("command -v readelf >/dev/null && command -v objcopy >/dev/null"))
		SKIP("readelf or objcopy is not installed");
	CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	CHECK(libc && dladdr(dlsym(libc, "malloc"), &info));
	check_against_linker(info.dli_fname, libc);
	CHECK(check_names(info.dli_fname, "--dyn-syms") > 1000);
	CHECK(check_names(self, "--symbols") > 15);
	check_build_id(info.dli_fname);
	check_build_id(self);
	CHECK(dladdr((void *)check_stripped, &info));
	check_stripped(self, (uint64_t)(void *)check_stripped - (uint64_t)info.dli_fbase);
	check_damaged("/bin/true");
	return 0;
}
