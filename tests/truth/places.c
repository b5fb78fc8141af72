#include "tests/truth/places.h"
#include "tests/check.h"

struct process_places *places_of(struct places *places, uint32_t tgid)
{
	struct process_places *process;
	process = (struct process_places *)hash_get(&places->by_tgid, tgid, 0);
	if (process)
		return process;
	process = calloc(1, sizeof(*process));
	CHECK(process && !hash_set(&places->by_tgid, tgid, 0, (uintptr_t)process));
	return process;
}

void places_clear(struct places *places, uint32_t tgid)
{
	struct process_places *process = places_of(places, tgid);
	process->count = 0;
	process->version = ++places->version;
}

void places_add(struct places *places, uint32_t tgid, const struct place *place)
{
	struct process_places *process = places_of(places, tgid);
	process->all = realloc(process->all, (process->count + 1) * sizeof(*place));
	CHECK(process->all);
	process->all[process->count++] = *place;
	process->version = ++places->version;
}

void places_fork(struct places *places, uint32_t parent, uint32_t child)
{
	struct process_places *from = places_of(places, parent);
	places_clear(places, child);
	for (size_t i = 0; i < from->count; i++)
		places_add(places, child, &from->all[i]);
}

uint64_t places_address(const struct process_places *process, const struct image *image,
			uint64_t offset)
{
	for (size_t i = process->count; i-- > 0;) {
		const struct place *place = &process->all[i];
		uint64_t at = offset - place->file_offset;
		if (place->image == image && at < place->end - place->start)
			return place->start + at;
	}
	return 0;
}

void places_scan(struct places *places, const struct spaces *spaces, uint32_t tgid)
{
	char name[64], line[4400], mode[5];
	snprintf(name, sizeof(name), "/proc/%u/maps", tgid);
	FILE *file = fopen(name, "re");
	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		struct place place;
		if (sscanf(line, "%lx-%lx %4s", &place.start, &place.end, mode) == 3 &&
		    mode[2] == 'x') {
			place.image = spaces_find(spaces, tgid, place.start, &place.file_offset);
			places_add(places, tgid, &place);
		}
	}
	fclose(file);
}
