/*
 * Attaching one program, by the kind of its section: tracepoints through libbpf, software events on
 * every CPU, probes of the C library's functions.
 */
#ifndef RECORDER_ATTACH_H
#define RECORDER_ATTACH_H

#include "recorder/object.h"

/* The links and event descriptors go to the object. 0 or -errno; `why` gets the reason. */
int attach_program(struct object *, struct bpf_program *, const char *event, struct attach_target *,
		   char *why, size_t why_size);

#endif
