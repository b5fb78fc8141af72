/*
 * Stacks as the recorder gets them, by key: definitions, and copies that it walks.
 */
#ifndef TESTS_TRUTH_OURS_H
#define TESTS_TRUTH_OURS_H

#include <stdbool.h>
#include "bpf/definitions.h"
#include "recorder/hash.h"
#include "recorder/walk.h"
#include "tests/truth/places.h"

struct stack {
	uint32_t end; /* enum stack_end */
	size_t frames;
	uint32_t tgid; /* of the process whose addresses they are */
	uint64_t *ip;
	const struct image **images; /* NULL: not looked up yet */
	uint64_t *offsets;
	struct stack_copy *copy; /* NULL: walked in the kernel */
	bool walked;             /* the copy */
	bool two;                /* two different stacks have this key */
	uint64_t truth;          /* of the first sample that was compared, 0 none */
	uint64_t events;
	enum { ROOT_UNKNOWN, ROOT_FOUND, ROOT_BARE, ROOT_MISSING } root;
};

struct ours {
	struct hash by_key; /* to struct stack */
	struct spaces *spaces;
	struct unwind *unwind;
	uint64_t definitions;
	uint64_t copies, walked[STACK_ENDS]; /* copies, by how their walk ended */
};

void ours_define(struct ours *, const struct stack_definition *, size_t size);
void ours_copy(struct ours *, const struct stack_copy *);

/* NULL: it was never sent. A copy is walked, and its frames' files are found, with the mappings of
 * now. */
struct stack *ours_find(struct ours *, uint64_t key);

/* Processes share stacks, before and after exec too: puts the addresses of that one into stack->ip.
 */
void stack_move(struct stack *, const struct process_places *);

/* Frames of a process as one number, the same in all processes of a program. */
uint64_t frames_hash(const struct ours *, uint32_t tgid, const uint64_t *ip, size_t frames);

#endif
