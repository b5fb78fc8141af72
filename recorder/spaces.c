#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "recorder/hash.h"
#include "recorder/spaces.h"

struct mapping {
	uint64_t start, end, file_offset;
	struct image *image;
};

struct space {
	struct mapping *mappings; /* by address */
	size_t count, capacity;
	int64_t since_ns; /* of the fork or the program */
};

struct spaces {
	struct images *images;
	struct hash by_tgid;
	struct space **all;
	size_t count;
};

int spaces_open(struct images *images, struct spaces **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->images = images;
	return 0;
}

static struct space *spaces_get(const struct spaces *spaces, uint32_t tgid)
{
	return (struct space *)hash_get(&spaces->by_tgid, tgid, 0);
}

static struct space *spaces_make(struct spaces *spaces, uint32_t tgid)
{
	struct space *space = spaces_get(spaces, tgid);
	if (space)
		return space;
	struct space **all = realloc(spaces->all, (spaces->count + 1) * sizeof(*all));
	if (!all)
		return NULL;
	spaces->all = all;
	space = calloc(1, sizeof(*space));
	if (space && hash_set(&spaces->by_tgid, tgid, 0, (uintptr_t)space)) {
		free(space);
		return NULL;
	}
	if (space)
		spaces->all[spaces->count++] = space;
	return space;
}

static int space_reserve(struct space *space, size_t count)
{
	if (count <= space->capacity)
		return 0;
	struct mapping *mappings = realloc(space->mappings, 2 * count * sizeof(*mappings));
	if (!mappings)
		return -ENOMEM;
	space->mappings = mappings;
	space->capacity = 2 * count;
	return 0;
}

/* The first mapping that ends above the address. */
static size_t space_search(const struct space *space, uint64_t addr)
{
	size_t low = 0, high = space->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (space->mappings[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A new mapping replaces what it overlaps: unmapping is not told. What sticks out on either side
 * stays. */
static int space_insert(struct space *space, struct mapping new)
{
	if (space_reserve(space, space->count + 2))
		return -ENOMEM;
	size_t first = space_search(space, new.start), last = first, n = 0;
	while (last < space->count && space->mappings[last].start < new.end)
		last++;
	struct mapping insert[3], *mappings = space->mappings;
	if (last > first && mappings[first].start < new.start) {
		insert[n] = mappings[first];
		insert[n++].end = new.start;
	}
	insert[n++] = new;
	if (last > first && mappings[last - 1].end > new.end) {
		insert[n] = mappings[last - 1];
		insert[n].file_offset += new.end - insert[n].start;
		insert[n++].start = new.end;
	}
	memmove(mappings + first + n, mappings + last, (space->count - last) * sizeof(*mappings));
	memcpy(mappings + first, insert, n * sizeof(*mappings));
	space->count += n + first - last;
	return 0;
}

int spaces_map(struct spaces *spaces, const struct image_place *place, uint64_t file_offset)
{
	struct space *space = spaces_make(spaces, place->tgid);
	if (!space)
		return -ENOMEM;
	struct mapping mapping = { place->start, place->end, file_offset,
				   images_find(spaces->images, place) };
	if (mapping.image && mapping.image->code_tgid)
		mapping.file_offset = place->start;
	return space_insert(space, mapping);
}

int spaces_fork(struct spaces *spaces, uint32_t parent, uint32_t child, int64_t ts_ns)
{
	struct space *to = spaces_make(spaces, child), *from = spaces_get(spaces, parent);
	if (!to || (from && space_reserve(to, from->count)))
		return -ENOMEM;
	to->since_ns = ts_ns;
	to->count = from ? from->count : 0;
	if (to->count)
		memcpy(to->mappings, from->mappings, to->count * sizeof(*to->mappings));
	return images_end_code(spaces->images, child);
}

int spaces_clear(struct spaces *spaces, uint32_t tgid, int64_t ts_ns)
{
	struct space *space = spaces_get(spaces, tgid);
	if (space) {
		space->count = 0;
		space->since_ns = ts_ns;
	}
	return images_end_code(spaces->images, tgid);
}

bool spaces_same_since(const struct spaces *spaces, uint32_t tgid, int64_t ts_ns)
{
	const struct space *space = spaces_get(spaces, tgid);
	return !space || space->since_ns <= ts_ns;
}

int spaces_scan(struct spaces *spaces, uint32_t tgid)
{
	char name[64], *line = NULL;
	size_t size = 0;
	int error = 0;
	snprintf(name, sizeof(name), "/proc/%u/maps", tgid);
	FILE *file = fopen(name, "re");
	if (!file)
		return -errno;
	while (!error && getline(&line, &size, file) > 0) {
		struct image_place place = { .tgid = tgid };
		uint64_t offset;
		char mode[5];
		int path = 0; /* none behind the last blank: anonymous memory */
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %n", &place.start, &place.end, mode,
			   &offset, &path) < 4 ||
		    mode[2] != 'x' || !path)
			continue;
		char *deleted = strstr(line + path, " (deleted)");
		if (deleted)
			*deleted = '\0';
		place.path = line + path;
		error = spaces_map(spaces, &place, offset);
	}
	free(line);
	fclose(file);
	return error;
}

struct image *spaces_find(const struct spaces *spaces, uint32_t tgid, uint64_t addr,
			  uint64_t *offset)
{
	const struct space *space = spaces_get(spaces, tgid);
	size_t i = space ? space_search(space, addr) : 0;
	*offset = addr;
	if (!space || i == space->count || space->mappings[i].start > addr ||
	    !space->mappings[i].image)
		return NULL;
	*offset = addr - space->mappings[i].start + space->mappings[i].file_offset;
	return space->mappings[i].image;
}

void spaces_close(struct spaces *spaces)
{
	if (!spaces)
		return;
	for (size_t i = 0; i < spaces->count; i++) {
		free(spaces->all[i]->mappings);
		free(spaces->all[i]);
	}
	free(spaces->all);
	hash_release(&spaces->by_tgid);
	free(spaces);
}
