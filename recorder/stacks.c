#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/definitions.h"
#include "recorder/hash.h"
#include "recorder/image_names.h"
#include "recorder/stacks.h"
#include "recorder/walk.h"

struct frame {
	struct image *image; /* NULL: offset is the address */
	uint64_t offset;
	bool innermost; /* offset is no return address */
	bool looked_up;
	char *name; /* NULL: none found */
	uint64_t function_offset;
	struct mark mark;
	uint32_t named_epoch; /* like mark.epoch, of its symbol row */
};

/* A stack: its innermost frame, and the stack of the caller. */
struct node {
	struct node *parent;
	struct frame *frame;
	struct mark mark;
};

static const uint64_t CODE = 1;    /* in a key: of an address in the kernel */
static const uint64_t PENDING = 1; /* in a pointer to a struct pending, to tell it from a node's */

struct frame_list {
	struct frame **all;
	size_t count, size;
};

/* A definition until its first use resolves it. */
struct pending {
	uint32_t tgid;
	int64_t ts_ns;
	uint32_t end; /* enum stack_end; from STACK_NEW on a copy of the stack follows, else
			 addresses */
	size_t bytes;
	char data[] __attribute__((aligned(8)));
};

/* Everything that was allocated, to be freed at the end. */
struct pool {
	void **all;
	size_t count;
};

/* The number that a key had last: most rows find theirs here, in one line of the cache. */
struct recent {
	uint64_t key;
	uint32_t epoch; /* as of the definer */
	uint32_t id;
};

enum { RECENT_SIZE = 8192 };

static const int64_t wait_ns = 1000000000;

struct stacks {
	struct recent recent[RECENT_SIZE]; /* pairs, by the key's low bits */
	struct definer *definer;
	struct images *images;
	struct spaces *spaces;
	struct unwind *unwind;
	const struct table *stack_table, *frame_table;
	struct hash by_key;        /* a struct pending, marked, or the node that it became; CODE */
	struct hash nodes, frames; /* by (parent, frame), by (image, offset) */
	struct pool pool;
	struct frame_list unnamed;
	struct frame_list waiting; /* for names that their process may still write */
	int64_t wait_until_ns;
	uint64_t undefined;
};

int stacks_open(struct definer *definer, struct images *images, struct spaces *spaces,
		struct unwind *unwind, struct stacks **out)
{
	struct stacks *stacks = *out = calloc(1, sizeof(*stacks));
	if (!stacks)
		return -ENOMEM;
	stacks->definer = definer;
	stacks->images = images;
	stacks->spaces = spaces;
	stacks->unwind = unwind;
	stacks->stack_table = table_named("stack");
	stacks->frame_table = table_named("frame");
	return 0;
}

static void *pool_new(struct pool *pool, size_t size)
{
	if (!(pool->count & (pool->count - 1))) {
		size_t capacity = pool->count ? pool->count * 2 : 1;
		void **all = realloc(pool->all, capacity * sizeof(*all));
		if (!all)
			return NULL;
		pool->all = all;
	}
	void *new = calloc(1, size);
	if (new)
		pool->all[pool->count++] = new;
	return new;
}

static int stacks_serve(struct stacks *stacks)
{
	return stacks->unwind ? unwind_serve(stacks->unwind) : 0;
}

/* The row that it came for was lost, and the addresses mean something else by now. */
static bool stacks_is_stale(const struct stacks *stacks, const struct pending *pending)
{
	return pending->end != STACK_KERNEL &&
	       !spaces_same_since(stacks->spaces, pending->tgid, pending->ts_ns);
}

/* The definition of a key that was not used yet; NULL: there is none. */
static struct pending *stacks_pending(const struct stacks *stacks, uint64_t key)
{
	uint64_t found = hash_get(&stacks->by_key, key, 0);
	return found & PENDING ? (struct pending *)(found & ~PENDING) : NULL;
}

bool stacks_lacks(const struct stacks *stacks, uint64_t key)
{
	const struct pending *pending = stacks_pending(stacks, key);
	return pending && stacks_is_stale(stacks, pending);
}

int stacks_learn(struct stacks *stacks, const struct stack_news *news)
{
	size_t bytes = news->copy ? news->copy_bytes : news->frames * sizeof(*news->ip);
	int error = news->copy ? stacks_serve(stacks) : 0;
	if (error)
		return error;
	if (!bytes || (hash_get(&stacks->by_key, news->key, 0) && !stacks_lacks(stacks, news->key)))
		return 0;
	struct pending *before = stacks_pending(stacks, news->key);
	struct pending *pending = malloc(sizeof(*pending) + bytes);
	if (!pending)
		return -ENOMEM;
	*pending = (struct pending){
		.tgid = news->tgid, .ts_ns = news->ts_ns, .end = news->end, .bytes = bytes
	};
	memcpy(pending->data, news->copy ? (const void *)news->copy : news->ip, bytes);
	if (!hash_set(&stacks->by_key, news->key, 0, (uintptr_t)pending | PENDING)) {
		free(before);
		return 0;
	}
	free(pending);
	return -ENOMEM;
}

static int frame_list_add(struct frame_list *list, struct frame *frame)
{
	if (list->count == list->size) {
		size_t size = list->size ? list->size * 2 : 256;
		struct frame **all = realloc(list->all, size * sizeof(*all));
		if (!all)
			return -ENOMEM;
		list->all = all;
		list->size = size;
	}
	list->all[list->count++] = frame;
	return 0;
}

static struct frame *stacks_frame_at(struct stacks *stacks, struct image *image, uint64_t offset,
				     bool innermost)
{
	struct frame *frame = (struct frame *)hash_get(&stacks->frames, (uintptr_t)image, offset);
	if (frame)
		return frame;
	frame = pool_new(&stacks->pool, sizeof(*frame));
	if (!frame || hash_set(&stacks->frames, (uintptr_t)image, offset, (uintptr_t)frame))
		return NULL;
	frame->image = image;
	frame->offset = offset;
	frame->innermost = innermost;
	if (image && (image_used(image) || frame_list_add(&stacks->unnamed, frame)))
		return NULL;
	return frame;
}

static struct frame *stacks_frame(struct stacks *stacks, uint32_t tgid, uint64_t ip, bool innermost)
{
	uint64_t offset;
	struct image *image = spaces_find(stacks->spaces, tgid, ip, &offset);
	return stacks_frame_at(stacks, image, offset, innermost);
}

static struct node *stacks_node(struct stacks *stacks, struct node *parent, struct frame *frame)
{
	struct node *node = (struct node *)hash_get(&stacks->nodes, (uintptr_t)parent,
						    (uintptr_t)frame);
	if (node)
		return node;
	node = pool_new(&stacks->pool, sizeof(*node));
	if (!node || hash_set(&stacks->nodes, (uintptr_t)parent, (uintptr_t)frame, (uintptr_t)node))
		return NULL;
	node->parent = parent;
	node->frame = frame;
	return node;
}

static int stacks_kernel_node(struct stacks *stacks, uint64_t ip, bool innermost,
			      struct node **node)
{
	uint64_t offset;
	struct image *image;
	int error = images_of_kernel(stacks->images, ip, &image, &offset);
	if (error)
		return error;
	struct frame *frame = stacks_frame_at(stacks, image, offset, innermost);
	*node = frame ? stacks_node(stacks, *node, frame) : NULL;
	return *node ? 0 : -ENOMEM;
}

/*
 * Where an event was is the byte before the return address that is its innermost frame: that is in
 * the call, as the innermost frame of any stack is an instruction.
 */
static int stacks_resolve_kernel(struct stacks *stacks, const struct pending *pending,
				 struct node **out)
{
	const uint64_t *ip = (const uint64_t *)pending->data;
	int frames = (int)(pending->bytes / sizeof(*ip));
	int skip = images_kernel_skip(stacks->images, ip, frames), error = skip < 0 ? skip : 0;
	*out = NULL;
	for (int i = frames; i-- > skip && !error;)
		error = stacks_kernel_node(stacks, ip[i] - (skip && i == skip), i == skip, out);
	return error;
}

/* A frame that stands for those that are missing outwards; NULL in *out if none is. */
static int stacks_end(struct stacks *stacks, uint32_t end, struct node **out)
{
	static const char *const names[STACK_ENDS] = {
		[STACK_DEEP] = "[deeper than 511 frames]",
		[STACK_LOST] = "[not unwound further]",
	};
	*out = NULL;
	if (end >= STACK_ENDS || !names[end])
		return 0;
	struct frame *frame = stacks_frame_at(stacks, NULL, end, true);
	if (!frame)
		return -ENOMEM;
	if (!frame->name)
		frame->name = strdup(names[end]);
	frame->looked_up = true;
	*out = frame->name ? stacks_node(stacks, NULL, frame) : NULL;
	return *out ? 0 : -ENOMEM;
}

static int stacks_resolve_user(struct stacks *stacks, struct pending *pending, struct node **out)
{
	uint64_t walked[STACK_FRAMES_MAX];
	const uint64_t *ip = (const uint64_t *)pending->data;
	size_t frames = pending->bytes / sizeof(*ip);
	if (pending->end >= STACK_NEW) {
		int failed = stacks_serve(stacks);
		if (failed)
			return failed;
		frames = walk_copy(stacks->spaces, stacks->unwind,
				   (const struct stack_copy *)pending->data, walked, &pending->end);
		ip = walked;
	}
	int error = stacks_end(stacks, pending->end, out);
	for (size_t i = frames; i-- > 0 && !error;) {
		struct frame *frame = stacks_frame(stacks, pending->tgid, ip[i], i == 0);
		*out = frame ? stacks_node(stacks, *out, frame) : NULL;
		error = *out ? 0 : -ENOMEM;
	}
	return error;
}

static int stacks_resolve(struct stacks *stacks, uint64_t key, struct pending *pending,
			  struct node **out)
{
	*out = NULL;
	if (stacks_is_stale(stacks, pending)) {
		stacks->undefined++;
		return 0;
	}
	int error = pending->end == STACK_KERNEL ? stacks_resolve_kernel(stacks, pending, out)
						 : stacks_resolve_user(stacks, pending, out);
	if (error)
		return error;
	free(pending);
	return hash_set(&stacks->by_key, key, 0, (uintptr_t)*out);
}

static int frame_write_name(struct stacks *stacks, struct frame *frame)
{
	struct row row;
	uint64_t image;
	uint32_t epoch = stacks->definer->epoch;
	if (!frame->looked_up || frame->named_epoch == epoch)
		return 0;
	frame->named_epoch = epoch;
	int error = image_define(stacks->images, frame->image, &image);
	if (error)
		return error;
	row_begin(&row, "symbol");
	row_number(&row, "image_id", image);
	row_number(&row, "offset", frame->offset);
	row_text(&row, "symbol", frame->name);
	row_number(&row, "function_offset", frame->function_offset);
	return row_write(&row, stacks->definer->writer);
}

static int frame_define(struct stacks *stacks, struct frame *frame)
{
	uint64_t values[COLUMNS_MAX] = { 0 }, image;
	if (define_known(stacks->definer, &frame->mark))
		return 0;
	int error = image_define(stacks->images, frame->image, &image);
	if (error)
		return error;
	define_new(stacks->definer, stacks->frame_table, &frame->mark);
	values[table_column(stacks->frame_table, "id")] = frame->mark.id;
	values[table_column(stacks->frame_table, "image_id")] = image;
	values[table_column(stacks->frame_table, "offset")] = frame->offset;
	error = writer_add(stacks->definer->writer, stacks->frame_table, values, 0);
	return error ? error : frame_write_name(stacks, frame);
}

static int node_define(struct stacks *stacks, struct node *node)
{
	uint64_t values[COLUMNS_MAX] = { 0 };
	if (!node || define_known(stacks->definer, &node->mark))
		return 0;
	int error = node_define(stacks, node->parent);
	if (!error)
		error = frame_define(stacks, node->frame);
	if (error)
		return error;
	define_new(stacks->definer, stacks->stack_table, &node->mark);
	values[table_column(stacks->stack_table, "id")] = node->mark.id;
	values[table_column(stacks->stack_table, "parent_id")] = node->parent
									 ? node->parent->mark.id
									 : 0;
	values[table_column(stacks->stack_table, "frame_id")] = node->frame->mark.id;
	return writer_add(stacks->definer->writer, stacks->stack_table, values, 0);
}

static int stacks_find(struct stacks *stacks, uint64_t key, uint64_t *id)
{
	uint64_t found = hash_get(&stacks->by_key, key, 0);
	struct node *node = (struct node *)found;
	int error = 0;
	stacks->undefined += !found;
	if (found & PENDING)
		error = stacks_resolve(stacks, key, (struct pending *)(found & ~PENDING), &node);
	if (!error)
		error = node_define(stacks, node);
	*id = !error && node ? node->mark.id : 0;
	return error;
}

int stacks_define(struct stacks *stacks, uint64_t key, uint64_t *id)
{
	struct recent *recent = &stacks->recent[2 * (key % (RECENT_SIZE / 2))];
	for (int i = 0; i < 2; i++) {
		*id = recent[i].id;
		if (recent[i].key == key && recent[i].epoch == stacks->definer->epoch)
			return 0;
	}
	*id = 0;
	if (!key)
		return 0;
	int error = stacks_find(stacks, key, id);
	if (!error && *id && *id <= UINT32_MAX) {
		recent[1] = recent[0];
		recent[0] = (struct recent){ key, stacks->definer->epoch, (uint32_t)*id };
	}
	return error;
}

int stacks_define_code(struct stacks *stacks, uint64_t address, uint64_t *id)
{
	struct node *node = (struct node *)hash_get(&stacks->by_key, address, CODE);
	int error = 0;
	*id = 0;
	if (!address)
		return 0;
	if (!node) {
		error = stacks_kernel_node(stacks, address - 1, true, &node);
		if (!error)
			error = hash_set(&stacks->by_key, address, CODE, (uintptr_t)node);
	}
	if (!error)
		error = node_define(stacks, node);
	if (!error)
		*id = node->mark.id;
	return error;
}

uint64_t stacks_undefined(const struct stacks *stacks)
{
	return stacks->undefined;
}

/* The caller's frames hold return addresses, which may be behind the function's end: look one byte
 * before. */
static int frame_name(struct stacks *stacks, struct frame *frame)
{
	const char *name = NULL;
	uint64_t offset = frame->offset - !frame->innermost;
	int error = image_function_at(frame->image, offset, &name, &frame->function_offset);
	if (error == -EAGAIN)
		return frame_list_add(&stacks->waiting, frame);
	if (error && error != -ENOENT)
		return error;
	frame->looked_up = true;
	if (!error) {
		frame->function_offset += !frame->innermost;
		frame->name = strdup(name);
		if (!frame->name)
			return -ENOMEM;
	}
	return frame_write_name(stacks, frame);
}

/* Asks again, once a second, for the names that were not there. */
static int stacks_wait(struct stacks *stacks)
{
	int64_t now = now_ns();
	if (!stacks->waiting.count || now < stacks->wait_until_ns)
		return 0;
	stacks->wait_until_ns = now + wait_ns;
	int new = images_read_maps(stacks->images), error = new < 0 ? new : 0;
	while (new > 0 && stacks->waiting.count && !error)
		error = frame_list_add(&stacks->unnamed,
				       stacks->waiting.all[--stacks->waiting.count]);
	return error;
}

int stacks_name(struct stacks *stacks, int64_t until_ns)
{
	int error = stacks_wait(stacks);
	while (stacks->unnamed.count && !error && now_ns() < until_ns)
		error = frame_name(stacks, stacks->unnamed.all[--stacks->unnamed.count]);
	return error ? error : stacks->unnamed.count > 0;
}

void stacks_name_last(struct stacks *stacks)
{
	stacks->wait_until_ns = 0;
}

void stacks_close(struct stacks *stacks)
{
	if (!stacks)
		return;
	for (size_t i = 0; i < stacks->frames.size; i++)
		if (stacks->frames.entries[i].value)
			free(((struct frame *)stacks->frames.entries[i].value)->name);
	for (size_t i = 0; i < stacks->by_key.size; i++)
		if (stacks->by_key.entries[i].value & PENDING)
			free((void *)(stacks->by_key.entries[i].value & ~PENDING));
	for (size_t i = 0; i < stacks->pool.count; i++)
		free(stacks->pool.all[i]);
	free(stacks->pool.all);
	free(stacks->unnamed.all);
	free(stacks->waiting.all);
	hash_release(&stacks->by_key);
	hash_release(&stacks->nodes);
	hash_release(&stacks->frames);
	free(stacks);
}
