/* The recorder's programs with one way of taking stacks, whose rows are thrown away. */
#ifndef TESTS_BENCH_WAYS_H
#define TESTS_BENCH_WAYS_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include "recorder/ladder.h"
#include "recorder/unwind.h"

struct ways {
	struct definer definer;
	struct shared *shared;
	struct ladder ladder;
	struct images *images;
	struct unwind *unwind;
	struct ring_buffer *rings;
	int stats;
};

static inline void must(int error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-error));
	exit(1);
}

static inline int discard(void *context, void *data, size_t size)
{
	(void)context, (void)data, (void)size;
	return 0;
}

static inline enum stack_way way_named(const char *name)
{
	if (!strcmp(name, "none"))
		return STACKS_NONE;
	return strcmp(name, "fp") ? STACKS_TABLES : STACKS_POINTERS;
}

/*
 * none, fp, unwind or copy. A copy of each stack is what is taken where no table is ever made. Only
 * this process's calls count; faults are seen of all. How long programs run is counted
 * (kernel.bpf_stats_enabled).
 */
static inline void ways_open(struct ways *ways, const char *way, uint32_t pid)
{
	struct attach_target its = { .pids = &pid, .pid_count = 1 };
	ways->stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	must(ways->stats < 0 ? -errno : 0, "statistics");
	must(shared_open(128 << 20, &ways->shared), "maps");
	struct object_setup setup = { .shared = ways->shared,
				      .kernel = btf__load_vmlinux_btf(),
				      .stacks = way_named(way) };
	must(ladder_begin(&ways->ladder, &setup, &its, NULL), "programs");
	shared_begin(ways->shared);
	must(shared_target(ways->shared, pid, true), "target");
	must(images_open(&ways->definer, &ways->images), "images");
	if (!strcmp(way, "unwind"))
		must(unwind_open(ways->shared, ways->images, &ways->unwind), "tables");
	for (uint32_t i = 0; i < shared_ring_count(ways->shared); i++) {
		int fd = shared_ring_fd(ways->shared, i);
		if (!ways->rings)
			ways->rings = ring_buffer__new(fd, discard, NULL, NULL);
		else
			must(ring_buffer__add(ways->rings, fd, discard, NULL), "rings");
	}
	must(ways->rings ? 0 : -ENOMEM, "rings");
}

/* To be called again and again. */
static inline void ways_serve(struct ways *ways)
{
	if (ways->unwind)
		must(unwind_serve(ways->unwind), "tables");
	ring_buffer__consume(ways->rings);
}

/* Of the sources that take stacks for each event; at the entry of a fault none is taken. */
static inline bool takes_stacks(const struct bpf_program *program, struct program_name *name)
{
	return program_name_parse(bpf_program__name(program), name) &&
	       (!strcmp(name->source, "fault") || !strcmp(name->source, "heap")) &&
	       !strstr(name->event, "entry") && bpf_program__fd(program) >= 0;
}

static inline void ways_close(struct ways *ways)
{
	unwind_close(ways->unwind);
	ring_buffer__free(ways->rings);
	ladder_release(&ways->ladder);
	images_close(ways->images);
	shared_close(ways->shared);
	close(ways->stats);
}

#endif
