#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "bpf/definitions.h"
#include "recorder/shared.h"

enum { SHARED_MAX = 16, RINGS_MAX = 4096 };

struct shared {
	char names[SHARED_MAX][32];
	int fds[SHARED_MAX];
	int count;
	int *rings;
	uint32_t ring_count, rings_made;
	size_t ring_bytes;
	size_t table_bytes; /* for unwind tables */
	uint32_t cpus;
};

static size_t ring_size(size_t memory, uint32_t rings)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	while (size * 2 * rings <= memory && size < 1U << 30)
		size *= 2;
	return size;
}

/* A quarter, within reason: gcc and its libraries need 6 MiB, the largest browser 24. */
static size_t tables_size(size_t memory)
{
	static const size_t least = 4 << 20, most = 64 << 20;
	return memory / 4 < least ? least : memory / 4 > most ? most : memory / 4;
}

int shared_open(size_t memory, struct shared **out)
{
	struct shared *shared = calloc(1, sizeof(*shared));
	int cpus = libbpf_num_possible_cpus(), error = cpus < 0 ? cpus : -ENOMEM;
	*out = NULL;
	if (!shared || cpus < 0)
		goto fail;
	shared->cpus = (uint32_t)cpus;
	shared->ring_count = shared->cpus < RINGS_MAX ? shared->cpus : RINGS_MAX;
	shared->table_bytes = tables_size(memory);
	shared->ring_bytes = ring_size(memory > shared->table_bytes ? memory - shared->table_bytes
								    : 0,
				       shared->ring_count);
	shared->rings = calloc(shared->ring_count, sizeof(*shared->rings));
	if (!shared->rings)
		goto fail;
	for (uint32_t i = 0; i < shared->ring_count; i++, shared->rings_made++) {
		shared->rings[i] = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0,
						  (uint32_t)shared->ring_bytes, NULL);
		if (shared->rings[i] < 0) {
			error = -errno;
			goto fail;
		}
	}
	*out = shared;
	return 0;
fail:
	shared_close(shared);
	return error;
}

static int shared_make_rings(const struct shared *shared)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .inner_map_fd = (uint32_t)shared->rings[0]);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "shared_rings", sizeof(uint32_t),
				sizeof(uint32_t), shared->ring_count, &options);
	for (uint32_t i = 0; fd >= 0 && i < shared->ring_count; i++)
		if (bpf_map_update_elem(fd, &i, &shared->rings[i], BPF_ANY)) {
			int error = -errno;
			close(fd);
			return error;
		}
	return fd < 0 ? -errno : fd;
}

static int shared_make(const struct shared *shared, const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);
	uint32_t entries = bpf_map__max_entries(map);
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = bpf_map__map_flags(map));
	if (!strcmp(name, "shared_rings"))
		return shared_make_rings(shared);
	if (!strcmp(name, "shared_stack_slots"))
		entries = shared->cpus * STACK_SLOTS_PER_CPU;
	else if (!strcmp(name, "shared_unwind_rows"))
		entries = (uint32_t)(shared->table_bytes / bpf_map__value_size(map));
	int fd = bpf_map_create(bpf_map__type(map), name, bpf_map__key_size(map),
				bpf_map__value_size(map), entries, &options);
	return fd < 0 ? -errno : fd;
}

int shared_fd(const struct shared *shared, const char *name)
{
	for (int i = 0; i < shared->count; i++)
		if (!strcmp(shared->names[i], name))
			return shared->fds[i];
	return -ENOENT;
}

int shared_use(struct shared *shared, struct bpf_object *object)
{
	struct bpf_map *map;
	bpf_object__for_each_map(map, object) {
		const char *name = bpf_map__name(map);
		int fd = shared_fd(shared, name);
		if (strncmp(name, "shared_", 7) || !bpf_map__autocreate(map))
			continue;
		if (fd < 0) {
			fd = shared->count < SHARED_MAX ? shared_make(shared, map) : -ENOSPC;
			if (fd < 0)
				return fd;
			strncpy(shared->names[shared->count], name, sizeof(shared->names[0]) - 1);
			shared->fds[shared->count++] = fd;
		}
		if (bpf_map__reuse_fd(map, fd))
			return -errno;
	}
	return 0;
}

/* maybe_wait_bpf_programs(), kernel/bpf/syscall.c: an update of a map of maps returns when no
 * program can be using what it replaced. */
void shared_wait(const struct shared *shared)
{
	uint32_t zero = 0;
	int fd = shared_fd(shared, "shared_rings");
	if (fd >= 0)
		bpf_map_update_elem(fd, &zero, &shared->rings[0], BPF_ANY);
}

/* In this order: a program that still finds it in the first would put it back into the second. */
void shared_forget_stack(const struct shared *shared, uint64_t key)
{
	int sent = shared_fd(shared, "shared_stacks"),
	    fd = shared_fd(shared, "shared_recent_stacks");
	uint32_t place = key % STACK_RECENT;
	uint64_t recent = 0, none = 0;
	if (sent < 0 || fd < 0)
		return;
	bpf_map_delete_elem(sent, &key);
	if (!bpf_map_lookup_elem(fd, &place, &recent) && recent == key)
		bpf_map_update_elem(fd, &place, &none, BPF_ANY);
}

static void shared_set_recording(const struct shared *shared, uint32_t recording)
{
	uint32_t zero = 0;
	int fd = shared_fd(shared, "shared_recording");
	if (fd >= 0)
		bpf_map_update_elem(fd, &zero, &recording, BPF_ANY);
}

void shared_begin(const struct shared *shared)
{
	shared_set_recording(shared, true);
}

void shared_end(const struct shared *shared)
{
	shared_set_recording(shared, false);
	shared_wait(shared);
}

size_t shared_table_bytes(const struct shared *shared)
{
	return shared->table_bytes;
}

uint32_t shared_ring_count(const struct shared *shared)
{
	return shared->ring_count;
}

size_t shared_ring_bytes(const struct shared *shared)
{
	return shared->ring_bytes;
}

int shared_ring_fd(const struct shared *shared, uint32_t ring)
{
	return shared->rings[ring];
}

int shared_target(const struct shared *shared, uint32_t tgid, bool on)
{
	uint32_t state = TARGET_LIVE;
	int fd = shared_fd(shared, "shared_targets");
	if (fd < 0)
		return fd;
	if (on)
		return bpf_map_update_elem(fd, &tgid, &state, BPF_ANY) ? -errno : 0;
	if (bpf_map_lookup_elem(fd, &tgid, &state) || state != TARGET_ENDED)
		return 0;
	return bpf_map_delete_elem(fd, &tgid) ? -errno : 0;
}

void shared_close(struct shared *shared)
{
	if (!shared)
		return;
	for (int i = 0; i < shared->count; i++)
		close(shared->fds[i]);
	for (uint32_t i = 0; i < shared->rings_made; i++)
		close(shared->rings[i]);
	free(shared->rings);
	free(shared);
}
