#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "recorder/cfi.h"
#include "recorder/elf.h"
#include "recorder/hash.h"
#include "recorder/images.h"
#include "recorder/perf_map.h"

enum { VDSO_MAX = 64 << 10 };

struct images {
	struct definer *definer;
	const struct table *table;
	struct image **all;
	size_t count;
	struct hash by_name;
	struct hash code; /* by process: NO_CODE, or the image of what it makes */
	struct kernel_code *kernel;
};

static const uint64_t NO_CODE = 1; /* never a pointer */

int images_open(struct definer *definer, struct images **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->definer = definer;
	(*out)->table = table_named("image");
	return kernel_code_open("", &(*out)->kernel);
}

static uint64_t text_hash(const char *text)
{
	uint64_t hash = 0xCBF29CE484222325ULL;
	while (*text)
		hash = (hash ^ (uint8_t)*text++) * 0x100000001B3ULL;
	return hash;
}

static int image_try(struct image *image, const char *path, bool sure)
{
	char build_id[2 * ELF_BUILD_ID_MAX + 1] = "";
	image->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (image->fd < 0)
		return -errno;
	int error = elf_file_open(image->fd, &image->elf);
	if (!error)
		elf_build_id(image->elf, build_id);
	if (!error && !image->build_id[0] && sure)
		snprintf(image->build_id, sizeof(image->build_id), "%s", build_id);
	if (!error && (sure || !strcmp(build_id, image->build_id)))
		return 0;
	elf_file_close(image->elf);
	close(image->fd);
	image->elf = NULL;
	image->fd = -1;
	return error ? error : -ESTALE;
}

/* The vdso is no file, but the same in all processes: it is read from our own memory. */
static void image_load_vdso(struct image *image)
{
	const char *vdso = (const char *)getauxval(AT_SYSINFO_EHDR);
	char path[64];
	int fd = vdso ? memfd_create("vdso", MFD_CLOEXEC) : -1;
	if (fd < 0)
		return;
	/* It ends where memory does: page by page, until there is none. */
	for (size_t at = 0; at < VDSO_MAX && write(fd, vdso + at, 4096) == 4096; at += 4096)
		;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	image_try(image, path, true);
	close(fd);
}

/* map_files is the very file; a path may by now name another one. */
static void image_load(struct image *image, const struct image_place *place)
{
	char path[4200];
	struct stat file;
	if (!strcmp(place->path, "[vdso]")) {
		image_load_vdso(image);
		return;
	}
	snprintf(path, sizeof(path), "/proc/%u/map_files/%lx-%lx", place->tgid,
		 (unsigned long)place->start, (unsigned long)place->end);
	if (!image_try(image, path, true))
		return;
	if (!image->build_id[0]) {
		if (!stat(place->path, &file) && place->inode && file.st_ino == place->inode)
			image_try(image, place->path, true);
		return;
	}
	snprintf(path, sizeof(path), "/proc/%u/root%s", place->tgid, place->path);
	if (image_try(image, path, false))
		image_try(image, place->path, false);
}

static struct image *image_make(const struct image_place *place)
{
	struct image *image = calloc(1, sizeof(*image));
	if (!image)
		return NULL;
	image->fd = -1;
	image->path = strdup(place->path);
	for (size_t i = 0; i < place->build_id_size && i < BUILD_ID_MAX; i++)
		sprintf(image->build_id + 2 * i, "%02x", place->build_id[i]);
	return image;
}

struct cfi *image_cfi(struct image *image)
{
	if (!image->cfi && image->elf && cfi_open(image->elf, &image->cfi))
		image->cfi = NULL;
	return image->cfi;
}

static void image_free(struct image *image)
{
	cfi_close(image->cfi);
	elf_file_close(image->elf);
	perf_map_close(image->map);
	if (image->fd >= 0)
		close(image->fd);
	free(image->path);
	free(image);
}

/* An image is its build id; one without is its path. */
static struct image *images_known(const struct images *images, const struct image *image)
{
	const char *name = image->build_id[0] ? image->build_id : image->path;
	return (struct image *)hash_get(&images->by_name, text_hash(name), !image->build_id[0]);
}

static int images_reserve(struct images *images)
{
	struct image **all = realloc(images->all, (images->count + 1) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	images->all = all;
	return 0;
}

static int images_add(struct images *images, struct image *image)
{
	const char *name = image->build_id[0] ? image->build_id : image->path;
	if (images_reserve(images))
		return -ENOMEM;
	if (hash_set(&images->by_name, text_hash(name), !image->build_id[0], (uintptr_t)image))
		return -ENOMEM;
	images->all[images->count++] = image;
	return 0;
}

/* The path is unique: the same pid on another host, or later, is another image. */
static struct image *code_make(uint32_t tgid)
{
	struct image *image = calloc(1, sizeof(*image));
	struct timespec now;
	if (!image)
		return NULL;
	clock_gettime(CLOCK_REALTIME, &now);
	image->fd = -1;
	image->code_tgid = tgid;
	if (asprintf(&image->path, "/tmp/perf-%u.map %lld.%09ld", tgid, (long long)now.tv_sec,
		     now.tv_nsec) >= 0)
		return image;
	free(image);
	return NULL;
}

static struct image *images_code(struct images *images, uint32_t tgid)
{
	uint64_t known = hash_get(&images->code, tgid, 0);
	if (known && known != NO_CODE)
		return (struct image *)known;
	struct image *image = images_reserve(images) ? NULL : code_make(tgid);
	if (!image)
		return NULL;
	if (hash_set(&images->code, tgid, 0, (uintptr_t)image)) {
		image_free(image);
		return NULL;
	}
	images->all[images->count++] = image;
	return image;
}

int images_end_code(struct images *images, uint32_t tgid)
{
	return hash_get(&images->code, tgid, 0) ? hash_set(&images->code, tgid, 0, NO_CODE) : 0;
}

struct image *images_of_file(struct images *images, const char *path)
{
	const struct image_place place = { .path = path };
	struct image *image = image_make(&place), *known = NULL;
	if (!image || !image->path || image_try(image, path, true))
		goto forget;
	known = images_known(images, image);
	if (!known && !images_add(images, image))
		return image;
forget:
	if (image)
		image_free(image);
	return known;
}

struct image *images_find(struct images *images, const struct image_place *place)
{
	if (!place->path[0] || !strncmp(place->path, "//anon", 6))
		return images_code(images, place->tgid);
	if (place->path[0] == '[' && strcmp(place->path, "[vdso]"))
		return NULL;
	struct image *image = image_make(place), *known;
	if (!image || !image->path)
		goto forget;
	known = image->build_id[0] ? images_known(images, image) : NULL;
	if (!known) {
		image_load(image, place);
		known = images_known(images, image);
	}
	if (!known && !images_add(images, image))
		return image;
	image_free(image);
	return known;
forget:
	free(image);
	return NULL;
}

static int images_add_kernel(struct images *images, struct kernel_part *part)
{
	const struct image_place place = { .path = part->name };
	struct image *image = image_make(&place);
	if (image && image->path) {
		snprintf(image->build_id, sizeof(image->build_id), "%s", part->build_id);
		image->kernel = part;
		image->names = images->kernel;
		part->image = image;
		if (!images_add(images, image))
			return 0;
	}
	part->image = NULL;
	if (image)
		image_free(image);
	return -ENOMEM;
}

int images_of_kernel(struct images *images, uint64_t address, struct image **out, uint64_t *offset)
{
	struct kernel_part *part;
	int error = kernel_code_find(images->kernel, address, &part);
	*out = NULL;
	*offset = address;
	if (!error && part && !part->image)
		error = images_add_kernel(images, part);
	if (error || !part)
		return error;
	*out = part->image;
	*offset = address - part->start;
	return 0;
}

int images_kernel_skip(const struct images *images, const uint64_t *ip, int frames)
{
	return kernel_code_skip(images->kernel, ip, frames);
}

int images_read_maps(struct images *images)
{
	int new = 0;
	for (size_t i = 0; i < images->count; i++) {
		int got = images->all[i]->map ? perf_map_read(images->all[i]->map) : 0;
		if (got < 0)
			return got;
		new |= got;
	}
	return new;
}

int image_define(struct images *images, struct image *image, uint64_t *id)
{
	struct row row;
	int64_t address_offset;
	*id = 0;
	if (!image)
		return 0;
	bool known = define_known(images->definer, &image->mark);
	if (!known)
		define_new(images->definer, images->table, &image->mark);
	*id = image->mark.id;
	if (known)
		return 0;
	row_begin(&row, "image");
	row_number(&row, "id", image->mark.id);
	row_text(&row, "build_id", image->build_id[0] ? image->build_id : NULL);
	row_text(&row, "unidentified_path", image->build_id[0] ? NULL : image->path);
	row_bytes(&row, "path", image->path,
		  image->code_tgid ? strcspn(image->path, " ") : strlen(image->path));
	row_number(&row, "kernel", image->kernel != NULL);
	if (image->elf && !elf_address(image->elf, &address_offset))
		row_number(&row, "address_offset", (uint64_t)address_offset);
	return row_write(&row, images->definer->writer);
}

void images_close(struct images *images)
{
	if (!images)
		return;
	for (size_t i = 0; i < images->count; i++)
		image_free(images->all[i]);
	free(images->all);
	hash_release(&images->by_name);
	hash_release(&images->code);
	kernel_code_close(images->kernel);
	free(images);
}
