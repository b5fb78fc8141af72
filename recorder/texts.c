#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "recorder/cgroup_files.h"
#include "recorder/cgroups.h"
#include "recorder/kmsg.h"
#include "recorder/processes.h"
#include "recorder/snapshots.h"
#include "recorder/texts.h"

static const int64_t wait_ns = 30000000000LL;

struct texts {
	struct texts_options options;
	struct writer *writer;
	struct snapshots *snapshots;
	struct processes *processes;
	struct cgroup_files *cgroups;
	struct kmsg *kmsg; /* NULL: of a recorded tree */
	int64_t flushed_at;
};

static int cgroups_begin(struct texts *texts)
{
	const char *root = texts->options.root;
	char folder[4096];
	bool version_1, mounted = true;
	if (*root)
		snprintf(folder, sizeof(folder), "%s/sys/fs/cgroup/memory", root);
	else
		mounted = !cgroups_mount(folder, sizeof(folder), &version_1);
	return cgroup_files_open(texts->writer, mounted ? folder : NULL, texts->options.interval_ns,
				 &texts->cgroups);
}

static int snapshots_begin(struct texts *texts)
{
	const struct snapshots_options options = { texts->options.interval_ns,
						   texts->options.root };
	return snapshots_open(texts->writer, &options, &texts->snapshots);
}

int texts_open(const struct texts_options *options, struct writer *writer, struct tasks *tasks,
	       struct texts **out)
{
	struct texts *texts = *out = calloc(1, sizeof(*texts));
	const struct processes_options processes = {
		.writer = writer,
		.tasks = tasks,
		.root = options->root,
		.interval_ns = options->interval_ns,
		.smaps_ns = options->smaps_ns,
		.targets = options->targets,
		.cmdline = options->cmdline,
	};
	if (!texts)
		return -ENOMEM;
	texts->options = *options;
	texts->writer = writer;
	int error = snapshots_begin(texts);
	if (!error)
		error = processes_open(&processes, &texts->processes);
	if (!error)
		error = cgroups_begin(texts);
	/* A recorded tree has no log: what is in a file is for `report oom-report --kmsg`. */
	return error || *options->root ? error : kmsg_open(texts->writer, &texts->kmsg);
}

/* Processes stay, so that those which ended are told; cgroups begin anew. */
int texts_move(struct texts *texts, const char *root)
{
	texts->options.root = root;
	snapshots_close(texts->snapshots);
	cgroup_files_close(texts->cgroups);
	texts->snapshots = NULL;
	texts->cgroups = NULL;
	int error = snapshots_begin(texts);
	if (!error)
		error = cgroups_begin(texts);
	return error ? error : processes_move(texts->processes, root);
}

int texts_second(struct texts *texts, int64_t now)
{
	int error = snapshots_read(texts->snapshots, now);
	return error || !texts->kmsg ? error : kmsg_read(texts->kmsg, now);
}

int texts_step(struct texts *texts, int64_t now, int64_t until_ns)
{
	int more = processes_step(texts->processes, now, until_ns);
	return more ? more : cgroup_files_step(texts->cgroups, now, until_ns);
}

void texts_all_due(struct texts *texts)
{
	snapshots_all_due(texts->snapshots);
}

int texts_end(struct texts *texts, int64_t now)
{
	int error = processes_end(texts->processes, now);
	return error ? error : cgroup_files_end(texts->cgroups, now);
}

int texts_flush(struct texts *texts, int64_t now)
{
	bool pressed = snapshots_pressed(texts->snapshots);
	if (!pressed && now < texts->flushed_at + wait_ns)
		return writer_flush_events(texts->writer);
	texts->flushed_at = now;
	return writer_flush(texts->writer);
}

uint64_t texts_lost_lines(const struct texts *texts)
{
	return texts->kmsg ? kmsg_lost(texts->kmsg) : 0;
}

void texts_close(struct texts *texts)
{
	if (!texts)
		return;
	kmsg_close(texts->kmsg);
	cgroup_files_close(texts->cgroups);
	processes_close(texts->processes);
	snapshots_close(texts->snapshots);
	free(texts);
}
