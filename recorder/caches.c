#include <errno.h>
#include <stdlib.h>
#include <bpf/bpf.h>
#include "bpf/definitions.h"
#include "recorder/caches.h"
#include "recorder/hash.h"

struct cache {
	struct cache_definition definition;
	struct mark mark;
};

struct caches {
	struct definer *definer;
	const struct table *table;
	int map_fd; /* -1: none */
	struct hash by_key;
};

int caches_open(struct definer *definer, struct caches **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->definer = definer;
	(*out)->map_fd = -1;
	(*out)->table = table_named("cache");
	return 0;
}

void caches_use(struct caches *caches, int map_fd)
{
	caches->map_fd = map_fd;
}

static int cache_learn(struct caches *caches, uint64_t key, struct cache **out)
{
	struct cache *cache = *out = calloc(1, sizeof(*cache));
	if (!cache)
		return -ENOMEM;
	int error = -ENOENT;
	if (!bpf_map_lookup_elem(caches->map_fd, &key, &cache->definition))
		error = hash_set(&caches->by_key, key, 0, (uintptr_t)cache);
	cache->definition.name[sizeof(cache->definition.name) - 1] = '\0';
	if (!error)
		return 0;
	free(cache);
	*out = NULL;
	return error == -ENOENT ? 0 : error;
}

static int cache_write(struct caches *caches, struct cache *cache)
{
	const struct cache_definition *definition = &cache->definition;
	struct row row;
	define_new(caches->definer, caches->table, &cache->mark);
	row_begin(&row, "cache");
	row_number(&row, "id", cache->mark.id);
	row_text(&row, "name", definition->name[0] ? definition->name : NULL);
	row_number(&row, "slot_bytes", definition->slot_bytes);
	row_number(&row, "object_bytes", definition->object_bytes);
	return row_write(&row, caches->definer->writer);
}

int caches_define(struct caches *caches, uint64_t key, uint64_t *id)
{
	struct cache *cache = key ? (struct cache *)hash_get(&caches->by_key, key, 0) : NULL;
	int error = key && !cache ? cache_learn(caches, key, &cache) : 0;
	*id = 0;
	if (error || !cache)
		return error;
	if (!define_known(caches->definer, &cache->mark))
		error = cache_write(caches, cache);
	*id = cache->mark.id;
	return error;
}

void caches_close(struct caches *caches)
{
	if (!caches)
		return;
	for (size_t i = 0; i < caches->by_key.size; i++)
		free((void *)caches->by_key.entries[i].value);
	hash_release(&caches->by_key);
	free(caches);
}
