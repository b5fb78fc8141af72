#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "recorder/arguments.h"

static const char prefix[] = "__bpf_trace_";

/* The first parameter is the tracepoint's own data pointer. */
static int proto_position(const struct btf *kernel, const struct btf_type *proto, const char *name)
{
	const struct btf_param *params = btf_params(proto);
	for (int i = 1; i < btf_vlen(proto); i++)
		if (!strcmp(btf__name_by_offset(kernel, params[i].name_off), name))
			return i - 1;
	return -ENOENT;
}

static bool protos_equal(const struct btf_type *a, const struct btf_type *b)
{
	if (btf_vlen(a) != btf_vlen(b))
		return false;
	for (int i = 0; i < btf_vlen(a); i++)
		if (btf_params(a)[i].type != btf_params(b)[i].type)
			return false;
	return true;
}

static const struct btf_type *event_proto(const struct btf *kernel, const char *event)
{
	char name[128];
	snprintf(name, sizeof(name), "btf_trace_%s", event);
	const struct btf_type *type = btf__type_by_id(
		kernel, (uint32_t)btf__find_by_name_kind(kernel, name, BTF_KIND_TYPEDEF));
	type = type ? btf__type_by_id(kernel, type->type) : NULL;
	type = type && btf_is_ptr(type) ? btf__type_by_id(kernel, type->type) : NULL;
	return type && btf_is_func_proto(type) ? type : NULL;
}

/* All classes of the event's types that name the argument must put it at the same place. */
static int class_position(const struct btf *kernel, const struct btf_type *proto, const char *name)
{
	int found = -ENOENT;
	for (uint32_t id = 1; id < (uint32_t)btf__type_cnt(kernel); id++) {
		const struct btf_type *type = btf__type_by_id(kernel, id);
		if (!btf_is_func(type) || strncmp(btf__name_by_offset(kernel, type->name_off),
						  prefix, sizeof(prefix) - 1))
			continue;
		const struct btf_type *candidate = btf__type_by_id(kernel, type->type);
		int position = protos_equal(candidate, proto)
				       ? proto_position(kernel, candidate, name)
				       : -ENOENT;
		if (position >= 0 && found >= 0 && position != found)
			return -ENOTUNIQ;
		if (position >= 0)
			found = position;
	}
	return found;
}

int argument_position(const struct btf *kernel, const char *event, const char *name)
{
	char function[128];
	const struct btf_type *proto = event_proto(kernel, event);
	if (!proto)
		return -ENOENT;
	snprintf(function, sizeof(function), "%s%s", prefix, event);
	int id = btf__find_by_name_kind(kernel, function, BTF_KIND_FUNC);
	if (id < 0)
		return class_position(kernel, proto, name);
	return proto_position(
		kernel, btf__type_by_id(kernel, btf__type_by_id(kernel, (uint32_t)id)->type), name);
}
