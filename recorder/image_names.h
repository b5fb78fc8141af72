/*
 * The function at a place of an image, from its symbol tables, those of a local debug file, mini
 * debug info, or what the process says of code that it made.
 */
#ifndef RECORDER_IMAGE_NAMES_H
#define RECORDER_IMAGE_NAMES_H

#include "recorder/images.h"

/* A frame in the image was seen: code of a process is named by a file that has to be opened while
 * the process runs. 0 or -ENOMEM. */
int image_used(struct image *);

/*
 * *name is valid until the image is closed or images_read_maps(). The first call for an image reads
 * its symbols. 0; -ENOENT; -EAGAIN: not named yet, images_read_maps() may change that; -ENOMEM.
 */
int image_function_at(struct image *, uint64_t offset, const char **name,
		      uint64_t *function_offset);

#endif
