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

/* Another process has the same code at other pages. */
static bool same_in_pages(const uint64_t *ip, const uint64_t *other, size_t frames)
{
	for (size_t i = 0; i < frames; i++)
		if ((ip[i] ^ other[i]) & (STACK_PAGE - 1))
			return false;
	return true;
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
			      !same_in_pages(stack->ip, ip, frames);
		return;
	}
	stack = ours_make(ours, definition->key);
	stack->end = (uint32_t)definition->end;
	stack->tgid = (uint32_t)(definition->process_id >> 32);
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
	stack->tgid = (uint32_t)(copy->process_id >> 32);
	stack->copy = malloc(size);
	CHECK(stack->copy);
	memcpy(stack->copy, copy, size);
}

static void stack_walk(struct ours *ours, struct stack *stack)
{
	uint64_t ip[STACK_FRAMES_MAX];
	CHECK_EQUAL(unwind_serve(ours->unwind), 0);
	stack->walked = true;
	size_t frames = walk_copy(ours->spaces, ours->unwind, stack->copy, ip, &stack->end);
	stack_keep(stack, ip, frames);
	ours->walked[stack->end]++;
}

/* The frame that was interrupted has one added to its address; so has its offset. */
static void stack_look_up(const struct ours *ours, struct stack *stack)
{
	stack->images = calloc(stack->frames + 1, sizeof(struct image *));
	stack->offsets = calloc(stack->frames + 1, sizeof(*stack->offsets));
	CHECK(stack->images && stack->offsets);
	for (size_t i = 0; i < stack->frames; i++)
		stack->images[i] = spaces_find(ours->spaces, stack->tgid, stack->ip[i],
					       &stack->offsets[i]);
}

struct stack *ours_find(struct ours *ours, uint64_t key)
{
	struct stack *stack = ours_get(ours, key);
	if (stack && stack->copy && !stack->walked)
		stack_walk(ours, stack);
	if (stack && !stack->images)
		stack_look_up(ours, stack);
	return stack;
}

void stack_move(struct stack *stack, const struct process_places *to)
{
	for (size_t i = 0; i < stack->frames; i++)
		if (stack->images[i])
			stack->ip[i] = places_address(to, stack->images[i], stack->offsets[i]);
}

uint64_t frames_hash(const struct ours *ours, uint32_t tgid, const uint64_t *ip, size_t frames)
{
	uint64_t hash = frames, offset;
	for (size_t i = 0; i < frames; i++) {
		hash ^= (uintptr_t)spaces_find(ours->spaces, tgid, ip[i], &offset);
		hash = (hash ^ offset) * 0x9E3779B97F4A7C15ULL;
		hash ^= hash >> 29;
	}
	return hash | 1;
}
