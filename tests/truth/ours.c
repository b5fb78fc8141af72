#include <stddef.h>
#include "tests/check.h"
#include "tests/truth/ours.h"

static struct stack *ours_get(const struct ours *ours, uint64_t key)
{
	return (struct stack *)hash_get(&ours->by_key, key, 0);
}

static struct stack *ours_make(struct ours *ours, uint64_t key)
{
	struct stack *stack = calloc(1, sizeof(*stack));
	CHECK(stack && !hash_set(&ours->by_key, key, 0, (uintptr_t)stack));
	return stack;
}

static void stack_keep(struct stack *stack, const uint64_t *ip, size_t frames)
{
	stack->ip = malloc(frames * sizeof(*ip) + 1);
	CHECK(stack->ip);
	memcpy(stack->ip, ip, frames * sizeof(*ip));
	stack->frames = frames;
}

void ours_define(struct ours *ours, const struct stack_definition *definition, size_t size)
{
	size_t frames = definition->frames;
	const uint64_t *ip = (const uint64_t *)definition->ip_addr;
	struct stack *stack = ours_get(ours, definition->key);
	CHECK(size >= offsetof(struct stack_definition, ip_addr) + frames * sizeof(*ip));
	ours->definitions++;
	if (stack) {
		stack->two |= stack->end != definition->end || stack->frames != frames ||
			      memcmp(stack->ip, ip, frames * sizeof(*ip));
		return;
	}
	stack = ours_make(ours, definition->key);
	stack->end = (uint32_t)definition->end;
	stack_keep(stack, ip, frames);
}

void ours_copy(struct ours *ours, const struct stack_copy *copy)
{
	size_t size = offsetof(struct stack_copy, memory) + copy->bytes;
	struct stack *stack = ours_get(ours, copy->key);
	ours->copies++;
	if (stack) { /* of one event only, so never again */
		stack->two = true;
		return;
	}
	stack = ours_make(ours, copy->key);
	stack->end = (uint32_t)copy->end;
	stack->copy = malloc(size);
	CHECK(stack->copy);
	memcpy(stack->copy, copy, size);
}

struct stack *ours_find(struct ours *ours, uint64_t key)
{
	struct stack *stack = ours_get(ours, key);
	uint64_t ip[STACK_FRAMES_MAX];
	if (!stack || !stack->copy || stack->walked)
		return stack;
	CHECK_EQUAL(unwind_serve(ours->unwind), 0);
	stack->walked = true;
	size_t frames = walk_copy(ours->spaces, ours->unwind, stack->copy, ip, &stack->end);
	stack_keep(stack, ip, frames);
	ours->walked[stack->end]++;
	return stack;
}

uint64_t frames_hash(const uint64_t *ip, size_t frames)
{
	uint64_t hash = frames;
	for (size_t i = 0; i < frames; i++) {
		hash = (hash ^ ip[i]) * 0x9E3779B97F4A7C15ULL;
		hash ^= hash >> 29;
	}
	return hash | 1;
}
