/*
 * A recording from its beginning to its end.
 */
#ifndef RECORDER_RECORDER_H
#define RECORDER_RECORDER_H

#include <signal.h>
#include "recorder/ladder.h"
#include "recorder/target.h"
#include "recorder/texts.h"

struct recorder;

struct recorder_options {
	size_t memory;      /* of the rings and tables, bytes */
	const char *choice; /* of sources: recorder/choice.h */
	enum stack_way stacks;
	struct texts_options texts;
	const char *cmdline; /* of the recorder, for the trace */
	const char *target;  /* in words, for the trace */
	const char *command; /* NULL: none is started */
};

/*
 * Gets the sources ready for the target. What BPF refuses is no error: the ladder's states say so.
 * 0 or -errno; on failure *out is set, for recorder_why, or NULL for -ENOMEM.
 */
int recorder_open(const struct recorder_options *, struct target *, struct recorder **out);

const struct ladder *recorder_ladder(const struct recorder *);
const struct shared *recorder_shared(const struct recorder *); /* NULL: no BPF */
uint32_t recorder_slow_probes(const struct recorder *);

/*
 * Records into `fd`, which it takes over, until *stop, until `until_ns` (CLOCK_MONOTONIC, 0 none)
 * or until the target has ended. 0 or -errno; what was recorded before an error is in the file.
 */
int recorder_run(struct recorder *, int fd, const volatile sig_atomic_t *stop, int64_t duration_ns);

/* Rows written, and rows lost by all causes. */
void recorder_sums(const struct recorder *, uint64_t *rows, uint64_t *lost, uint64_t *bytes);

const char *recorder_why(const struct recorder *);

/* Accepts NULL. */
void recorder_close(struct recorder *);

#endif
