/*
 * The kernel's code by the files of a made-up host: what addresses are in, a module that comes
 * later and one that goes and comes back elsewhere, a host that hides its addresses; and the stacks
 * made of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "recorder/kernel_code.h"
#include "tests/check.h"

static char root[] = "/tmp/memtape-kernel-XXXXXX";

static const char symbols[] = "ffffffff81000000 T _stext\n"
			      "ffffffff81000000 T _text\n"
			      "ffffffff81000100 t first\n"
			      "ffffffff81000200 T second\n"
			      "ffffffff81000200 T __alias_of_second\n"
			      "ffffffff81000280 D no_function\n"
			      "ffffffff81000300 T bpf_trace_run2\n"
			      "ffffffff81000400 W __traceiter_kmalloc\n"
			      "ffffffff81000500 T last\n"
			      "0000000000000000 A fixed_percpu_data\n"
			      "ffffffffc0a00000 t bpf_prog_6deef7357e7b4530_x\t[bpf]\n"
			      "ffffffffc0201010 t in_module\t[nice]\n";

/* A note that is none of ours before the build id. */
static const char notes[] = "\4\0\0\0\4\0\0\0\1\1\0\0Xen\0abcd"
			    "\4\0\0\0\3\0\0\0\3\0\0\0GNU\0\x01\x02\xff";

static void put(const char *path, const char *text, size_t length)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')); *at++ = '/') {
		*at = '\0';
		mkdir(whole, 0755);
	}
	int fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	CHECK(fd >= 0 && write(fd, text, length) == (ssize_t)length);
	close(fd);
}

static void say(const char *path, const char *text)
{
	put(path, text, strlen(text));
}

/* "part+offset name+offset", or "". */
static void check_at(struct kernel_code *code, uint64_t address, const char *wanted)
{
	struct kernel_part *part;
	const char *name = "?";
	uint64_t into = 0;
	char got[256] = "";

	CHECK_EQUAL(kernel_code_find(code, address, &part), 0);
	if (part) {
		CHECK_EQUAL(kernel_code_name(code, address, &name, &into), 0);
		snprintf(got, sizeof(got), "%s %s+%#jx %s+%#jx", part->build_id, part->name,
			 (uintmax_t)(address - part->start), name, (uintmax_t)into);
	}
	CHECK_TEXT(got, wanted);
}

static void check_host(void)
{
	struct kernel_code *code;

	put("/sys/kernel/notes", notes, sizeof(notes) - 1);
	put("/sys/module/nice/notes/.note.gnu.build-id", notes + 20, sizeof(notes) - 21);
	say("/proc/kallsyms", symbols);
	say("/proc/modules", "nice 4096 0 - Live 0xffffffffc0201000\n"
			     "hidden 4096 0 - Live 0x0000000000000000\n"
			     "anonymous 4096 0 - Live 0xffffffffc0300000 (OE)\n");
	CHECK_EQUAL(kernel_code_open(root, &code), 0);
	check_at(code, 0xffffffff81000123, "0102ff vmlinux+0x123 first+0x23");
	check_at(code, 0xffffffff81000210, "0102ff vmlinux+0x210 second+0x10");
	check_at(code, 0xffffffffc0201020, "0102ff nice.ko+0x20 in_module+0x10");
	check_at(code, 0xffffffffc0300020, "");
	check_at(code, 0xffffffffc0a00000, "");
	check_at(code, 0x1000, "");

	/* Where the event's own frames are: its program, what runs it, its tracepoint. */
	static const uint64_t ip[] = { 0xffffffffc0a00010, 0xffffffff81000340, 0xffffffff81000410,
				       0xffffffff81000520, 0xffffffff81000120 };
	CHECK_EQUAL(kernel_code_skip(code, ip, 5), 3);
	CHECK_EQUAL(kernel_code_skip(code, ip + 3, 2), 0);
	/* A program whose name is hidden; one inside of another: its frames stay. */
	static const uint64_t hidden[] = { 0xffffffffc0b00010, 0xffffffff81000340,
					   0xffffffff81000410, 0xffffffff81000520,
					   0xffffffff81000340, 0xffffffff81000120 };
	CHECK_EQUAL(kernel_code_skip(code, hidden, 6), 3);
	CHECK_EQUAL(kernel_code_skip(code, ip, 3), 0); /* there is nothing else */
	CHECK_EQUAL(kernel_code_skip(code, ip, 0), 0);
	kernel_code_close(code);
}

/* The files are read again once a second at most. */
static void check_modules(void)
{
	struct kernel_code *code;
	struct kernel_part *part, *again;

	say("/proc/modules", "");
	CHECK_EQUAL(kernel_code_open(root, &code), 0);
	check_at(code, 0xffffffffc0201020, "");
	say("/proc/modules", "nice 4096 0 - Live 0xffffffffc0201000\n");
	check_at(code, 0xffffffffc0201020, "");
	usleep(1100000);
	check_at(code, 0xffffffffc0201020, "0102ff nice.ko+0x20 in_module+0x10");
	CHECK_EQUAL(kernel_code_find(code, 0xffffffffc0201020, &part), 0);

	say("/proc/modules", "");
	usleep(1100000);
	check_at(code, 0xffffffffc0301020, "");
	CHECK_EQUAL(part->start, 0);
	check_at(code, 0xffffffffc0201020, "");
	say("/proc/modules", "nice 4096 0 - Live 0xffffffffc0301000\n");
	usleep(1100000);
	CHECK_EQUAL(kernel_code_find(code, 0xffffffffc0301020, &again), 0);
	CHECK(again == part);
	kernel_code_close(code);
}

static void check_hidden(void)
{
	struct kernel_code *code;
	static const uint64_t ip[] = { 0xffffffff81000340, 0xffffffff81000410 };

	say("/proc/kallsyms", "0000000000000000 T _stext\n0000000000000000 T _text\n");
	CHECK_EQUAL(kernel_code_open(root, &code), 0);
	check_at(code, 0xffffffff81000123, "");
	CHECK_EQUAL(kernel_code_skip(code, ip, 2), 0);
	kernel_code_close(code);

	CHECK_EQUAL(kernel_code_open("/nowhere", &code), 0);
	check_at(code, 0xffffffff81000123, "");
	CHECK_EQUAL(kernel_code_skip(code, ip, 2), 0);
	kernel_code_close(code);
	kernel_code_close(NULL);
}

/* The last note says that it is longer than the file. */
static void check_damaged(void)
{
	struct kernel_code *code;
	char damaged[sizeof(notes)];

	memcpy(damaged, notes, sizeof(notes));
	damaged[20 + 4] = 100;
	put("/sys/kernel/notes", damaged, sizeof(damaged) - 1);
	say("/proc/kallsyms", symbols);
	say("/proc/modules", "nice\nnice x\n\n");
	CHECK_EQUAL(kernel_code_open(root, &code), 0);
	check_at(code, 0xffffffff81000123, "");
	kernel_code_close(code);
}

int main(void)
{
	char remove[64];

	CHECK(mkdtemp(root));
	check_host();
	check_modules();
	check_hidden();
	check_damaged();
	snprintf(remove, sizeof(remove), "rm -rf %s", root);
	return system(remove) ? 1 : 0;
}
