/*
 * One BPF object: opened, told its constants, given the shared maps, loaded with the programs of
 * the chosen ways, attached. Programs are named SOURCE__WAYS__EVENT (bpf/record.h).
 */
#ifndef RECORDER_OBJECT_H
#define RECORDER_OBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <bpf/libbpf.h>
#include "bpf/definitions.h"
#include "recorder/shared.h"

enum { SOURCES_MAX = 16, WAYS_MAX = 9 };

/* What a program's name says. */
struct program_name {
	char source[32], ways[WAYS_MAX + 1], event[64];
};

bool program_name_parse(const char *name, struct program_name *out);

/* A source of an object, and the way that is used or tried. */
struct source {
	char name[32];
	char ways[WAYS_MAX + 1]; /* all, best first */
	int way;                 /* index in `ways`; behind the last: none works */
	bool opt_in;             /* off unless asked for */
};

struct object_setup {
	struct shared *shared;
	bool whole_host;
	const struct btf *kernel; /* NULL: no BTF */
	enum stack_way stacks;
	uint64_t cgroup; /* whose processes are targets; 0: none */
	bool cgroup_version_1;
};

/* What programs are attached to. */
struct attach_target {
	const uint32_t *pids; /* probes of functions: in these processes; none: in every process */
	size_t pid_count;
	uint32_t slow_probes; /* out: how many could only be placed where the kernel single-steps */
};

/* A link that libbpf does not know of, and what keeps its breakpoint (recorder/keep.h). */
struct session_link {
	int fd;
	uint32_t pid; /* 0: every process */
	const struct bpf_program *program;
	bool kept;
	int keeper;          /* -1: none */
	uint32_t keeper_tid; /* the thread that it is of */
	uint64_t address;    /* of the breakpoint, in the process; 0: not known yet */
	uint8_t code;        /* what is there without it */
};

struct object {
	const char *name;
	const void *data;
	size_t size;
	uint32_t number; /* from 1 */
	struct bpf_object *bpf;
	struct source sources[SOURCES_MAX];
	int source_count;
	struct bpf_link **links;
	size_t link_count;
	struct session_link *sessions;
	size_t session_count;
	uint64_t breakpoints_lost; /* how often one was found gone */
	int *event_fds; /* of software events: they count what the programs should have seen */
	size_t event_count;
	uint64_t events_counted; /* before they were detached */
};

/* Finds the sources that the object's programs make up. 0 or -errno. */
int object_scan(struct object *);

/*
 * Opens and loads the object with the programs of each source's way; with `only` just that
 * source's; an object without sources with all. Unloads what was loaded before. 0 or -errno; `why`
 * gets the reason.
 */
int object_load(struct object *, const struct object_setup *, const struct source *only, char *why,
		size_t why_size);

/* Attaches the programs of a source's way. 0 or -errno; `why` gets the reason. */
int object_attach(struct object *, const struct source *, struct attach_target *, char *why,
		  size_t why_size);

/* Attaches the loaded programs that probe functions to more processes. 0 or -errno. */
int object_attach_probes(struct object *, struct attach_target *);

/* Whether it has such programs that follow the thread they were attached to, not its process. */
bool object_follows_threads(const struct object *);

/* In words: the sections of the programs of the source's way. */
void object_way_text(const struct object *, const struct source *, char *text, size_t size);

/* Sum of what the software events counted; kept when they are detached. */
uint64_t object_events_counted(const struct object *);

/* Detaches the programs; the maps stay. */
void object_detach(struct object *);

void object_unload(struct object *);

#endif
