/*
 * Names of a stripped file's static functions: from mini debug info, made as GDB's manual shows it,
 * and from a debug file of the same build id. What is damaged gives no name.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "recorder/debug_file.h"
#include "tests/check.h"

/* A program with a static function that is not inlined. */
static const char make_program[] =
	"set -e; cd '%s'\n"
	"cat > p.c <<'END'\n"
	"#include <stdlib.h>\n"
	"static __attribute__((noinline)) int hidden(int n) { __asm__ volatile(\"\"); return n + 1; }\n"
	"int main(int argc, char **argv) { (void)argv; exit(hidden(argc)); }\n"
	"END\n"
	"cc -O1 -g -Wl,--build-id -o whole p.c\n"
	"nm whole | sed -n 's/ t hidden$//p' > address\n"
	"objcopy --only-keep-debug whole debug\n"
	"objcopy -S --remove-section .gdb_index --remove-section .comment --keep-symbol=hidden debug mini\n"
	"strip -o plain whole\n"
	"xz -k mini\n"
	"objcopy --add-section .gnu_debugdata=mini.xz plain with-mini\n"
	"id=$(readelf -n whole | sed -n 's/.*Build ID: //p')\n"
	"folder=folder/.build-id/$(echo $id | cut -c1-2)\n"
	"mkdir -p $folder other/.build-id/$(echo $id | cut -c1-2)\n"
	"cp debug $folder/$(echo $id | cut -c3-).debug\n"
	"cp /bin/true other/.build-id/$(echo $id | cut -c1-2)/$(echo $id | cut -c3-).debug\n"
	"head -c 200 mini.xz > cut.xz\n"
	"head -c 80000000 /dev/zero | xz > large.xz\n"
	"echo this is no xz > text\n"
	"for part in cut.xz large.xz text; do objcopy --add-section .gnu_debugdata=$part plain with-$part; done\n";

static char folder[] = "/tmp/memtape-debug-XXXXXX";

static struct elf_file *opened(const char *name)
{
	struct elf_file *file;
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_EQUAL(elf_file_open(fd, &file), 0);
	elf_own_fd(file);
	return file;
}

static uint64_t hidden_offset(void)
{
	struct elf_file *file = opened("plain");
	uint64_t address;
	int64_t address_offset;
	char path[200];
	FILE *in;

	snprintf(path, sizeof(path), "%s/address", folder);
	in = fopen(path, "r");
	CHECK(in && fscanf(in, "%" SCNx64, &address) == 1);
	fclose(in);
	CHECK_EQUAL(elf_address(file, &address_offset), 0);
	elf_file_close(file);
	return address - address_offset;
}

static void check_found(const char *name, const char *debug_folder)
{
	struct elf_file *file = opened(name), *debug;
	uint64_t into;
	const char *function;

	CHECK(!elf_has_symbols(file));
	CHECK_EQUAL(debug_file_open(file, debug_folder, &debug), 0);
	elf_use_debug(file, debug);
	CHECK(elf_has_symbols(file));
	CHECK_EQUAL(elf_function_at(file, hidden_offset() + 2, &function, &into), 0);
	CHECK_TEXT(function, "hidden");
	CHECK_EQUAL(into, 2);
	elf_file_close(file);
}

static void check_none(const char *name, const char *debug_folder)
{
	struct elf_file *file = opened(name), *debug;
	uint64_t into;
	const char *function;

	CHECK_EQUAL(debug_file_open(file, debug_folder, &debug), -ENOENT);
	CHECK_EQUAL(elf_function_at(file, hidden_offset(), &function, &into), -ENOENT);
	elf_file_close(file);
}

/* Any bit of the packed file turned: a name or none, no crash. */
static void check_damaged(void)
{
	struct elf_file *whole = opened("with-mini"), *file, *debug;
	const void *packed;
	char path[200];
	uint8_t byte;
	size_t n;
	int fd;

	CHECK_EQUAL(elf_section(whole, ".gnu_debugdata", 1 << 20, &packed, &n), 0);
	CHECK_EQUAL(elf_section(whole, ".gnu_debugdata", n - 1, &packed, &n), -ENOENT);
	CHECK_EQUAL(elf_section(whole, ".gnu_debugdat", 1 << 20, &packed, &n), -ENOENT);
	elf_file_close(whole);
	snprintf(path, sizeof(path), "%s/with-mini", folder);
	fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0);
	for (off_t at = 0x800; pread(fd, &byte, 1, at) == 1; at += 37) {
		uint8_t turned = byte ^ 0x11;

		CHECK(pwrite(fd, &turned, 1, at) == 1);
		if (!elf_file_open(fd, &file)) {
			if (!debug_file_open(file, "/nowhere", &debug))
				elf_file_close(debug);
			elf_file_close(file);
		}
		CHECK(pwrite(fd, &byte, 1, at) == 1);
	}
	close(fd);
}

int main(void)
{
	char command[4096], other[200];

	if (system("for t in cc objcopy strip xz nm readelf; do command -v $t >/dev/null || exit 1; done"))
		SKIP("cc, xz or binutils are not installed");
	CHECK(mkdtemp(folder));
	snprintf(command, sizeof(command), make_program, folder);
	CHECK_EQUAL(system(command), 0);
	snprintf(other, sizeof(other), "%s/folder", folder);
	check_found("with-mini", "/nowhere");
	check_found("plain", other);
	check_found("with-mini", other);
	check_none("plain", "/nowhere");
	snprintf(other, sizeof(other), "%s/other", folder); /* another file's build id */
	check_none("plain", other);
	check_none("with-cut.xz", other);
	check_none("with-large.xz", other);
	check_none("with-text", other);
	check_damaged();
	snprintf(command, sizeof(command), "rm -r %s", folder);
	CHECK_EQUAL(system(command), 0);
	return 0;
}
