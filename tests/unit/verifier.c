/*
 * How many instructions the kernel's verifier processes for each program of the recorder, each way
 * of each source: printed, and well below the million where it gives up, because other kernels
 * count otherwise.
 */
#include <errno.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include "recorder/object.h"
#include "tests/check.h"

enum { INSTRUCTIONS_MAX = 100000 };

/* bpf/embed.sh makes this table; ended by a NULL name. */
struct embedded_object {
	const char *name, *data, *end;
};
extern const struct embedded_object bpf_objects[];

struct count {
	uint32_t programs, most;
};

static void count_program(const struct bpf_program *program, const char *object,
			  struct count *count)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	CHECK_EQUAL(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size), 0);
	if (!info.verified_insns)
		SKIP("this kernel does not tell what it verified (before 5.16)");
	printf("%s: %s: processed %u insns\n", object, bpf_program__name(program),
	       info.verified_insns);
	count->programs++;
	if (info.verified_insns > count->most)
		count->most = info.verified_insns;
}

/* A way that this kernel does not have is no failure: the ladder has others. */
static void count_way(struct object *object, const struct object_setup *setup,
		      const struct source *source, struct count *count)
{
	struct bpf_program *program;
	char why[512] = "";

	if (object_load(object, setup, source, why, sizeof(why))) {
		printf("%s: %s, way %c: refused: %s\n", object->name, source ? source->name : "all",
		       source ? source->ways[source->way] : '1', why);
		return;
	}
	bpf_object__for_each_program(program, object->bpf)
		if (bpf_program__fd(program) >= 0)
			count_program(program, object->name, count);
	CHECK(count->most < INSTRUCTIONS_MAX);
	object_unload(object);
}

static void count_object(struct object *object, const struct object_setup *setup,
			 struct count *count)
{
	CHECK_EQUAL(object_scan(object), 0);
	if (!object->source_count)
		count_way(object, setup, NULL, count);
	for (int i = 0; i < object->source_count; i++) {
		struct source *source = &object->sources[i];
		for (; source->ways[source->way]; source->way++)
			count_way(object, setup, source, count);
	}
}

static void count_all(const struct object_setup *setup, const char *stacks)
{
	struct count count = { 0 };
	uint32_t number = 0;

	for (const struct embedded_object *e = bpf_objects; e->name; e++) {
		struct object object = { .name = e->name,
					 .data = e->data,
					 .size = (size_t)(e->end - e->data),
					 .number = ++number };
		count_object(&object, setup, &count);
	}
	if (!count.programs)
		SKIP("no BPF program loads here");
	printf("stacks by %s: %u programs, at most %u instructions\n", stacks, count.programs,
	       count.most);
}

int main(void)
{
	struct object_setup setup = { .kernel = btf__load_vmlinux_btf(), .stacks = STACKS_TABLES };
	int error = shared_open(8 << 20, &setup.shared);

	if (error)
		SKIP("BPF is refused: %s", strerror(-error));
	libbpf_set_print(NULL);
	count_all(&setup, "unwind tables");
	setup.stacks = STACKS_POINTERS;
	count_all(&setup, "frame pointers");
	shared_close(setup.shared);
	btf__free((struct btf *)setup.kernel);
	return 0;
}
