/*
 * Stacks: a tree of frames, kept for the whole recording and written into every epoch that uses
 * them; and the names of their functions, looked up when there is time.
 */
#ifndef RECORDER_STACKS_H
#define RECORDER_STACKS_H

#include "recorder/spaces.h"
#include "recorder/unwind.h"

struct stacks;

/* `unwind` may be NULL: then copies of stacks are walked without tables. Else it is served whenever
 * a copy comes by, because copies come until there are tables. */
int stacks_open(struct definer *, struct images *, struct spaces *, struct unwind *unwind,
		struct stacks **out);

/* A stack as the kernel side sends it: addresses, innermost first, or what to find them in. */
struct stack_news {
	uint64_t key;
	uint32_t tgid;
	int64_t ts_ns; /* when its addresses were those of the process */
	uint32_t end;  /* enum stack_end: whether there is more outwards */
	const uint64_t *ip;
	size_t frames;
	const struct stack_copy *copy; /* NULL: ip and frames are set */
	size_t copy_bytes;
};

/* The definition of a stack arrived; it takes the place of one that is lacking. 0 or -ENOMEM. */
int stacks_learn(struct stacks *, const struct stack_news *);

/*
 * The number of a stack in this epoch; writes the rows that are new there. The first call for a key
 * resolves its addresses with the mappings of now. 0 in *id for key 0, for a key whose definition
 * was lost, and where the process has run another program since.
 */
int stacks_define(struct stacks *, uint64_t key, uint64_t *id);

/* The same for a return address in the kernel: a stack of one frame. */
int stacks_define_code(struct stacks *, uint64_t address, uint64_t *id);

/* Whether its process has run another program before the first row that names it: other processes
 * have that stack, too, so it is to be sent again. */
bool stacks_lacks(const struct stacks *, uint64_t key);

/* How many rows named a stack whose definition was lost. */
uint64_t stacks_undefined(const struct stacks *);

/*
 * Looks up names until `until_ns` (CLOCK_MONOTONIC) or until none is missing: 1 if more is to do,
 * 0, -errno.
 */
int stacks_name(struct stacks *, int64_t until_ns);

/* The recording ends: the next stacks_name() asks for names that were not there when asked last. */
void stacks_name_last(struct stacks *);

/* Accepts NULL. */
void stacks_close(struct stacks *);

#endif
