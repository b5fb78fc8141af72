#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "bpf/definitions.h"
#include "bpf/unwind_rows.h"
#include "recorder/arena.h"
#include "recorder/hash.h"
#include "recorder/unwind.h"
#include "recorder/unwind_table.h"

/* The table of an image. */
struct entry {
	struct image *image;
	struct unwind_object object;
	struct unwind_file *files; /* that hold the image */
	size_t file_count;
	uint32_t used_at; /* unwind.seconds when it was last used */
};

struct unwind {
	const struct shared *shared;
	struct images *images;
	struct ring_buffer *wanted;
	int objects, rows_fd, sequence_fd;
	uint64_t *elements; /* of the map */
	struct arena arena;
	struct hash by_image;
	struct entry **all;
	size_t count;
	uint64_t sequence;
	uint32_t seconds;
	struct unwind_counts counts;
};

/* ---- putting tables where the kernel side reads them */

static uint32_t pages_of(const struct unwind_table *table, uint64_t low)
{
	return (uint32_t)((table->rows[table->count - 1].pc - low) / UNWIND_PAGE + 1);
}

/* Walks that began before must have ended when memory is used again: the kernel waits for all
 * programs when a map in a map is set. */
static void unwind_take_back(struct unwind *unwind, struct entry *entry)
{
	uint32_t zero = 0;
	for (size_t i = 0; i < entry->file_count; i++)
		bpf_map_delete_elem(unwind->objects, &entry->files[i]);
	unwind->sequence++;
	bpf_map_update_elem(unwind->sequence_fd, &zero, &unwind->sequence, BPF_ANY);
	shared_wait(unwind->shared);
	arena_give_back(&unwind->arena, entry);
	entry->file_count = 0;
	entry->object.state = UNWIND_TABLE_WANTED;
	unwind->counts.evicted++;
}

static struct entry *unwind_least_used(const struct unwind *unwind)
{
	struct entry *least = NULL;
	for (size_t i = 0; i < unwind->count; i++) {
		struct entry *entry = unwind->all[i];
		if (entry->object.state == UNWIND_TABLE &&
		    (!least || entry->used_at < least->used_at))
			least = entry;
	}
	return least;
}

static int unwind_make_room(struct unwind *unwind, uint32_t elements, struct entry *entry,
			    uint32_t *first)
{
	int error = elements > unwind->arena.size
			    ? -ENOSPC
			    : arena_take(&unwind->arena, elements, entry, first);
	while (error == -ENOSPC && elements <= unwind->arena.size) {
		struct entry *least = unwind_least_used(unwind);
		if (!least)
			break;
		unwind_take_back(unwind, least);
		error = arena_take(&unwind->arena, elements, entry, first);
	}
	return error;
}

/* Page p holds the number of the last row at or before its beginning; a row without information
 * stands before the first. One page more than there are ends the last one's rows. */
static void unwind_write(uint64_t *elements, uint32_t first, const struct unwind_table *table,
			 struct unwind_object *object)
{
	struct unwind_row none = { .pc = (uint32_t)object->low };
	uint32_t *pages = (uint32_t *)(elements + object->pages_at), row = 0;
	memcpy(elements + first, &none, sizeof(none));
	memcpy(elements + first + 1, table->rows, table->count * sizeof(*table->rows));
	for (uint32_t page = 0; page <= object->pages; page++) {
		uint64_t begin = object->low + (uint64_t)page * UNWIND_PAGE;
		while (row < table->count && table->rows[row].pc <= begin)
			row++;
		pages[page] = first + row;
	}
}

static int unwind_upload(struct unwind *unwind, struct entry *entry,
			 const struct unwind_table *table)
{
	struct unwind_object *object = &entry->object;
	uint32_t first, pages;
	object->low = table->rows[0].pc & ~(uint64_t)(UNWIND_PAGE - 1);
	pages = pages_of(table, object->low);
	uint64_t elements = 1 + table->count + pages / 2 + 1;
	int error = elements > UINT32_MAX
			    ? -ENOSPC
			    : unwind_make_room(unwind, (uint32_t)elements, entry, &first);
	if (error)
		return error;
	object->pages = pages;
	object->pages_at = first + 1 + (uint32_t)table->count;
	unwind_write(unwind->elements, first, table, object);
	object->state = UNWIND_TABLE;
	unwind->counts.tables++;
	unwind->counts.rows += table->count;
	unwind->counts.bytes += elements * sizeof(*unwind->elements);
	return 0;
}

/* Code without call frame information is walked by frame pointers. What does not fit stays wanted:
 * its stacks are copied. */
static int unwind_build(struct unwind *unwind, struct entry *entry)
{
	struct unwind_table table = { 0 };
	int64_t begin = now_ns();
	int error = entry->image->elf ? unwind_table_build(entry->image->elf, &table) : -ENOENT;
	if (!error && table.count)
		error = unwind_upload(unwind, entry, &table);
	else if (error != -ENOMEM) {
		entry->object.state = UNWIND_TABLE_NONE;
		unwind->counts.without++;
		error = 0;
	}
	unwind_table_free(&table);
	unwind->counts.build_ns += (uint64_t)(now_ns() - begin);
	unwind->counts.refused += error == -ENOSPC;
	return error == -ENOSPC ? 0 : error;
}

/* ---- what is wanted */

static struct entry *unwind_entry(struct unwind *unwind, struct image *image)
{
	struct entry *entry = (struct entry *)hash_get(&unwind->by_image, (uintptr_t)image, 0);
	if (entry)
		return entry;
	struct entry **all = realloc(unwind->all, (unwind->count + 1) * sizeof(*all));
	if (!all)
		return NULL;
	unwind->all = all;
	entry = calloc(1, sizeof(*entry));
	if (!entry || hash_set(&unwind->by_image, (uintptr_t)image, 0, (uintptr_t)entry)) {
		free(entry);
		return NULL;
	}
	entry->image = image;
	entry->object.state = UNWIND_TABLE_WANTED;
	return all[unwind->count++] = entry;
}

static int entry_add_file(struct entry *entry, const struct unwind_file *file)
{
	struct unwind_file *files = realloc(entry->files, (entry->file_count + 1) * sizeof(*files));
	if (!files)
		return -ENOMEM;
	entry->files = files;
	files[entry->file_count++] = *file;
	return 0;
}

/* The image that is mapped there now; NULL if it is there no more. */
static struct image *unwind_image(struct unwind *unwind, const struct unwind_wanted *wanted)
{
	char name[96], path[4096] = "[vdso]";
	struct image_place place = { .tgid = (uint32_t)wanted->tgid,
				     .start = wanted->start,
				     .end = wanted->end,
				     .path = path };
	if (wanted->file.inode) {
		snprintf(name, sizeof(name), "/proc/%u/map_files/%lx-%lx", place.tgid,
			 (unsigned long)wanted->start, (unsigned long)wanted->end);
		ssize_t n = readlink(name, path, sizeof(path) - 1);
		if (n < 0)
			return NULL;
		path[n] = '\0';
		char *deleted = strstr(path, " (deleted)");
		if (deleted)
			*deleted = '\0';
	}
	return images_find(unwind->images, &place);
}

static int unwind_give_image(struct unwind *unwind, struct image *image,
			     const struct unwind_file *file)
{
	struct entry *entry = unwind_entry(unwind, image);
	if (!entry)
		return -ENOMEM;
	int error = entry->object.state == UNWIND_TABLE_WANTED ? unwind_build(unwind, entry) : 0;
	if (!error)
		error = entry_add_file(entry, file);
	if (error || entry->object.state == UNWIND_TABLE_WANTED)
		return error;
	entry->used_at = unwind->seconds;
	return bpf_map_update_elem(unwind->objects, file, &entry->object, BPF_ANY) ? -errno : 0;
}

static int unwind_give(struct unwind *unwind, const struct unwind_wanted *wanted)
{
	struct image *image = unwind_image(unwind, wanted);
	if (image)
		return unwind_give_image(unwind, image, &wanted->file);
	/* The process is gone: the next one asks again. */
	bpf_map_delete_elem(unwind->objects, &wanted->file);
	return 0;
}

/* Where the kernel calls the file something else, as on an overlay, the table is not found, and the
 * kernel side asks. */
int unwind_expect(struct unwind *unwind, const char *path)
{
	struct stat file;
	struct image *image = stat(path, &file) || !S_ISREG(file.st_mode)
				      ? NULL
				      : images_of_file(unwind->images, path);
	struct unwind_file key;
	if (!image)
		return 0;
	key.inode = file.st_ino;
	key.device = (uint64_t)major(file.st_dev) << 20 | minor(file.st_dev); /* MKDEV() */
	key.modified_ns = (uint64_t)file.st_mtim.tv_sec * 1000000000 +
			  (uint64_t)file.st_mtim.tv_nsec;
	return unwind_give_image(unwind, image, &key);
}

static int take_wanted(void *context, void *data, size_t size)
{
	return size < sizeof(struct unwind_wanted) ? 0 : unwind_give(context, data);
}

int unwind_fd(const struct unwind *unwind)
{
	return ring_buffer__epoll_fd(unwind->wanted);
}

int unwind_serve(struct unwind *unwind)
{
	int n = ring_buffer__consume(unwind->wanted);
	return n < 0 ? n : 0;
}

bool unwind_find(const struct unwind *unwind, const struct image *image, uint64_t offset,
		 struct unwind_row *out)
{
	const struct entry *entry = (struct entry *)hash_get(&unwind->by_image, (uintptr_t)image,
							     0);
	if (!entry || entry->object.state != UNWIND_TABLE || offset < entry->object.low)
		return false;
	uint64_t page = (offset - entry->object.low) / UNWIND_PAGE;
	if (page >= entry->object.pages)
		return false;
	const uint32_t *pages = (const uint32_t *)(unwind->elements + entry->object.pages_at);
	memcpy(out, unwind->elements + pages[page], sizeof(*out));
	for (uint32_t i = pages[page] + 1; i <= pages[page + 1]; i++) {
		struct unwind_row row;
		memcpy(&row, unwind->elements + i, sizeof(row));
		if (row.pc > offset)
			break;
		*out = row;
	}
	return out->type != UNWIND_NONE;
}

static bool entry_take_used(struct unwind *unwind, const struct entry *entry)
{
	bool used = false;
	for (size_t i = 0; i < entry->file_count; i++) {
		struct unwind_object object;
		if (bpf_map_lookup_elem(unwind->objects, &entry->files[i], &object) || !object.used)
			continue;
		used = true;
		bpf_map_update_elem(unwind->objects, &entry->files[i], &entry->object, BPF_EXIST);
	}
	return used;
}

/* Slots remember tables without telling, so they are made to look again. */
void unwind_note_used(struct unwind *unwind)
{
	uint32_t zero = 0;
	unwind->seconds++;
	for (size_t i = 0; i < unwind->count; i++)
		if (unwind->all[i]->object.state == UNWIND_TABLE &&
		    entry_take_used(unwind, unwind->all[i]))
			unwind->all[i]->used_at = unwind->seconds;
	unwind->sequence++;
	bpf_map_update_elem(unwind->sequence_fd, &zero, &unwind->sequence, BPF_ANY);
}

struct unwind_counts unwind_counts(const struct unwind *unwind)
{
	return unwind->counts;
}

/* ---- beginning and end */

static int unwind_map_rows(struct unwind *unwind)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	if (bpf_obj_get_info_by_fd(unwind->rows_fd, &info, &size))
		return -errno;
	unwind->arena.size = info.max_entries;
	void *memory = mmap(NULL, info.max_entries * sizeof(*unwind->elements),
			    PROT_READ | PROT_WRITE, MAP_SHARED, unwind->rows_fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	unwind->elements = memory;
	return 0;
}

int unwind_open(const struct shared *shared, struct images *images, struct unwind **out)
{
	int wanted = shared_fd(shared, "shared_unwind_wanted");
	*out = NULL;
	if (wanted < 0)
		return wanted;
	struct unwind *unwind = calloc(1, sizeof(*unwind));
	if (!unwind)
		return -ENOMEM;
	unwind->shared = shared;
	unwind->images = images;
	unwind->objects = shared_fd(shared, "shared_unwind_objects");
	unwind->rows_fd = shared_fd(shared, "shared_unwind_rows");
	unwind->sequence_fd = shared_fd(shared, "shared_unwind_sequence");
	unwind->wanted = ring_buffer__new(wanted, take_wanted, unwind, NULL);
	int error = unwind->wanted ? unwind_map_rows(unwind) : -errno;
	if (error)
		unwind_close(unwind);
	else
		*out = unwind;
	return error;
}

void unwind_close(struct unwind *unwind)
{
	if (!unwind)
		return;
	if (unwind->elements)
		munmap(unwind->elements, unwind->arena.size * sizeof(*unwind->elements));
	ring_buffer__free(unwind->wanted);
	for (size_t i = 0; i < unwind->count; i++) {
		free(unwind->all[i]->files);
		free(unwind->all[i]);
	}
	free(unwind->all);
	arena_release(&unwind->arena);
	hash_release(&unwind->by_image);
	free(unwind);
}
