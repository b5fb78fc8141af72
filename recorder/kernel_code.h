/*
 * The code of the kernel and its modules: which of them an address is in, which build that is, and
 * its functions. An offset is counted from where their text begins, so it is the same wherever the
 * kernel put them (KASLR).
 */
#ifndef RECORDER_KERNEL_CODE_H
#define RECORDER_KERNEL_CODE_H

#include <stdbool.h>
#include <stdint.h>

enum { KERNEL_BUILD_ID_MAX = 32 };

struct image;
struct kernel_code;

/* The kernel or a module. */
struct kernel_part {
	char name[64]; /* vmlinux, ext4.ko */
	char build_id[2 * KERNEL_BUILD_ID_MAX + 1];
	uint64_t start, end; /* 0, 0: it was unloaded */
	struct image *image; /* the caller's */
};

/*
 * Opens the files below `root` ("" for the host's), so that what they show is decided by the
 * privileges of now; they are read at the first address. 0 or -ENOMEM: files that are not there are
 * no error, nothing is found then.
 */
int kernel_code_open(const char *root, struct kernel_code **out);

/*
 * What an address is in; NULL in *out: nothing that is known by a build id. A part stays where it
 * is until the close. An address in none makes the files be read again, at most once a second. 0 or
 * -ENOMEM.
 */
int kernel_code_find(struct kernel_code *, uint64_t address, struct kernel_part **out);

/* The function at an address; *name is valid until the next kernel_code_find(). 0 or -ENOENT. */
int kernel_code_name(const struct kernel_code *, uint64_t address, const char **name,
		     uint64_t *function_offset);

/*
 * How many of the innermost frames are of the event and of the program that took the stack, not of
 * what they tell of; all others are return addresses then. -ENOMEM.
 */
int kernel_code_skip(struct kernel_code *, const uint64_t *ip, int frames);

/* Accepts NULL. */
void kernel_code_close(struct kernel_code *);

#endif
