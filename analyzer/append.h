/*
 * Goes on with a trace that was ended: what is found later about a recording becomes one more epoch
 * of its last session.
 */
#ifndef ANALYZER_APPEND_H
#define ANALYZER_APPEND_H

#include <stddef.h>
#include "format/writer.h"

/*
 * Opens a writer for what is to stand behind the bytes of the trace `path`; takes over fd. The rows
 * of session and clock with which an epoch begins are copied. Ids count anew. 0, -errno; `why` says
 * what could not be read.
 */
int append_open(const char *path, int fd, struct writer **out, char *why, size_t why_size);

#endif
