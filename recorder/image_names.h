/*
 * The function at a place of an image, from its symbol tables, those of a local debug file, or mini
 * debug info.
 */
#ifndef RECORDER_IMAGE_NAMES_H
#define RECORDER_IMAGE_NAMES_H

#include "recorder/images.h"

/*
 * *name is valid until the image is closed. The first call for an image reads its symbols. 0;
 * -ENOENT; -ENOMEM.
 */
int image_function_at(struct image *, uint64_t offset, const char **name,
		      uint64_t *function_offset);

#endif
