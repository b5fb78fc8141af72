/*
 * Memory cgroups: of the hierarchy that has the memory controller where that is version 1, else of
 * version 2. The kernel side names them by the id of their kernfs node, which is the inode number
 * of their directory.
 */
#ifndef RECORDER_CGROUPS_H
#define RECORDER_CGROUPS_H

#include <stdbool.h>
#include "recorder/define.h"

struct cgroups;
struct cgroup;

/* 0 or -ENOMEM. Where no hierarchy is mounted there are no cgroups, and that is no error. */
int cgroups_open(struct definer *, struct cgroups **out);

/*
 * Where the hierarchy is mounted, into `path`; whether it is version 1. -ENOENT: nowhere.
 */
int cgroups_mount(char *path, size_t size, bool *version_1);

/*
 * The cgroup of that id; one that was removed before it was asked for, or that
 * this user may not look up, is called "[unknown ID]". `id` 0: NULL.
 * -ENOMEM.
 */
int cgroups_by_id(struct cgroups *, uint64_t id, struct cgroup **out);

/* The cgroup of a process, from /proc; NULL: not known. 0 or -ENOMEM. */
int cgroups_of_process(struct cgroups *, uint32_t tgid, struct cgroup **out);

/* Its number in this epoch; writes the row if it is new there. NULL: 0. 0 or -errno. */
int cgroup_define(struct cgroups *, struct cgroup *, uint64_t host, uint64_t *id);

/* Accepts NULL. */
void cgroups_close(struct cgroups *);

#endif
