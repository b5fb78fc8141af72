/*
 * What a process says of the code that it makes: lines come in pieces, code replaces code, the file
 * is made anew; and files that are not to be trusted name nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "recorder/perf_map.h"
#include "tests/check.h"

enum { PID = 4711 };

static char folder[] = "/tmp/memtape-map-XXXXXX";
static char file[64];

static struct perf_map *opened(uint32_t uid)
{
	struct perf_map *map;
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQUAL(perf_map_open_at(fd, PID, uid, &map), 0);
	return map;
}

static void append(const char *text, size_t n)
{
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && write(fd, text, n) == (ssize_t)n);
	close(fd);
}

static void say(const char *text)
{
	append(text, strlen(text));
}

/* "name+offset", or "" for none. */
static void check_at(struct perf_map *map, uint64_t address, const char *wanted)
{
	const char *name;
	uint64_t into;
	char got[256] = "";

	if (!perf_map_find(map, address, &name, &into))
		snprintf(got, sizeof(got), "%s+%" PRIu64, name, into);
	CHECK_TEXT(got, wanted);
}

static void check_growth(void)
{
	struct perf_map *map = opened(getuid());

	CHECK_EQUAL(perf_map_read(map), 0); /* it is not there */
	say("1000 100 first\n1200 10 sec");
	CHECK_EQUAL(perf_map_read(map), 1);
	check_at(map, 0xfff, "");
	check_at(map, 0x1000, "first+0");
	check_at(map, 0x10ff, "first+255");
	check_at(map, 0x1100, "");
	check_at(map, 0x1200, "");
	CHECK_EQUAL(perf_map_read(map), 0);
	say("ond(int, a b)\n");
	CHECK_EQUAL(perf_map_read(map), 1);
	check_at(map, 0x1208, "second(int, a b)+8");
	say("1080 200 newer\n0x7fff00001000 0x20 high\nABCDEF0 1 upper\n");
	CHECK_EQUAL(perf_map_read(map), 1);
	check_at(map, 0x107f, "first+127");
	check_at(map, 0x1080, "newer+0");
	check_at(map, 0x1208, "newer+392");
	check_at(map, 0x7fff0000101f, "high+31");
	check_at(map, 0xabcdef0, "upper+0");
	say("1000 10 newest\n");
	CHECK_EQUAL(perf_map_read(map), 1);
	check_at(map, 0x1001, "newest+1");
	check_at(map, 0x1011, "first+17");
	CHECK(!unlink(file));
	CHECK_EQUAL(perf_map_read(map), 0); /* the names that were stay */
	check_at(map, 0x1001, "newest+1");
	say("1000 10 anew\n");
	CHECK_EQUAL(perf_map_read(map), 1);
	check_at(map, 0x1001, "anew+1");
	CHECK(!truncate(file, 0));
	say("1000 9 s\n");
	CHECK_EQUAL(perf_map_read(map), 1);
	check_at(map, 0x1001, "s+1");
	perf_map_close(map);
	unlink(file);
}

static void check_lines(void)
{
	static const char *const bad[] = {
		"",
		"1000",
		"1000 100",
		"1000 100 ",
		"1000  100 x",
		" 1000 100 x",
		"100g 100 x",
		"1000 0 x",
		"-1000 100 x",
		"1000 -1 x",
		"x 1000 100",
		"1000\t100 x",
		"ffffffffffffffff 2 x",
		"11111111111111111 1 x",
		"1000 11111111111111111 x",
		"0x 1 x",
	};
	struct perf_map *map = opened(getuid());
	char *line = malloc(2 * PERF_MAP_LINE_MAX);

	CHECK(line);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		say(bad[i]);
		say("\n");
	}
	append("1000 100 a\0b\n", 13);
	memset(line, 'x', 2 * PERF_MAP_LINE_MAX);
	memcpy(line, "1000 100 ", 9);
	append(line, 2 * PERF_MAP_LINE_MAX);
	say("\n");
	CHECK_EQUAL(perf_map_read(map), 0);
	check_at(map, 0x1000, "");
	check_at(map, 0x10, "");
	say("1000 100 good\n");
	CHECK_EQUAL(perf_map_read(map), 1);
	check_at(map, 0x1000, "good+0");
	perf_map_close(map);
	free(line);
	unlink(file);
}

/* Of another user, a link, a pipe, a folder. */
static void check_untrusted(void)
{
	struct perf_map *map = opened(getuid() + 1);
	char other[80];

	say("1000 100 x\n");
	if (!getuid()) {
		CHECK(!chown(file, 12345, 12345));
		CHECK_EQUAL(perf_map_read(map), 0);
		CHECK(!chown(file, 1, 1));
		CHECK_EQUAL(perf_map_read(map), 1);
		CHECK(!chown(file, 0, 0));
	}
	perf_map_close(map);
	map = opened(getuid());
	snprintf(other, sizeof(other), "%s/other", folder);
	CHECK(!rename(file, other) && !symlink("other", file));
	CHECK_EQUAL(perf_map_read(map), 0);
	CHECK(!unlink(file) && !unlink(other) && !mkfifo(file, 0600));
	CHECK_EQUAL(perf_map_read(map), 0);
	CHECK(!unlink(file) && !mkdir(file, 0700));
	CHECK_EQUAL(perf_map_read(map), 0);
	CHECK(!rmdir(file));
	perf_map_close(map);
}

/* A file without an end is read to the limit. */
static void check_large(void)
{
	struct perf_map *map = opened(getuid());

	say("1000 100 first\n");
	CHECK(!truncate(file, PERF_MAP_BYTES_MAX + 100));
	say("\n2000 100 behind\n");
	CHECK_EQUAL(perf_map_read(map), 1);
	check_at(map, 0x1000, "first+0");
	check_at(map, 0x2000, "");
	CHECK_EQUAL(perf_map_read(map), 0);
	perf_map_close(map);
	unlink(file);
}

int main(void)
{
	struct perf_map *map;

	CHECK(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/perf-%d.map", folder, PID);
	check_growth();
	check_lines();
	check_untrusted();
	check_large();
	CHECK(!rmdir(folder));
	CHECK_EQUAL(perf_map_open(getpid(), &map), 0);
	perf_map_close(map);
	CHECK(perf_map_open(99999999, &map) < 0);
	perf_map_close(NULL);
	return 0;
}
