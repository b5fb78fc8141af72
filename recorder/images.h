/*
 * Executable files that recorded processes have mapped. A file is opened when it is first seen and
 * held, so that its symbols can be read after it was deleted.
 */
#ifndef RECORDER_IMAGES_H
#define RECORDER_IMAGES_H

#include "recorder/define.h"
#include "recorder/kernel_code.h"

struct cfi;
struct elf_file;
struct perf_map;

enum { BUILD_ID_MAX = 32 };

struct image {
	char build_id[2 * BUILD_ID_MAX + 1]; /* hex; "" if the file has none */
	char *path;
	struct elf_file *elf; /* NULL: could not be opened */
	struct cfi *cfi;      /* NULL until image_cfi() */
	bool debug_sought;    /* its symbols were looked for in debug files (image_names.c) */
	int fd;
	uint32_t code_tgid;   /* code that this process made, in anonymous memory; 0: a file's */
	struct perf_map *map; /* of code: the names that the process gives it; NULL: not opened */
	const struct kernel_part *kernel; /* the kernel or a module; NULL: a file's */
	const struct kernel_code *names;  /* of these */
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
	uint64_t inode;       /* then the file's; 0: not known */
};

int images_open(struct definer *, struct images **out);

/*
 * The image mapped there, opened through /proc/PID/map_files, else by its path if the build id is
 * the same. For anonymous memory an image of all code that the process makes, whose offsets are
 * addresses. NULL: neither ([heap], [stack]), or out of memory.
 */
struct image *images_find(struct images *, const struct image_place *);

/* The image in a file, mapped or not; NULL: there is none, or out of memory. */
struct image *images_of_file(struct images *, const char *path);

/*
 * What of the kernel an address is in, NULL in *out if it is in nothing that is known; *offset is
 * from where its text begins, or the address. 0 or -ENOMEM.
 */
int images_of_kernel(struct images *, uint64_t address, struct image **out, uint64_t *offset);

/* Frames to be left out of a stack of the kernel: kernel_code_skip(). */
int images_kernel_skip(const struct images *, const uint64_t *ip, int frames);

/* Its call frame information, opened at the first call; NULL if it has none. The image's own. */
struct cfi *image_cfi(struct image *);
/* A new program begins in the process, or it has ended: code that it makes from now on is another
 * image. 0 or -ENOMEM. */
int images_end_code(struct images *, uint32_t tgid);

/* Reads what processes named since. 1: there are new names; 0; -ENOMEM. */
int images_read_maps(struct images *);

/* Its number in this epoch; writes the row if it is new there. 0 or -errno. */
int image_define(struct images *, struct image *, uint64_t *id);

/* Closes all files; accepts NULL. */
void images_close(struct images *);

#endif
