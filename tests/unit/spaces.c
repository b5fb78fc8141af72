/*
 * Address spaces against a map of single bytes: whatever is mapped over what, forked and cleared,
 * each address has the image and the offset that the last mapping gave it. Then the mappings of
 * this process itself.
 */
#include <sys/mman.h>
#include <unistd.h>
#include "recorder/spaces.h"
#include "tests/check.h"

/* Of processes that cannot exist, so that no file is looked for in theirs. */
enum { TGID = 1 << 24, TGIDS = 5, BYTES = 300, IMAGES = 6, NO_IMAGE = 0, VDSO = 1 };

static const uint64_t base = 0x7f0123456000;

struct byte {
	int image; /* NO_IMAGE: none */
	uint64_t offset;
};

struct oracle {
	struct byte bytes[TGIDS][BYTES];
};

static uint64_t noise_state = 1;

static uint64_t noise(uint64_t below)
{
	noise_state ^= noise_state << 13;
	noise_state ^= noise_state >> 7;
	noise_state ^= noise_state << 17;
	return noise_state % below;
}

static struct image_place image_place(int image, uint8_t *build_id, char path[32])
{
	static const char *const none[] = { "//anon", "[heap]", "", "[stack]" };
	struct image_place place = { .path = path };

	if (image == NO_IMAGE) {
		strcpy(path, none[noise(4)]);
	} else if (image == VDSO) {
		strcpy(path, "[vdso]");
	} else {
		memset(build_id, image, 20);
		place.build_id = build_id;
		place.build_id_size = 20;
		snprintf(path, 32, "/nowhere/%d", image);
	}
	return place;
}

static void check_image(const struct image *image, int wanted)
{
	char path[32], build_id[41] = "";

	if (wanted == NO_IMAGE) {
		CHECK(!image || image->code_tgid); /* what is anonymous may be code that is made */
		return;
	}
	CHECK(image && !image->elf == (wanted != VDSO));
	if (wanted == VDSO) { /* read from our own memory, with its build id */
		CHECK_TEXT(image->path, "[vdso]");
		CHECK(image->build_id[0]);
		return;
	}
	snprintf(path, sizeof(path), "/nowhere/%d", wanted);
	for (int i = 0; i < 20; i++)
		sprintf(build_id + 2 * i, "%02x", wanted);
	CHECK_TEXT(image->path, path);
	CHECK_TEXT(image->build_id, build_id);
}

static void check_all(const struct spaces *spaces, const struct oracle *oracle)
{
	uint64_t offset;

	for (uint32_t i = 0; i < TGIDS; i++) {
		for (uint64_t at = 0; at < BYTES; at++) {
			const struct byte *byte = &oracle->bytes[i][at];
			check_image(spaces_find(spaces, TGID + i, base + at, &offset), byte->image);
			CHECK_EQUAL(offset, byte->image == NO_IMAGE ? base + at : byte->offset);
		}
		CHECK(!spaces_find(spaces, TGID + i, base - 1, &offset));
		CHECK_EQUAL(offset, base - 1);
		CHECK(!spaces_find(spaces, TGID + i, base + BYTES, &offset));
	}
}

static void map(struct spaces *spaces, struct oracle *oracle)
{
	uint8_t build_id[20];
	char path[32];
	int image = (int)noise(IMAGES);
	uint32_t i = (uint32_t)noise(TGIDS);
	uint64_t start = noise(BYTES), end = start + 1 + noise(noise(2) ? 20 : 200);
	uint64_t offset = noise(1000);
	struct image_place place = image_place(image, build_id, path);

	end = end < BYTES ? end : BYTES;
	place.tgid = TGID + i;
	place.start = base + start;
	place.end = base + end;
	CHECK_EQUAL(spaces_map(spaces, &place, offset), 0);
	for (uint64_t at = start; at < end; at++)
		oracle->bytes[i][at] = (struct byte){ image, offset + at - start };
}

static void step(struct spaces *spaces, struct oracle *oracle)
{
	uint32_t from = (uint32_t)noise(TGIDS), to = (uint32_t)noise(TGIDS);

	switch (noise(40)) {
	case 0:
		if (from == to) /* a parent that was never met has nothing mapped */
			CHECK_EQUAL(spaces_fork(spaces, TGID + TGIDS, TGID + to, 0), 0);
		else
			CHECK_EQUAL(spaces_fork(spaces, TGID + from, TGID + to, 0), 0);
		if (from == to)
			memset(oracle->bytes[to], 0, sizeof(oracle->bytes[to]));
		else
			memcpy(oracle->bytes[to], oracle->bytes[from], sizeof(oracle->bytes[to]));
		return;
	case 1:
		spaces_clear(spaces, TGID + to, 0);
		memset(oracle->bytes[to], 0, sizeof(oracle->bytes[to]));
		return;
	default:
		map(spaces, oracle);
	}
}

static void check_noise(struct images *images)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));
	struct spaces *spaces;

	CHECK(oracle);
	CHECK_EQUAL(spaces_open(images, &spaces), 0);
	spaces_clear(spaces, TGID, 0); /* never met */
	for (int i = 0; i < 4000; i++) {
		step(spaces, oracle);
		check_all(spaces, oracle);
	}
	spaces_close(spaces);
	free(oracle);
}

/* The kernel's own table, read by other means, names the file of each mapping of code, and its
 * offset. */
static void check_line(const struct spaces *spaces, const char *line)
{
	uint64_t start, end, file_offset, offset;
	char mode[5], path[4200] = "";

	CHECK(sscanf(line, "%lx-%lx %4s %lx %*s %*s %4199[^\n]", &start, &end, mode, &file_offset,
		     path) >= 4);
	if (mode[2] != 'x' || path[0] != '/')
		return;
	char *deleted = strstr(path, " (deleted)");
	if (deleted)
		*deleted = '\0';
	for (uint64_t at = start; at < end; at += (end - start) / 3 + 1) {
		struct image *image = spaces_find(spaces, (uint32_t)getpid(), at, &offset);
		CHECK(image);
		CHECK_TEXT(image->path, path);
		CHECK_EQUAL(offset, file_offset + at - start);
	}
}

static void check_scan(struct images *images)
{
	struct spaces *spaces;
	char line[8192];
	int fd = memfd_create("code", MFD_CLOEXEC), lines = 0;

	CHECK(fd >= 0 && !ftruncate(fd, 8192));
	void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 4096);
	if (code == MAP_FAILED)
		SKIP("may not map a file's memory as code");
	CHECK_EQUAL(spaces_open(images, &spaces), 0);
	CHECK_EQUAL(spaces_scan(spaces, (uint32_t)getpid()), 0);
	FILE *maps = fopen("/proc/self/maps", "re");
	CHECK(maps);
	for (; fgets(line, sizeof(line), maps); lines++)
		check_line(spaces, line);
	fclose(maps);
	CHECK(lines > 5);
	uint64_t offset;
	struct image *image = spaces_find(spaces, (uint32_t)getpid(), (uintptr_t)code, &offset);
	CHECK(image);
	CHECK_TEXT(image->path, "/memfd:code");
	CHECK_EQUAL(offset, 4096);
	image = spaces_find(spaces, (uint32_t)getpid(), (uintptr_t)check_scan, &offset);
	CHECK(image);
	int stack_variable;
	CHECK(!spaces_find(spaces, (uint32_t)getpid(), (uintptr_t)&stack_variable, &offset));
	CHECK_EQUAL(spaces_scan(spaces, TGID), -2); /* ENOENT */
	spaces_close(spaces);
	close(fd);
}

/* A file is its build id, under whatever name; without one it is its name. */
static void check_identity(struct images *images)
{
	uint8_t a[20] = { 1 }, b[20] = { 2 };
	struct image_place place = {
		.tgid = TGID, .path = "/nowhere/a", .build_id = a, .build_id_size = 20
	};
	struct image *first = images_find(images, &place), *nameless;

	CHECK(first);
	place.path = "/nowhere/moved";
	CHECK(images_find(images, &place) == first);
	place.build_id = b;
	CHECK(images_find(images, &place) != first);
	place.build_id_size = 0;
	nameless = images_find(images, &place);
	CHECK(nameless && nameless != first);
	CHECK(images_find(images, &place) == nameless);
	place.path = "/nowhere/a";
	CHECK(images_find(images, &place) != nameless);
	CHECK(images_find(images, &place) != first);
}

int main(void)
{
	struct definer definer = { 0 };
	struct images *images;

	CHECK_EQUAL(images_open(&definer, &images), 0);
	check_noise(images);
	check_identity(images);
	check_scan(images);
	spaces_close(NULL);
	images_close(images);
	images_close(NULL);
	return 0;
}
