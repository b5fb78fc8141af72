#include <errno.h>
#include "recorder/debug_file.h"
#include "recorder/image_names.h"
#include "recorder/perf_map.h"

int image_used(struct image *image)
{
	if (!image->code_tgid || image->map)
		return 0;
	/* A process that has ended tells no more names. */
	int error = perf_map_open(image->code_tgid, &image->map);
	if (!error)
		error = perf_map_read(image->map);
	return error == -ENOMEM ? error : 0;
}

/* Stripped files only: what is whole needs no other file. */
static int image_seek_debug(struct image *image)
{
	struct elf_file *debug;
	image->debug_sought = true;
	if (elf_has_symbols(image->elf))
		return 0;
	int error = debug_file_open(image->elf, DEBUG_FOLDER, &debug);
	if (!error)
		elf_use_debug(image->elf, debug);
	return error == -ENOMEM ? error : 0;
}

int image_function_at(struct image *image, uint64_t offset, const char **name,
		      uint64_t *function_offset)
{
	int error = 0;
	if (image->map)
		return perf_map_find(image->map, offset, name, function_offset) ? -EAGAIN : 0;
	if (image->kernel)
		return image->kernel->start
			       ? kernel_code_name(image->names, image->kernel->start + offset, name,
						  function_offset)
			       : -ENOENT;
	if (!image->elf)
		return -ENOENT;
	if (!image->debug_sought)
		error = image_seek_debug(image);
	return error ? error : elf_function_at(image->elf, offset, name, function_offset);
}
