/*
 * The ladder: for each source of data the best way that this kernel allows, found by trial, never
 * by version.
 */
#ifndef RECORDER_LADDER_H
#define RECORDER_LADDER_H

#include "recorder/object.h"

enum { OBJECTS_MAX = 32 };

/* A way that was tried, or why there was none. */
struct source_state {
	char source[32];
	char way[512];
	const char *state; /* used, refused, off */
	char why[512];
};

struct ladder {
	struct object objects[OBJECTS_MAX];
	int object_count;
	struct source_state *states;
	int state_count;
};

/*
 * The ladder begins zeroed. Which way of taking stacks loads, from the one that is wanted on; what
 * was tried stands in `states`, as source "stack". 0 or -ENOMEM.
 */
int ladder_stacks(struct ladder *, const struct object_setup *, enum stack_way *way);

/*
 * Loads and attaches the sources that the choice wants (recorder/choice.h). Sources that no way
 * works for are no error: they stand in `states`. 0 or -ENOMEM; release in any case.
 */
int ladder_begin(struct ladder *, const struct object_setup *, struct attach_target *,
		 const char *choice);

/* Why BPF cannot be used at all: every source is refused for that reason. 0 or -ENOMEM. */
int ladder_refuse(struct ladder *, const char *choice, const char *why);

/* After one of both: a word of the choice that no source bears, or NULL. */
const char *ladder_lacks(const struct ladder *, const char *choice, size_t *length);

/* Adds a state of a source that is no BPF object's. 0 or -ENOMEM. */
int ladder_tell(struct ladder *, const struct source_state *);

/* Whether any way of that source is used. */
bool ladder_uses(const struct ladder *, const char *source);

/* Attaches the function probes to one more process. 0 or -errno. */
int ladder_add_process(struct ladder *, uint32_t pid);

/*
 * Whether probes of functions follow the thread that ladder_add_process named, not its process:
 * they must go on with another thread when it ends, and see children that borrow the process's
 * memory.
 */
bool ladder_follows_threads(const struct ladder *);

/* A thread of a process that ladder_add_process or the target named has ended, others have not:
 * its probes are kept (recorder/keep.h). 0 or -ENOMEM. */
int ladder_thread_ended(struct ladder *, uint32_t pid, uint32_t tid);

/* Counts and puts back the breakpoints of such processes that are gone, once a second. 0 or
 * -ENOMEM.
 */
int ladder_check(struct ladder *);

/* Detaches everything; maps stay until the release. */
void ladder_detach(struct ladder *);

void ladder_release(struct ladder *);

#endif
