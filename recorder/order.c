/*
 * Each ring is almost sorted, so a natural merge sort needs about one pass for each doubling of the
 * number of rings. Records lie in one arena; what is too young stays, moved to the arena's
 * beginning.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "recorder/order.h"

/* So many records before its turn a record is fetched from memory. */
enum { AHEAD = 8 };

struct item {
	int64_t ts_ns;
	uint64_t kind;
	uint32_t offset, size; /* offset in units of 8 bytes */
};

struct order {
	struct item *items, *spare;
	size_t count, capacity;
	uint64_t *arena, *arena_spare;
	size_t arena_used, arena_size; /* in units of 8 bytes */
	int64_t passed_ns;
	uint64_t late;
};

int order_open(struct order **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->passed_ns = INT64_MIN;
	return 0;
}

static int grow(void **memory, size_t size)
{
	void *grown = realloc(*memory, size);
	if (!grown)
		return -ENOMEM;
	*memory = grown;
	return 0;
}

static int order_grow_items(struct order *order)
{
	size_t capacity = order->capacity ? order->capacity * 2 : 4096;
	if (grow((void **)&order->items, capacity * sizeof(*order->items)) ||
	    grow((void **)&order->spare, capacity * sizeof(*order->spare)))
		return -ENOMEM;
	order->capacity = capacity;
	return 0;
}

static int order_grow_arena(struct order *order, size_t words)
{
	size_t size = order->arena_size ? order->arena_size : 8192;
	while (size < order->arena_used + words)
		size *= 2;
	if (size > UINT32_MAX || grow((void **)&order->arena, size * 8) ||
	    grow((void **)&order->arena_spare, size * 8))
		return -ENOMEM;
	order->arena_size = size;
	return 0;
}

int order_add(struct order *order, int64_t ts_ns, uint64_t kind, const void *record, size_t size)
{
	size_t words = (size + 7) / 8;
	if (order->count == order->capacity && order_grow_items(order))
		return -ENOMEM;
	if (order->arena_used + words > order->arena_size && order_grow_arena(order, words))
		return -ENOMEM;
	memcpy(order->arena + order->arena_used, record, size);
	order->items[order->count++] = (struct item){ ts_ns, kind, (uint32_t)order->arena_used,
						      (uint32_t)size };
	order->arena_used += words;
	return 0;
}

static size_t run_end(const struct item *items, size_t begin, size_t count)
{
	while (++begin < count && items[begin - 1].ts_ns <= items[begin].ts_ns)
		;
	return begin < count ? begin : count;
}

static void merge(const struct item *a, const struct item *a_end, const struct item *b,
		  const struct item *b_end, struct item *out)
{
	while (a < a_end && b < b_end)
		*out++ = b->ts_ns < a->ts_ns ? *b++ : *a++;
	memcpy(out, a, (size_t)(a_end - a) * sizeof(*out));
	memcpy(out + (a_end - a), b, (size_t)(b_end - b) * sizeof(*out));
}

/* One pass: merges neighbouring runs; whether more than one run was there. */
static int merge_pass(struct order *order)
{
	struct item *items = order->items;
	size_t count = order->count, runs = 0;
	for (size_t begin = 0; begin < count; runs++) {
		size_t middle = run_end(items, begin, count);
		if (!begin && middle == count)
			return 0;
		size_t end = middle < count ? run_end(items, middle, count) : count;
		merge(items + begin, items + middle, items + middle, items + end,
		      order->spare + begin);
		begin = end;
	}
	order->items = order->spare;
	order->spare = items;
	return runs > 1;
}

static void order_keep(struct order *order, size_t first)
{
	size_t used = 0;
	for (size_t i = first; i < order->count; i++) {
		struct item item = order->items[i];
		size_t words = (item.size + 7) / 8;
		memcpy(order->arena_spare + used, order->arena + item.offset, words * 8);
		item.offset = (uint32_t)used;
		order->items[i - first] = item;
		used += words;
	}
	uint64_t *arena = order->arena;
	order->arena = order->arena_spare;
	order->arena_spare = arena;
	order->arena_used = used;
	order->count -= first;
}

/* The rings' rows lie by turns, which the processor does not foresee. */
static void order_fetch(const struct order *order, const struct item *item)
{
	const char *record = (const char *)(order->arena + item->offset);
	__builtin_prefetch(record);
	__builtin_prefetch(record + 64);
}

int order_take(struct order *order, int64_t before_ns, order_each *each, void *context)
{
	int error = 0;
	size_t i;
	while (merge_pass(order))
		;
	for (i = 0; error >= 0 && i < order->count && order->items[i].ts_ns < before_ns; i++) {
		const struct item *item = &order->items[i];
		if (i + AHEAD < order->count)
			order_fetch(order, item + AHEAD);
		if (item->ts_ns < order->passed_ns)
			order->late++;
		else
			order->passed_ns = item->ts_ns;
		error = each(context, item->ts_ns, item->kind, order->arena + item->offset,
			     item->size);
	}
	order_keep(order, i);
	return error < 0 ? error : 0;
}

uint64_t order_late(const struct order *order)
{
	return order->late;
}

size_t order_waiting(const struct order *order)
{
	return order->arena_used * 8;
}

void order_close(struct order *order)
{
	if (!order)
		return;
	free(order->items);
	free(order->spare);
	free(order->arena);
	free(order->arena_spare);
	free(order);
}
