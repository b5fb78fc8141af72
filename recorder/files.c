#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/definitions.h"
#include "recorder/files.h"
#include "recorder/hash.h"

struct file {
	uint64_t device, inode, generation, kind;
	struct mark mark;
	char path[];
};

struct files {
	struct definer *definer;
	struct tasks *tasks;
	const struct table *table;
	struct hash by_key;
	uint64_t last_key; /* the one asked for last */
	struct file *last;
	uint64_t undefined;
};

int files_open(struct definer *definer, struct tasks *tasks, struct files **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->definer = definer;
	(*out)->tasks = tasks;
	(*out)->table = table_named("file");
	return 0;
}

static char *put(char *at, const char *text, size_t length)
{
	memcpy(at, text, length);
	return at + length;
}

/* The names, which come innermost first, from the root; a file without any is a root itself. */
static char *put_names(char *at, const struct file_definition *d)
{
	size_t end = d->bytes;
	if (!end && d->end == FILE_WHOLE)
		*at++ = '/';
	while (end) {
		size_t begin = end - 1; /* of the zero */
		while (begin && d->names[begin - 1])
			begin--;
		if (d->end != FILE_ANONYMOUS)
			*at++ = '/';
		at = put(at, d->names + begin, strnlen(d->names + begin, end - begin));
		end = begin;
	}
	return at;
}

/* As the kernel shows it; `path` has room for what is said around the names. */
static void file_name(char *path, const struct file_definition *d)
{
	if (d->end == FILE_ANONYMOUS)
		path = put(path, "anon_inode:", 11);
	else if (d->end == FILE_CUT)
		path = put(path, "...", 3);
	path = put_names(path, d);
	if (d->deleted || d->end == FILE_NAMELESS)
		path = put(path, " (deleted)", 10);
	*path = '\0';
}

int files_learn(struct files *files, const struct file_definition *d)
{
	static const size_t around = 32; /* "anon_inode:", " (deleted)", a slash, the end */
	if (hash_get(&files->by_key, d->key, 0))
		return 0;
	struct file *file = calloc(1, sizeof(*file) + d->bytes + around);
	if (!file)
		return -ENOMEM;
	file->device = d->device;
	file->inode = d->inode;
	file->generation = d->generation;
	file->kind = d->kind;
	file_name(file->path, d);
	if (!hash_set(&files->by_key, d->key, 0, (uintptr_t)file))
		return 0;
	free(file);
	return -ENOMEM;
}

static int file_write(struct files *files, struct file *file)
{
	struct row row;
	uint64_t host;
	int error = tasks_host(files->tasks, &host);
	if (error)
		return error;
	define_new(files->definer, files->table, &file->mark);
	row_begin(&row, "file");
	row_number(&row, "id", file->mark.id);
	row_number(&row, "host_id", host);
	row_number(&row, "device", file->device);
	row_number(&row, "inode", file->inode);
	row_number(&row, "generation", file->generation);
	row_text(&row, "path", file->path);
	row_number(&row, "kind", file->kind);
	return row_write(&row, files->definer->writer);
}

int files_define(struct files *files, uint64_t key, uint64_t *id)
{
	struct file *file = files->last;
	*id = 0;
	if (!key)
		return 0;
	if (!file || files->last_key != key)
		file = (struct file *)hash_get(&files->by_key, key, 0);
	files->undefined += !file;
	if (!file)
		return 0;
	int error = define_known(files->definer, &file->mark) ? 0 : file_write(files, file);
	files->last = file;
	files->last_key = key;
	*id = file->mark.id;
	return error;
}

uint64_t files_undefined(const struct files *files)
{
	return files->undefined;
}

void files_close(struct files *files)
{
	if (!files)
		return;
	for (size_t i = 0; i < files->by_key.size; i++)
		free((void *)files->by_key.entries[i].value);
	hash_release(&files->by_key);
	free(files);
}
