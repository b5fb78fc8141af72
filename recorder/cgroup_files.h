/*
 * Files of memory cgroups as text, in rounds over the whole hierarchy: written when their text is
 * another than before and at the beginning of every epoch.
 */
#ifndef RECORDER_CGROUP_FILES_H
#define RECORDER_CGROUP_FILES_H

#include "recorder/define.h"

struct cgroup_files;

/* `folder`: where the hierarchy is mounted; NULL: nowhere. 0 or -ENOMEM. */
int cgroup_files_open(struct writer *, const char *folder, int64_t interval_ns,
		      struct cgroup_files **out);

/* As processes_step. */
int cgroup_files_step(struct cgroup_files *, int64_t now, int64_t until_ns);

/* A last round, whole. 0 or -errno. */
int cgroup_files_end(struct cgroup_files *, int64_t now);

/* Accepts NULL. */
void cgroup_files_close(struct cgroup_files *);

#endif
