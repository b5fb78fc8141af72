#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "format/hash.h"
#include "recorder/cgroups.h"
#include "recorder/hash.h"

enum { KERNFS_HANDLE = 0xfe }; /* FILEID_KERNFS, include/linux/exportfs.h */

struct cgroup {
	struct cgroup *next;
	struct mark mark;
	char path[]; /* from the hierarchy's root; "": not known */
};

struct cgroups {
	struct definer *definer;
	const struct table *table;
	struct cgroup *all;
	struct hash by_id, by_path; /* the second by the path's hash */
	char mount[PATH_MAX];
	bool version_1;
	int mount_fd;
};

int cgroups_mount(char *path, size_t size, bool *version_1)
{
	char buffer[4096];
	struct mntent mount;
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	int error = -ENOENT;
	if (!mounts)
		return error;
	while (getmntent_r(mounts, &mount, buffer, sizeof(buffer))) {
		bool first = !strcmp(mount.mnt_type, "cgroup") && hasmntopt(&mount, "memory");
		if (!first && (error == 0 || strcmp(mount.mnt_type, "cgroup2")))
			continue;
		snprintf(path, size, "%s", mount.mnt_dir);
		*version_1 = first;
		error = 0;
		if (first)
			break;
	}
	endmntent(mounts);
	return error;
}

int cgroups_open(struct definer *definer, struct cgroups **out)
{
	struct cgroups *cgroups = *out = calloc(1, sizeof(*cgroups));
	if (!cgroups)
		return -ENOMEM;
	cgroups->definer = definer;
	cgroups->table = table_named("cgroup");
	cgroups->mount_fd = -1;
	if (!cgroups_mount(cgroups->mount, sizeof(cgroups->mount), &cgroups->version_1))
		cgroups->mount_fd = open(cgroups->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

static struct cgroup *cgroups_make(struct cgroups *cgroups, const char *path)
{
	uint64_t key = hash_text(path, strlen(path));
	struct cgroup *cgroup = (struct cgroup *)hash_get(&cgroups->by_path, key, 0);
	if (cgroup)
		return cgroup;
	cgroup = calloc(1, sizeof(*cgroup) + strlen(path) + 1);
	if (!cgroup)
		return NULL;
	strcpy(cgroup->path, path);
	if (hash_set(&cgroups->by_path, key, 0, (uintptr_t)cgroup)) {
		free(cgroup);
		return NULL;
	}
	cgroup->next = cgroups->all;
	return cgroups->all = cgroup;
}

/* The path of an open directory of the hierarchy, from its root: "/". */
static void cgroups_path(const struct cgroups *cgroups, int fd, char *path, size_t size)
{
	char name[64];
	size_t root = strlen(cgroups->mount);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(name, path, size - 1);
	path[n > 0 ? n : 0] = '\0';
	if (strncmp(path, cgroups->mount, root))
		path[0] = '\0';
	else if (path[root])
		memmove(path, path + root, strlen(path + root) + 1);
	else if (path[0])
		strcpy(path, "/");
}

/* A handle made of the id opens the directory, without a search (kernfs_export_ops). */
static void cgroups_find(const struct cgroups *cgroups, uint64_t id, char *path, size_t size)
{
	union {
		struct file_handle head;
		char bytes[sizeof(struct file_handle) + sizeof(id)];
	} handle = { { .handle_bytes = sizeof(id), .handle_type = KERNFS_HANDLE } };
	memcpy(handle.head.f_handle, &id, sizeof(id));
	path[0] = '\0';
	int fd = open_by_handle_at(cgroups->mount_fd, &handle.head, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	cgroups_path(cgroups, fd, path, size);
	close(fd);
}

int cgroups_by_id(struct cgroups *cgroups, uint64_t id, struct cgroup **out)
{
	char path[PATH_MAX];
	*out = (struct cgroup *)hash_get(&cgroups->by_id, id, 0);
	if (*out || !id)
		return 0;
	cgroups_find(cgroups, id, path, sizeof(path));
	if (!path[0])
		snprintf(path, sizeof(path), "[unknown %lu]", id);
	*out = cgroups_make(cgroups, path);
	return *out ? hash_set(&cgroups->by_id, id, 0, (uintptr_t)*out) : -ENOMEM;
}

/* A line is HIERARCHY:CONTROLLERS:PATH; version 2 has no controllers. */
static const char *cgroup_line(char *line, bool version_1)
{
	char *controllers = strchr(line, ':'), *path;
	if (!controllers || !(path = strchr(++controllers, ':')))
		return NULL;
	*path++ = '\0';
	path[strcspn(path, "\n")] = '\0';
	if (!version_1)
		return *controllers ? NULL : path;
	for (char *rest = controllers, *name; (name = strsep(&rest, ","));)
		if (!strcmp(name, "memory"))
			return path;
	return NULL;
}

int cgroups_of_process(struct cgroups *cgroups, uint32_t tgid, struct cgroup **out)
{
	char name[64], line[PATH_MAX + 64];
	const char *path = NULL;
	snprintf(name, sizeof(name), "/proc/%u/cgroup", tgid);
	FILE *file = fopen(name, "re");
	*out = NULL;
	if (!file)
		return 0;
	while (!path && fgets(line, sizeof(line), file))
		path = cgroup_line(line, cgroups->version_1);
	fclose(file);
	if (path && *path)
		*out = cgroups_make(cgroups, path);
	return path && *path && !*out ? -ENOMEM : 0;
}

int cgroup_define(struct cgroups *cgroups, struct cgroup *cgroup, uint64_t host, uint64_t *id)
{
	struct row row;
	*id = 0;
	if (!cgroup)
		return 0;
	bool known = define_known(cgroups->definer, &cgroup->mark);
	if (!known)
		define_new(cgroups->definer, cgroups->table, &cgroup->mark);
	*id = cgroup->mark.id;
	if (known)
		return 0;
	row_begin(&row, "cgroup");
	row_number(&row, "id", *id);
	row_number(&row, "host_id", host);
	row_text(&row, "path", cgroup->path);
	return row_write(&row, cgroups->definer->writer);
}

void cgroups_close(struct cgroups *cgroups)
{
	if (!cgroups)
		return;
	for (struct cgroup *cgroup = cgroups->all, *next; cgroup; cgroup = next) {
		next = cgroup->next;
		free(cgroup);
	}
	hash_release(&cgroups->by_id);
	hash_release(&cgroups->by_path);
	if (cgroups->mount_fd >= 0)
		close(cgroups->mount_fd);
	free(cgroups);
}
