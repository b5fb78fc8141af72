/*
 * Every BPF object inside the recorder, opened without the kernel: its programs' names, its records
 * and totals against the tables of the trace, and the maps that objects share.
 */
#include <bpf/btf.h>
#include "bpf/definitions.h"
#include "recorder/records.h"
#include "tests/check.h"

/* bpf/embed.sh makes this table; ended by a NULL name. */
struct embedded_object {
	const char *name, *data, *end;
};
extern const struct embedded_object bpf_objects[];

/* Which tables some object fills, and the shared maps as the first object declares them. */
struct seen {
	struct table_set filled;
	const struct bpf_map *shared[16];
	int shared_count;
};

static void check_name(const char *name, const char *source, const char *ways, const char *event)
{
	struct program_name got;

	CHECK(program_name_parse(name, &got));
	CHECK_TEXT(got.source, source);
	CHECK_TEXT(got.ways, ways);
	CHECK_TEXT(got.event, event);
}

static void check_names(void)
{
	struct program_name got;

	check_name("fault__12__page_faults_min", "fault", "12", "page_faults_min");
	check_name("fault_total__1__memcg", "fault_total", "1", "memcg");
	check_name("heap__1__malloc__return", "heap", "1", "malloc");
	CHECK(!program_name_parse("stack_take", &got));
	CHECK(!program_name_parse("heap__1", &got));
	CHECK(!program_name_parse("", &got));
}

/* What a name says is what the program's section can be attached to. */
static void check_program(const struct bpf_program *program, const char *object)
{
	static const char *const kinds[] = { "tp_btf/", "raw_tp/",   "tp/",     "perf_event",
					     "uprobe",  "uretprobe", "fentry/", "fexit/",
					     "kprobe/", NULL };
	const char *name = bpf_program__name(program),
		   *section = bpf_program__section_name(program);
	struct program_name got;
	char whole[256];
	int kind = 0;

	if (!program_name_parse(name, &got) || !got.source[0] || !got.event[0] || !got.ways[0])
		FAIL("bpf/%s: %s is not SOURCE__WAYS__EVENT", object, name);
	snprintf(whole, sizeof(whole), "%s__%s__%s", got.source, got.ways, got.event);
	if (got.ways[strspn(got.ways, "123456789")] || strncmp(name, whole, strlen(whole)))
		FAIL("bpf/%s: %s: its ways are not digits, or it is cut off", object, name);
	while (kinds[kind] && strncmp(section, kinds[kind], strlen(kinds[kind])))
		kind++;
	if (!kinds[kind])
		FAIL("bpf/%s: %s: section %s", object, name, section);
}

/* The sources are the names' first words, each with its ways, best first. */
static void check_source(const struct object *object, const struct bpf_program *program)
{
	struct program_name got;
	int i = 0;

	CHECK(program_name_parse(bpf_program__name(program), &got));
	while (i < object->source_count && strcmp(object->sources[i].name, got.source))
		i++;
	if (i == object->source_count)
		FAIL("bpf/%s: source %s was not found", object->name, got.source);
	const char *ways = object->sources[i].ways;
	for (const char *way = got.ways; *way; way++)
		CHECK(strchr(ways, *way));
	for (const char *way = ways; *way; way++)
		if (*way != '1' + (way - ways))
			FAIL("bpf/%s: source %s has ways %s", object->name, got.source, ways);
	CHECK_EQUAL(object->sources[i].way, 0);
}

static void check_programs(struct object *object)
{
	struct bpf_program *program;
	int count = 0;

	if (!strncmp(object->name, "stack", 5)) { /* only tried, never attached */
		CHECK_EQUAL(object->source_count, 0);
		return;
	}
	bpf_object__for_each_program(program, object->bpf) {
		check_program(program, object->name);
		check_source(object, program);
		count++;
	}
	CHECK(count > 0 && object->source_count > 0);
}

static bool first_is_record(const struct btf *btf, const struct btf_type *type)
{
	if (!btf_is_struct(type) || !btf_vlen(type))
		return false;
	const struct btf_type *first = btf__type_by_id(btf, btf_members(type)->type);
	return btf_is_typedef(first) &&
	       !strcmp(btf__name_by_offset(btf, first->name_off), "record_ref");
}

/* Where bpf/record.h writes the kind and the time without knowing the struct. */
static void check_head(const struct btf *btf, const struct btf_type *type, const char *name)
{
	CHECK(btf_vlen(type) >= 2);
	const struct btf_member *m = btf_members(type);
	const struct btf_type *time = btf__type_by_id(btf, m[1].type);
	if (strcmp(btf__name_by_offset(btf, m[0].name_off), "record") || m[0].offset ||
	    strcmp(btf__name_by_offset(btf, m[1].name_off), "ts_ns") || m[1].offset != 64 ||
	    strcmp(btf__name_by_offset(btf, time->name_off), "time_ref"))
		FAIL("struct %s does not begin with record_ref record; time_ref ts_ns", name);
}

static void check_struct(const struct object *object, const struct records *records, uint32_t id,
			 struct seen *seen)
{
	const struct btf *btf = bpf_object__btf(object->bpf);
	const struct btf_type *type = btf__type_by_id(btf, id);
	const char *name = btf__name_by_offset(btf, type->name_off), *why = "it has no table";
	struct binding binding = { .table = table_named(name) };

	check_head(btf, type, name);
	CHECK_TEXT(records_name(records, object->number, id), name);
	if (!strcmp(name, "task_definition") || !strcmp(name, "stack_definition") ||
	    !strcmp(name, "stack_copy") || !strcmp(name, "file_definition"))
		return;
	if (!binding.table || binding_add(&binding, btf, id, record_references, &why) ||
	    binding_complete(&binding, &why))
		FAIL("bpf/%s: struct %s and its table: %s", object->name, name, why);
	CHECK_EQUAL(binding.table->stream, STREAM_EVENTS);
	CHECK(binding.table->ts_ns >= 0);
	CHECK_EQUAL(binding.count, binding.table->n_columns);
	table_set_add(&seen->filled, binding.table->number);
}

/* The number of records. */
static int check_structs(const struct object *object, const struct records *records,
			 struct seen *seen)
{
	const struct btf *btf = bpf_object__btf(object->bpf);
	int count = 0;

	for (uint32_t id = 1; id < (uint32_t)btf__type_cnt(btf); id++) {
		if (first_is_record(btf, btf__type_by_id(btf, id))) {
			check_struct(object, records, id, seen);
			count++;
		} else {
			CHECK(!records_name(records, object->number, id));
		}
	}
	return count;
}

/* The values are added up as an array of 64-bit numbers. */
static void check_total_value(const struct btf *btf, uint32_t id, const char *name)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	CHECK(btf_is_struct(type));
	for (int i = 0; i < btf_vlen(type); i++)
		if (btf__resolve_size(btf, btf_members(type)[i].type) != 8)
			FAIL("map %s: its value is not made of __u64", name);
	CHECK_EQUAL(type->size, btf_vlen(type) * 8);
}

static void check_total(const struct object *object, const struct bpf_map *map, struct seen *seen)
{
	const struct btf *btf = bpf_object__btf(object->bpf);
	const char *name = bpf_map__name(map), *why = "it has no table";
	struct binding row = { .table = table_named(name) };
	uint32_t key = bpf_map__btf_key_type_id(map), value = bpf_map__btf_value_type_id(map);

	if (!row.table || binding_add(&row, btf, key, record_references, &why) ||
	    binding_add(&row, btf, value, record_references, &why) || binding_complete(&row, &why))
		FAIL("bpf/%s: map %s and its table: %s", object->name, name, why);
	CHECK_EQUAL(row.table->stream, STREAM_EVENTS);
	CHECK_EQUAL(row.count + 1, row.table->n_columns);
	CHECK(bpf_map__type(map) == BPF_MAP_TYPE_HASH ||
	      bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_HASH);
	CHECK(bpf_map__key_size(map) <= 16);
	check_total_value(btf, value, name);
	table_set_add(&seen->filled, row.table->number);
}

/* Such a map is made once, from whichever object comes first: all must mean the same. */
static void check_shared(const struct bpf_map *map, const char *object, struct seen *seen)
{
	const char *name = bpf_map__name(map);
	int i = 0;

	while (i < seen->shared_count && strcmp(bpf_map__name(seen->shared[i]), name))
		i++;
	if (i == seen->shared_count) {
		CHECK(i < 16);
		seen->shared[seen->shared_count++] = map;
	}
	const struct bpf_map *first = seen->shared[i];
	if (bpf_map__type(map) != bpf_map__type(first) ||
	    bpf_map__key_size(map) != bpf_map__key_size(first) ||
	    bpf_map__value_size(map) != bpf_map__value_size(first) ||
	    bpf_map__max_entries(map) != bpf_map__max_entries(first) ||
	    bpf_map__map_flags(map) != bpf_map__map_flags(first))
		FAIL("bpf/%s: map %s is another one than elsewhere", object, name);
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && !strcmp(text + n - m, end);
}

static void check_maps(const struct object *object, struct seen *seen)
{
	struct bpf_map *map;
	bool tallies = false;

	bpf_object__for_each_map(map, object->bpf) {
		const char *name = bpf_map__name(map);
		if (ends_with(name, "_total"))
			check_total(object, map, seen);
		if (!strncmp(name, "shared_", 7))
			check_shared(map, object->name, seen);
		if (!strcmp(name, "tallies")) {
			tallies = true;
			CHECK_EQUAL(bpf_map__value_size(map), sizeof(struct tally));
			CHECK_EQUAL(bpf_map__max_entries(map), TALLY_MAX);
		}
	}
	CHECK(tallies);
}

/* A table of events that nothing fills would be an empty promise. */
static void check_filled(const struct seen *seen)
{
	size_t n;
	const char *why;
	const struct table *all = tables(&n, &why);

	for (size_t i = 0; i < n; i++)
		if (all[i].stream == STREAM_EVENTS && !table_set_has(&seen->filled, all[i].number))
			FAIL("no BPF object fills table %s", all[i].name);
}

static int object_begin(struct object *object, int i)
{
	const struct embedded_object *embedded = &bpf_objects[i];

	if (!embedded->name)
		return 0;
	*object = (struct object){ .name = embedded->name,
				   .data = embedded->data,
				   .size = (size_t)(embedded->end - embedded->data),
				   .number = (uint32_t)i + 1 };
	CHECK_EQUAL(object_scan(object), 0);
	object->bpf = bpf_object__open_mem(object->data, object->size, NULL);
	CHECK(object->bpf);
	return 1;
}

int main(void)
{
	static struct ladder ladder;
	struct records_context context = { .ladder = &ladder };
	struct records *records;
	struct seen seen = { 0 };
	const char *why = "";
	int structs = 0;

	check_names();
	while (object_begin(&ladder.objects[ladder.object_count], ladder.object_count))
		ladder.object_count++;
	CHECK(ladder.object_count > 0 && ladder.object_count < OBJECTS_MAX);
	CHECK_EQUAL(records_open(&context, &records), 0);
	if (records_learn(records, &why))
		FAIL("%s", why);
	for (int i = 0; i < ladder.object_count; i++) {
		check_programs(&ladder.objects[i]);
		structs += check_structs(&ladder.objects[i], records, &seen);
		check_maps(&ladder.objects[i], &seen);
	}
	CHECK(structs > 0);
	check_filled(&seen);
	records_close(records);
	ladder_release(&ladder);
	return 0;
}
