#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <bpf/btf.h>
#include <bpf/bpf.h>
#include "recorder/arguments.h"
#include "recorder/attach.h"
#include "recorder/object.h"

bool program_name_parse(const char *name, struct program_name *out)
{
	const char *ways = strstr(name, "__"), *event = ways ? strstr(ways + 2, "__") : NULL;
	if (!event)
		return false;
	const char *end = strstr(event + 2, "__");
	snprintf(out->source, sizeof(out->source), "%.*s", (int)(ways - name), name);
	snprintf(out->ways, sizeof(out->ways), "%.*s", (int)(event - ways - 2), ways + 2);
	snprintf(out->event, sizeof(out->event), "%.*s",
		 end ? (int)(end - event - 2) : (int)strlen(event + 2), event + 2);
	return true;
}

static struct source *object_source(struct object *object, const char *name)
{
	for (int i = 0; i < object->source_count; i++)
		if (!strcmp(object->sources[i].name, name))
			return &object->sources[i];
	if (object->source_count == SOURCES_MAX)
		return NULL;
	struct source *source = &object->sources[object->source_count++];
	*source = (struct source){ 0 };
	snprintf(source->name, sizeof(source->name), "%s", name);
	return source;
}

static void source_add_ways(struct source *source, const char *ways)
{
	for (; *ways; ways++) {
		size_t n = strlen(source->ways), i = n;
		if (strchr(source->ways, *ways) || n == WAYS_MAX)
			continue;
		for (; i > 0 && source->ways[i - 1] > *ways; i--)
			source->ways[i] = source->ways[i - 1];
		source->ways[i] = *ways;
	}
}

static int object_open(struct object *object)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = object->name);
	object->bpf = bpf_object__open_mem(object->data, object->size, &options);
	return object->bpf ? 0 : -errno;
}

/* The place of a read-only constant, and its name, by turns; NULL when there is none left. */
static void *object_constant(struct object *object, int *next, const char **name)
{
	const struct btf *btf = bpf_object__btf(object->bpf);
	int id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *section = btf__type_by_id(btf, id > 0 ? (uint32_t)id : 0);
	struct bpf_map *map;
	size_t size;
	if (id < 0 || *next >= btf_vlen(section))
		return NULL;
	const struct btf_var_secinfo *info = btf_var_secinfos(section) + (*next)++;
	*name = btf__name_by_offset(btf, btf__type_by_id(btf, info->type)->name_off);
	bpf_object__for_each_map(map, object->bpf) {
		const char *map_name = bpf_map__name(map);
		size_t n = strlen(map_name);
		if (n >= 7 && !strcmp(map_name + n - 7, ".rodata"))
			return (char *)bpf_map__initial_value(map, &size) + info->offset;
	}
	return NULL;
}

static void object_mark_opt_in(struct object *object)
{
	const char *name;
	int next = 0;
	while (object_constant(object, &next, &name))
		for (int i = 0; i < object->source_count; i++)
			if (!strncmp(name, "opt_in__", 8) &&
			    !strcmp(name + 8, object->sources[i].name))
				object->sources[i].opt_in = true;
}

int object_scan(struct object *object)
{
	struct bpf_program *program;
	struct program_name name;
	int error = object_open(object);
	if (error)
		return error;
	bpf_object__for_each_program(program, object->bpf) {
		if (!program_name_parse(bpf_program__name(program), &name))
			continue;
		struct source *source = object_source(object, name.source);
		if (source)
			source_add_ways(source, name.ways);
	}
	object_mark_opt_in(object);
	object_unload(object);
	return 0;
}

static bool source_uses(const struct source *source, const struct program_name *name)
{
	char way = source->ways[source->way];
	return way && !strcmp(source->name, name->source) && strchr(name->ways, way);
}

static bool object_uses(const struct object *object, const struct source *only,
			const struct bpf_program *program, struct program_name *name)
{
	if (!program_name_parse(bpf_program__name(program), name))
		return !object->source_count;
	if (only)
		return source_uses(only, name);
	for (int i = 0; i < object->source_count; i++)
		if (source_uses(&object->sources[i], name))
			return true;
	return false;
}

/* An argument's constant is named arg__EVENT__NAME; one that is not found stays 255. */
static void constant_set_argument(const struct object_setup *setup, const char *name,
				  uint8_t *place)
{
	char event[64];
	const char *separator = strstr(name + 5, "__");
	if (!separator || !setup->kernel)
		return;
	snprintf(event, sizeof(event), "%.*s", (int)(separator - name - 5), name + 5);
	int position = argument_position(setup->kernel, event, separator + 2);
	if (position >= 0 && position < 12) /* arg() knows so many */
		*place = (uint8_t)position;
}

static void object_set_constants(struct object *object, const struct object_setup *setup)
{
	const char *name;
	void *place;
	int next = 0;
	while ((place = object_constant(object, &next, &name))) {
		if (!strncmp(name, "arg__", 5))
			constant_set_argument(setup, name, place);
		else if (!strcmp(name, "object_number"))
			*(uint64_t *)place = object->number;
		else if (!strcmp(name, "ring_count"))
			*(uint32_t *)place = shared_ring_count(setup->shared);
		else if (!strcmp(name, "whole_host"))
			*(bool *)place = setup->whole_host;
		else if (!strcmp(name, "target_cgroup"))
			*(uint64_t *)place = setup->cgroup;
		else if (!strcmp(name, "cgroup_version_1"))
			*(bool *)place = setup->cgroup_version_1;
		else if (!strcmp(name, "stack_way"))
			*(uint32_t *)place = setup->stacks;
	}
}

/* A program must not run with an argument whose place is not known. */
static int object_check_arguments(struct object *object, const char *event, char *why, size_t size)
{
	const char *name;
	uint8_t *place;
	int next = 0;
	size_t n = strlen(event);
	while ((place = object_constant(object, &next, &name)))
		if (!strncmp(name, "arg__", 5) && !strncmp(name + 5, event, n) &&
		    !strncmp(name + 5 + n, "__", 2) && *place == 255) {
			snprintf(why, size, "tracepoint %s has no argument %s here", event,
				 name + 7 + n);
			return -ENOENT;
		}
	return 0;
}

/* Maps that this kernel does not have, or that no program will use. */
static bool map_left_out(const struct bpf_map *map, const struct object_setup *setup)
{
	if (bpf_map__type(map) == BPF_MAP_TYPE_TASK_STORAGE)
		return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL) == 0;
	return setup->stacks != STACKS_TABLES && !strncmp(bpf_map__name(map), "shared_unwind_", 14);
}

static int object_use_maps(struct object *object, const struct object_setup *setup)
{
	struct bpf_map *map;
	bpf_object__for_each_map(map, object->bpf)
		if (map_left_out(map, setup))
			bpf_map__set_autocreate(map, false);
	return shared_use(setup->shared, object->bpf);
}

static int object_choose(struct object *object, const struct source *only, char *why, size_t size)
{
	struct bpf_program *program;
	struct program_name name;
	bpf_object__for_each_program(program, object->bpf) {
		bool use = object_uses(object, only, program, &name);
		const char *event = strchr(bpf_program__section_name(program), '/');
		bpf_program__set_autoload(program, use);
		if (use && event && object_check_arguments(object, event + 1, why, size))
			return -ENOENT;
		int error = is_session(program) ? session_prepare(program) : 0;
		if (error)
			return error;
	}
	return 0;
}

int object_load(struct object *object, const struct object_setup *setup, const struct source *only,
		char *why, size_t why_size)
{
	object_unload(object);
	int error = object_open(object);
	if (error)
		goto fail;
	object_set_constants(object, setup);
	error = object_use_maps(object, setup);
	if (!error)
		error = object_choose(object, only, why, why_size);
	if (!error)
		error = bpf_object__load(object->bpf);
	if (!error)
		return 0;
fail:
	if (!why[0])
		snprintf(why, why_size, "%s", strerror(-error));
	object_unload(object);
	return error;
}

static int object_attach_kind(struct object *object, const struct source *source, bool returns,
			      struct attach_target *target, char *why, size_t why_size)
{
	struct bpf_program *program;
	struct program_name name;
	bpf_object__for_each_program(program, object->bpf) {
		bool is_return = !strcmp(bpf_program__section_name(program), "uretprobe");
		if (is_return != returns || !object_uses(object, source, program, &name))
			continue;
		int error = attach_program(object, program, name.event, target, why, why_size);
		if (error)
			return error;
	}
	return 0;
}

/* Returns first: a call that is seen to begin must be seen to end. */
int object_attach(struct object *object, const struct source *source, struct attach_target *target,
		  char *why, size_t why_size)
{
	int error = object_attach_kind(object, source, true, target, why, why_size);
	return error ? error : object_attach_kind(object, source, false, target, why, why_size);
}

static bool is_probe(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);
	return is_session(program) || !strcmp(section, "uprobe") || !strcmp(section, "uretprobe");
}

int object_attach_probes(struct object *object, struct attach_target *target)
{
	char why[512] = "";
	for (int i = 0; i < object->source_count; i++) {
		const struct source *source = &object->sources[i];
		struct bpf_program *program;
		struct program_name name;
		bool probes = false;
		bpf_object__for_each_program(program, object->bpf)
			probes |= is_probe(program) && object_uses(object, source, program, &name);
		int error = probes ? object_attach(object, source, target, why, sizeof(why)) : 0;
		if (error)
			return error;
	}
	return 0;
}

bool object_follows_threads(const struct object *object)
{
	struct bpf_program *program;
	struct program_name name;
	if (!object->bpf)
		return false;
	bpf_object__for_each_program(program, object->bpf)
		if (is_probe(program) && !is_session(program) &&
		    object_uses(object, NULL, program, &name))
			return true;
	return false;
}

/* The first of a program's events, and how many more. */
static void way_event(char *text, size_t size, const char *events)
{
	size_t first = strcspn(events, " "), more = 0;
	for (const char *c = events; *c; c++)
		more += *c == ' ';
	if (more)
		snprintf(text, size, "%.*s (and %zu more)", (int)first, events, more);
	else
		snprintf(text, size, "%s", events);
}

/* "kind event event, kind event": a kind is told once while it stays the same. */
static void way_append(char *text, size_t size, const char *section, const char *event)
{
	size_t n = strlen(text), kind = strcspn(section, "/");
	const char *last = strrchr(text, ',');
	last = last ? last + 2 : text;
	bool same = !strncmp(last, section, kind) && last[kind] == ' ';
	char what[128];
	way_event(what, sizeof(what), section[kind] ? section + kind + 1 : event);
	if (same)
		snprintf(text + n, size - n, " %s", what);
	else
		snprintf(text + n, size - n, "%s%.*s %s", n ? ", " : "", (int)kind, section, what);
}

void object_way_text(const struct object *object, const struct source *source, char *text,
		     size_t size)
{
	struct object copy = { .name = object->name, .data = object->data, .size = object->size };
	struct bpf_program *program;
	struct program_name name;
	text[0] = '\0';
	if (object_open(&copy))
		return;
	bpf_object__for_each_program(program, copy.bpf) {
		const char *section = bpf_program__section_name(program);
		/* The return of a function that is probed goes without saying. */
		if (object_uses(&copy, source, program, &name) && strcmp(section, "uretprobe"))
			way_append(text, size, section, name.event);
	}
	object_unload(&copy);
}

uint64_t object_events_counted(const struct object *object)
{
	uint64_t sum = object->events_counted, count;
	for (size_t i = 0; i < object->event_count; i++)
		if (read(object->event_fds[i], &count, sizeof(count)) == sizeof(count))
			sum += count;
	return sum;
}

/* Without memory for all at a time one after the other. */
static void object_close_sessions(struct object *object)
{
	int *fds = calloc(object->session_count * 2 + 1, sizeof(*fds));
	size_t count = 0;
	for (size_t i = 0; i < object->session_count; i++) {
		const int of_link[] = { object->sessions[i].fd, object->sessions[i].keeper };
		for (int j = 0; j < 2; j++) {
			if (of_link[j] >= 0 && fds)
				fds[count++] = of_link[j];
			else if (of_link[j] >= 0)
				close(of_link[j]);
		}
	}
	if (fds)
		probes_close(fds, count);
	free(fds);
}

void object_detach(struct object *object)
{
	for (size_t i = 0; i < object->event_count; i++)
		ioctl(object->event_fds[i], PERF_EVENT_IOC_DISABLE, 0);
	object->events_counted = object_events_counted(object);
	for (size_t i = 0; i < object->link_count; i++)
		bpf_link__destroy(object->links[i]);
	object_close_sessions(object);
	free(object->links);
	free(object->sessions);
	free(object->event_fds);
	object->links = NULL;
	object->event_fds = NULL;
	object->sessions = NULL;
	object->link_count = object->session_count = object->event_count = 0;
}

void object_unload(struct object *object)
{
	object_detach(object);
	bpf_object__close(object->bpf);
	object->bpf = NULL;
	object->events_counted = 0;
}
