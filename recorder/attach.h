/*
 * Attaching one program, by the kind of its section: BTF and raw tracepoints through libbpf, the
 * events of a "tp/CATEGORY/EVENT EVENT ..." one by one, software events on every CPU, probes of the
 * C library's functions.
 */
#ifndef RECORDER_ATTACH_H
#define RECORDER_ATTACH_H

#include "recorder/object.h"

/* Whether it is a probe of a function's entry and return in one, which libbpf 1.1 does not know. */
bool is_session(const struct bpf_program *);

/* Tells such a program, before it is loaded, what it is. 0 or -errno. */
int session_prepare(struct bpf_program *);

/* Closes descriptors of probes, many at a time. */
void probes_close(const int *fds, size_t count);

/* The links and event descriptors go to the object. 0 or -errno; `why` gets the reason. */
int attach_program(struct object *, struct bpf_program *, const char *event, struct attach_target *,
		   char *why, size_t why_size);

#endif
