/*
 * malloc is probed in every process while the test runs, in its own too, and libdwfl calls it
 * several times a frame. calloc does the same and is not probed.
 */
#include <stdlib.h>

#ifndef __SANITIZE_ADDRESS__
void *malloc(size_t size)
{
	void *(*volatile allocate)(size_t, size_t) = calloc;
	return allocate(1, size);
}
#endif
