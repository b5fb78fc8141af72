/*
 * Executable files that recorded processes have mapped. A file is opened when it is first seen and
 * held, so that its symbols can be read after it was deleted.
 */
#ifndef RECORDER_IMAGES_H
#define RECORDER_IMAGES_H

#include "recorder/define.h"

struct cfi;
struct elf_file;

enum { BUILD_ID_MAX = 32 };

struct image {
	char build_id[2 * BUILD_ID_MAX + 1]; /* hex; "" if the file has none */
	char *path;
	struct elf_file *elf; /* NULL: could not be opened */
	struct cfi *cfi;      /* NULL until image_cfi() */
	bool debug_sought;    /* its symbols were looked for in debug files (image_names.c) */
	int fd;
	struct mark mark;
};

struct images;

/* Where a file is mapped: what images_find needs to open it. */
struct image_place {
	uint32_t tgid;
	uint64_t start, end; /* of the mapping */
	const char *path;    /* as the process sees it */
	const uint8_t *build_id;
	size_t build_id_size; /* 0: not known, read it from the file */
};

int images_open(struct definer *, struct images **out);

/*
 * The image mapped there, opened through /proc/PID/map_files, else by its path if the build id is
 * the same. NULL: no file is mapped there (anonymous memory), or out of memory.
 */
struct image *images_find(struct images *, const struct image_place *);

/* Its call frame information, opened at the first call; NULL if it has none. The image's own. */
struct cfi *image_cfi(struct image *);

/* Its number in this epoch; writes the row if it is new there. 0 or -errno. */
int image_define(struct images *, struct image *, uint64_t *id);

/* Closes all files; accepts NULL. */
void images_close(struct images *);

#endif
