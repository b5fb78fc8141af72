#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "recorder/choice.h"
#include "recorder/keep.h"
#include "recorder/ladder.h"

/* bpf/embed.sh makes this table; ended by a NULL name. */
struct embedded_object {
	const char *name, *data, *end;
};
extern const struct embedded_object bpf_objects[];

/*
 * libbpf tells causes only by printing, to a function without a context: the first warning of an
 * attempt is kept here.
 */
static char libbpf_warning[512];

static int libbpf_warned(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level != LIBBPF_WARN || libbpf_warning[0])
		return 0;
	vsnprintf(libbpf_warning, sizeof(libbpf_warning), format, arguments);
	libbpf_warning[strcspn(libbpf_warning, "\n")] = '\0';
	return 0;
}

/* Without who says it of which program: "libbpf: prog 'NAME': ". */
static const char *reason(const char *why)
{
	const char *text = libbpf_warning, *program;
	if (!text[0])
		return why;
	if (!strncmp(text, "libbpf: ", 8))
		text += 8;
	program = strncmp(text, "prog '", 6) ? NULL : strstr(text, "': ");
	return program ? program + 3 : text;
}

int ladder_tell(struct ladder *ladder, const struct source_state *state)
{
	struct source_state *states = realloc(ladder->states,
					      (size_t)(ladder->state_count + 1) * sizeof(*states));
	if (!states)
		return -ENOMEM;
	ladder->states = states;
	states[ladder->state_count++] = *state;
	return 0;
}

static int ladder_state(struct ladder *ladder, const struct object *object,
			const struct source *source, const char *state, const char *why)
{
	struct source_state s = { .state = state };
	snprintf(s.source, sizeof(s.source), "%s", source->name);
	snprintf(s.why, sizeof(s.why), "%s", why);
	object_way_text(object, source, s.way, sizeof(s.way));
	return ladder_tell(ladder, &s);
}

static int ladder_next_way(struct ladder *ladder, const struct object *object,
			   struct source *source, const char *why)
{
	int error = ladder_state(ladder, object, source, "refused", reason(why));
	source->way++;
	return error;
}

static bool source_open(const struct source *source)
{
	return source->ways[source->way] != '\0';
}

static bool object_open_sources(const struct object *object)
{
	for (int i = 0; i < object->source_count; i++)
		if (source_open(&object->sources[i]))
			return true;
	return false;
}

/* Finds those whose way does not load even alone; with none, all together do not, and all move on.
 */
static int ladder_blame(struct ladder *ladder, struct object *object,
			const struct object_setup *setup, const char *together)
{
	bool found = false;
	int error = 0;
	for (int i = 0; i < object->source_count && !error; i++) {
		char why[512] = "";
		libbpf_warning[0] = '\0';
		if (!source_open(&object->sources[i]) ||
		    !object_load(object, setup, &object->sources[i], why, sizeof(why)))
			continue;
		found = true;
		error = ladder_next_way(ladder, object, &object->sources[i], why);
	}
	libbpf_warning[0] = '\0';
	for (int i = 0; i < object->source_count && !found && !error; i++)
		if (source_open(&object->sources[i]))
			error = ladder_next_way(ladder, object, &object->sources[i], together);
	return error;
}

/* 1: all attached; 0: one was not and moved on, the object must be loaded again. */
static int ladder_attach(struct ladder *ladder, struct object *object, struct attach_target *target)
{
	for (int i = 0; i < object->source_count; i++) {
		char why[512] = "";
		libbpf_warning[0] = '\0';
		if (source_open(&object->sources[i]) &&
		    object_attach(object, &object->sources[i], target, why, sizeof(why))) {
			int error = ladder_next_way(ladder, object, &object->sources[i], why);
			return error;
		}
	}
	for (int i = 0; i < object->source_count; i++)
		if (source_open(&object->sources[i]) &&
		    ladder_state(ladder, object, &object->sources[i], "used", ""))
			return -ENOMEM;
	return 1;
}

static int ladder_object(struct ladder *ladder, struct object *object,
			 const struct object_setup *setup, struct attach_target *target)
{
	int result = 0;
	while (!result && object_open_sources(object)) {
		char why[512] = "";
		libbpf_warning[0] = '\0';
		if (object_load(object, setup, NULL, why, sizeof(why)))
			result = ladder_blame(ladder, object, setup, why);
		else
			result = ladder_attach(ladder, object, target);
	}
	if (result != 1)
		object_unload(object);
	return result < 0 ? result : 0;
}

static int ladder_turn_off(struct ladder *ladder, struct object *object, const char *choice)
{
	for (int i = 0; i < object->source_count; i++) {
		struct source *source = &object->sources[i];
		if (choice_wants(choice, source))
			continue;
		if (ladder_state(ladder, object, source, "off", "not asked for"))
			return -ENOMEM;
		source->way = (int)strlen(source->ways);
	}
	return 0;
}

static bool is_embedded(const char *name)
{
	const struct embedded_object *e = bpf_objects;
	while (e->name && strcmp(e->name, name))
		e++;
	return e->name;
}

/* An object NAME_old takes the place of NAME on kernels that do not know what that needs
 * (bpf/old.h). */
static bool is_needless(const char *name)
{
	char old[64];
	size_t n = strlen(name);
	bool is_old = n > 4 && !strcmp(name + n - 4, "_old");
	snprintf(old, sizeof(old), "%s_old", name);
	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL))
		return is_old;
	return is_embedded(old);
}

static int ladder_scan(struct ladder *ladder, const char *choice)
{
	libbpf_set_print(libbpf_warned);
	for (const struct embedded_object *e = bpf_objects; e->name; e++) {
		if (is_needless(e->name))
			continue;
		struct object *object = &ladder->objects[ladder->object_count];
		if (ladder->object_count == OBJECTS_MAX)
			return -E2BIG;
		*object = (struct object){ .name = e->name,
					   .data = e->data,
					   .size = (size_t)(e->end - e->data),
					   .number = (uint32_t)++ladder->object_count };
		int error = object_scan(object);
		if (!error)
			error = ladder_turn_off(ladder, object, choice);
		if (error)
			return error;
	}
	return 0;
}

static const char *const stack_ways[] = {
	[STACKS_NONE] = "none",
	[STACKS_POINTERS] = "frame pointers",
	[STACKS_TABLES] = "unwind tables",
};

static int ladder_tell_stacks(struct ladder *ladder, enum stack_way way, const char *state,
			      const char *why)
{
	struct source_state s = { .source = "stack", .state = state };
	snprintf(s.way, sizeof(s.way), "%s", stack_ways[way]);
	snprintf(s.why, sizeof(s.why), "%s", why);
	return ladder_tell(ladder, &s);
}

static int ladder_try_stacks(const struct object_setup *setup, enum stack_way way, char *why,
			     size_t size)
{
	struct object trial = { .name = "stack" };
	struct object_setup with = *setup;
	int error = -ENOENT;
	with.stacks = way;
	libbpf_warning[0] = '\0';
	for (const struct embedded_object *e = bpf_objects; e->name; e++)
		if (!strcmp(e->name, trial.name)) {
			trial.data = e->data;
			trial.size = (size_t)(e->end - e->data);
			error = object_load(&trial, &with, NULL, why, size);
		}
	object_unload(&trial);
	return error;
}

int ladder_stacks(struct ladder *ladder, const struct object_setup *setup, enum stack_way *way)
{
	int error = 0;
	libbpf_set_print(libbpf_warned);
	for (; *way != STACKS_NONE && !error; --*way) {
		char why[512] = "";
		if (!ladder_try_stacks(setup, *way, why, sizeof(why)))
			return ladder_tell_stacks(ladder, *way, "used", "");
		error = ladder_tell_stacks(ladder, *way, "refused", reason(why));
	}
	return error ? error : ladder_tell_stacks(ladder, STACKS_NONE, "off", "");
}

int ladder_begin(struct ladder *ladder, const struct object_setup *setup,
		 struct attach_target *target, const char *choice)
{
	int error = ladder_scan(ladder, choice);
	for (int i = 0; i < ladder->object_count && !error; i++)
		error = ladder_object(ladder, &ladder->objects[i], setup, target);
	return error;
}

int ladder_refuse(struct ladder *ladder, const char *choice, const char *why)
{
	int error = ladder_scan(ladder, choice);
	libbpf_warning[0] = '\0';
	for (int i = 0; i < ladder->object_count; i++)
		for (int j = 0; j < ladder->objects[i].source_count && !error; j++)
			if (source_open(&ladder->objects[i].sources[j]))
				error = ladder_next_way(ladder, &ladder->objects[i],
							&ladder->objects[i].sources[j], why);
	return error;
}

const char *ladder_lacks(const struct ladder *ladder, const char *choice, size_t *length)
{
	const char *rest = choice, *word;
	char sign;
	while (rest && (word = choice_word(&rest, length, &sign))) {
		int i = 0;
		while (i < ladder->state_count &&
		       !choice_names(word, *length, ladder->states[i].source))
			i++;
		if (i == ladder->state_count)
			return word;
	}
	return NULL;
}

bool ladder_uses(const struct ladder *ladder, const char *source)
{
	for (int i = 0; i < ladder->state_count; i++)
		if (!strcmp(ladder->states[i].source, source) &&
		    !strcmp(ladder->states[i].state, "used"))
			return true;
	return false;
}

int ladder_add_process(struct ladder *ladder, uint32_t pid)
{
	struct attach_target target = { .pids = &pid, .pid_count = 1 };
	for (int i = 0; i < ladder->object_count; i++) {
		struct object *object = &ladder->objects[i];
		int error = object->bpf ? object_attach_probes(object, &target) : 0;
		if (error)
			return error;
	}
	return 0;
}

bool ladder_follows_threads(const struct ladder *ladder)
{
	for (int i = 0; i < ladder->object_count; i++)
		if (object_follows_threads(&ladder->objects[i]))
			return true;
	return false;
}

int ladder_thread_ended(struct ladder *ladder, uint32_t pid, uint32_t tid)
{
	int error = 0;
	for (int i = 0; i < ladder->object_count && !error; i++)
		error = keep_thread_ended(&ladder->objects[i], pid, tid);
	return error;
}

int ladder_check(struct ladder *ladder)
{
	int error = 0;
	for (int i = 0; i < ladder->object_count && !error; i++)
		error = keep_check(&ladder->objects[i]);
	return error;
}

void ladder_detach(struct ladder *ladder)
{
	for (int i = 0; i < ladder->object_count; i++)
		object_detach(&ladder->objects[i]);
}

void ladder_release(struct ladder *ladder)
{
	for (int i = 0; i < ladder->object_count; i++)
		object_unload(&ladder->objects[i]);
	free(ladder->states);
	*ladder = (struct ladder){ 0 };
}
