#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "recorder/perf_map.h"

enum { READ_SIZE = 256 << 10 };

struct code {
	uint64_t start, end;
	uint64_t end_before; /* the greatest end of this one and those before it, when sorted */
	uint32_t name;       /* in texts; written later, greater */
};

struct perf_map {
	int folder, fd; /* fd -1: not there yet, or not to be trusted */
	uint32_t pid, uid;
	ino_t inode;     /* of fd */
	uint64_t offset; /* read so far */
	uint64_t budget; /* bytes that may still be read, whatever happens to the file */
	struct code *codes;
	size_t count, capacity, sorted; /* sorted: how many of them are */
	char *texts;
	size_t texts_size, texts_capacity;
	char line[PERF_MAP_LINE_MAX]; /* its beginning, until its end is read */
	size_t line_length;
	bool line_skipped; /* it is too long */
};

int perf_map_open_at(int folder, uint32_t pid, uint32_t uid, struct perf_map **out)
{
	struct perf_map *map = *out = calloc(1, sizeof(*map));
	if (!map) {
		close(folder);
		return -ENOMEM;
	}
	map->folder = folder;
	map->fd = -1;
	map->pid = pid;
	map->uid = uid;
	map->budget = PERF_MAP_BYTES_MAX;
	return 0;
}

/* NSpid lists the pids from the outermost namespace to the process's own. */
static uint32_t pid_inside(uint32_t tgid)
{
	char path[64], line[256];
	unsigned long pid = tgid;
	snprintf(path, sizeof(path), "/proc/%u/status", tgid);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		const char *last = strrchr(line, '\t');
		if (!strncmp(line, "NSpid:", 6) && last)
			pid = strtoul(last, NULL, 10);
	}
	if (file)
		fclose(file);
	return (uint32_t)pid;
}

int perf_map_open(uint32_t tgid, struct perf_map **out)
{
	char path[64];
	struct stat process;
	*out = NULL;
	snprintf(path, sizeof(path), "/proc/%u", tgid);
	if (stat(path, &process))
		return -errno;
	snprintf(path, sizeof(path), "/proc/%u/root/tmp", tgid);
	int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	return perf_map_open_at(folder, pid_inside(tgid), process.st_uid, out);
}

static void perf_map_close_file(struct perf_map *map)
{
	if (map->fd >= 0)
		close(map->fd);
	map->fd = -1;
}

static void perf_map_open_file(struct perf_map *map, const char *name)
{
	struct stat file;
	map->offset = map->line_length = 0;
	map->line_skipped = false;
	map->fd = openat(map->folder, name,
			 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (map->fd < 0)
		return;
	if (!fstat(map->fd, &file) && S_ISREG(file.st_mode) &&
	    (!file.st_uid || file.st_uid == map->uid))
		map->inode = file.st_ino;
	else
		perf_map_close_file(map);
}

/* The file that has the name now: some writers make it anew. A file that is gone is kept. */
static void perf_map_follow(struct perf_map *map)
{
	char name[32];
	struct stat file;
	snprintf(name, sizeof(name), "perf-%u.map", map->pid);
	if (fstatat(map->folder, name, &file, AT_SYMLINK_NOFOLLOW))
		return;
	if (map->fd >= 0 && file.st_ino == map->inode && (uint64_t)file.st_size >= map->offset)
		return;
	perf_map_close_file(map);
	perf_map_open_file(map, name);
}

static bool hex_take(const char **at, uint64_t *value)
{
	const char *digits = *at;
	*value = 0;
	for (; **at && strchr("0123456789abcdefABCDEF", **at); ++*at) {
		int digit = **at <= '9' ? **at - '0' : (**at | 32) - 'a' + 10;
		if (*value >> 60)
			return false;
		*value = *value << 4 | (unsigned int)digit;
	}
	return *at > digits;
}

/* Some writers put 0x before the numbers. */
static bool number_take(const char **at, uint64_t *value)
{
	if (!strncmp(*at, "0x", 2))
		*at += 2;
	return hex_take(at, value) && *(*at)++ == ' ';
}

static int texts_add(struct perf_map *map, const char *text, size_t length)
{
	size_t wanted = map->texts_size + length + 1;
	if (wanted > map->texts_capacity) {
		char *texts = realloc(map->texts, 2 * wanted);
		if (!texts)
			return -ENOMEM;
		map->texts = texts;
		map->texts_capacity = 2 * wanted;
	}
	memcpy(map->texts + map->texts_size, text, length + 1);
	map->texts_size = wanted;
	return 0;
}

static int codes_add(struct perf_map *map, struct code code)
{
	if (map->count == map->capacity) {
		size_t capacity = map->capacity ? 2 * map->capacity : 256;
		struct code *codes = realloc(map->codes, capacity * sizeof(*codes));
		if (!codes)
			return -ENOMEM;
		map->codes = codes;
		map->capacity = capacity;
	}
	map->codes[map->count++] = code;
	return 0;
}

static int line_add(struct perf_map *map)
{
	const char *at = map->line;
	struct code code = { .name = (uint32_t)map->texts_size };
	uint64_t size;
	map->line[map->line_length] = '\0';
	if (map->count == PERF_MAP_NAMES_MAX || !number_take(&at, &code.start) ||
	    !number_take(&at, &size) || !size || code.start + size < code.start || !*at ||
	    strlen(at) != map->line_length - (size_t)(at - map->line))
		return 0;
	code.end = code.start + size;
	int error = texts_add(map, at, strlen(at));
	return error ? error : codes_add(map, code);
}

static int bytes_add(struct perf_map *map, const char *bytes, size_t n)
{
	int error = 0;
	for (size_t i = 0; i < n && !error; i++) {
		if (bytes[i] != '\n') {
			if (map->line_length < sizeof(map->line) - 1)
				map->line[map->line_length++] = bytes[i];
			else
				map->line_skipped = true;
			continue;
		}
		if (!map->line_skipped)
			error = line_add(map);
		map->line_length = 0;
		map->line_skipped = false;
	}
	return error;
}

int perf_map_read(struct perf_map *map)
{
	size_t before = map->count;
	int error = 0;
	perf_map_follow(map);
	if (map->fd < 0)
		return 0;
	char *bytes = malloc(READ_SIZE);
	if (!bytes)
		return -ENOMEM;
	while (!error && map->budget) {
		size_t most = map->budget < READ_SIZE ? (size_t)map->budget : READ_SIZE;
		ssize_t n = pread(map->fd, bytes, most, (off_t)map->offset);
		if (n <= 0)
			break;
		map->offset += (uint64_t)n;
		map->budget -= (uint64_t)n;
		error = bytes_add(map, bytes, (size_t)n);
	}
	free(bytes);
	return error ? error : map->count > before;
}

static int codes_compare(const void *left, const void *right)
{
	const struct code *a = left, *b = right;
	return a->start < b->start ? -1 : a->start > b->start;
}

static void codes_sort(struct perf_map *map)
{
	uint64_t end = 0;
	qsort(map->codes, map->count, sizeof(*map->codes), codes_compare);
	for (size_t i = 0; i < map->count; i++) {
		if (map->codes[i].end > end)
			end = map->codes[i].end;
		map->codes[i].end_before = end;
	}
	map->sorted = map->count;
}

/* How many begin at or before the address. */
static size_t codes_until(const struct perf_map *map, uint64_t address)
{
	size_t low = 0, high = map->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (map->codes[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Code is replaced by newer code at its addresses: what was written last holds. */
int perf_map_find(struct perf_map *map, uint64_t address, const char **name,
		  uint64_t *function_offset)
{
	const struct code *found = NULL;
	if (map->sorted < map->count)
		codes_sort(map);
	for (size_t i = codes_until(map, address); i-- && map->codes[i].end_before > address;) {
		const struct code *code = &map->codes[i];
		if (code->end > address && (!found || code->name > found->name))
			found = code;
	}
	if (!found)
		return -ENOENT;
	*name = map->texts + found->name;
	*function_offset = address - found->start;
	return 0;
}

void perf_map_close(struct perf_map *map)
{
	if (!map)
		return;
	perf_map_close_file(map);
	close(map->folder);
	free(map->codes);
	free(map->texts);
	free(map);
}
