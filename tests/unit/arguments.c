/*
 * Arguments of tracepoints by name: in BTF made by hand, in both orders that kernels have, and in
 * the running kernel's, where the types say the same.
 */
#include <errno.h>
#include "recorder/arguments.h"
#include "tests/check.h"

enum { ARGUMENTS_MAX = 4 };

/* The types that the events take. */
struct types {
	struct btf *btf;
	int pointer, number, flags, page;
};

struct argument {
	const char *name;
	int type;
};

static struct types types_make(void)
{
	struct types t = { .btf = btf__new_empty() };

	CHECK(t.btf);
	t.pointer = btf__add_ptr(t.btf, 0);
	t.number = btf__add_int(t.btf, "int", 4, BTF_INT_SIGNED);
	t.flags = btf__add_typedef(t.btf, "gfp_t", t.number);
	t.page = btf__add_ptr(t.btf, btf__add_struct(t.btf, "page", 8));
	CHECK(t.page > 0);
	return t;
}

/* As the kernel has it: the tracepoint's own pointer first. Pointers to functions name no
 * parameters. */
static int proto(const struct types *t, const struct argument *arguments, bool named)
{
	int id = btf__add_func_proto(t->btf, 0);

	CHECK(id > 0);
	CHECK_EQUAL(btf__add_func_param(t->btf, named ? "__data" : NULL, t->pointer), 0);
	for (; arguments->name; arguments++)
		CHECK_EQUAL(btf__add_func_param(t->btf, named ? arguments->name : NULL,
						arguments->type),
			    0);
	return id;
}

static void function(const struct types *t, const char *prefix, const char *name,
		     const struct argument *arguments)
{
	char text[128];

	snprintf(text, sizeof(text), "%s%s", prefix, name);
	CHECK(btf__add_func(t->btf, text, BTF_FUNC_STATIC, proto(t, arguments, true)) > 0);
}

static void event(const struct types *t, const char *name, const struct argument *arguments)
{
	char text[128];

	snprintf(text, sizeof(text), "btf_trace_%s", name);
	int pointer = btf__add_ptr(t->btf, proto(t, arguments, false));
	CHECK(btf__add_typedef(t->btf, text, pointer) > 0);
}

static void check_direct(void)
{
	struct types t = types_make();
	const struct argument old[] = { { "order", t.number }, { "gfp_flags", t.flags }, { 0 } },
			      new[] = { { "gfp_flags", t.flags }, { "order", t.number }, { 0 } };

	event(&t, "before", old);
	function(&t, "__bpf_trace_", "before", old);
	event(&t, "since_7_3", new);
	function(&t, "__bpf_trace_", "since_7_3", new);
	CHECK_EQUAL(argument_position(t.btf, "before", "order"), 0);
	CHECK_EQUAL(argument_position(t.btf, "before", "gfp_flags"), 1);
	CHECK_EQUAL(argument_position(t.btf, "since_7_3", "order"), 1);
	CHECK_EQUAL(argument_position(t.btf, "since_7_3", "gfp_flags"), 0);
	CHECK_EQUAL(argument_position(t.btf, "before", "gfp"), -ENOENT);
	CHECK_EQUAL(argument_position(t.btf, "before", "__data"), -ENOENT);
	CHECK_EQUAL(argument_position(t.btf, "befor", "order"), -ENOENT);
	btf__free(t.btf);
}

/* The event's own function counts, whatever classes of the same types say. */
static void check_direct_before_class(void)
{
	struct types t = types_make();
	const struct argument own[] = { { "a", t.number }, { "b", t.number }, { 0 } },
			      other[] = { { "b", t.number }, { "a", t.number }, { 0 } };

	function(&t, "__bpf_trace_", "other_class", other);
	event(&t, "own", own);
	function(&t, "__bpf_trace_", "own", own);
	CHECK_EQUAL(argument_position(t.btf, "own", "a"), 0);
	CHECK_EQUAL(argument_position(t.btf, "own", "b"), 1);
	btf__free(t.btf);
}

static void check_class(void)
{
	struct types t = types_make();
	const struct argument ours[] = { { "page", t.page }, { "order", t.number }, { 0 } },
			      agrees[] = { { "folio", t.page }, { "order", t.number }, { 0 } },
			      longer[] = { { "order", t.number },
					   { "page", t.page },
					   { "more", t.flags },
					   { 0 } },
			      shorter[] = { { "order", t.page }, { 0 } },
			      swapped[] = { { "order", t.page }, { "page", t.number }, { 0 } };

	event(&t, "of_class", ours);
	CHECK_EQUAL(argument_position(t.btf, "of_class", "order"), -ENOENT); /* no class yet */
	function(&t, "__bpf_trace_", "our_class", ours);
	function(&t, "trace_event_raw_event_", "our_class", swapped); /* not the prefix */
	CHECK_EQUAL(argument_position(t.btf, "of_class", "order"), 1);
	CHECK_EQUAL(argument_position(t.btf, "of_class", "page"), 0);
	CHECK_EQUAL(argument_position(t.btf, "of_class", "reason"), -ENOENT);
	function(&t, "__bpf_trace_", "agreeing_class", agrees);
	function(&t, "__bpf_trace_", "longer_class", longer); /* of other types */
	function(&t, "__bpf_trace_", "shorter_class", shorter);
	CHECK_EQUAL(argument_position(t.btf, "of_class", "order"), 1);
	CHECK_EQUAL(argument_position(t.btf, "of_class", "page"), 0);
	function(&t, "__bpf_trace_", "disagreeing_class", swapped);
	CHECK_EQUAL(argument_position(t.btf, "of_class", "order"), -ENOTUNIQ);
	CHECK_EQUAL(argument_position(t.btf, "of_class", "folio"), 0); /* only one names it */
	btf__free(t.btf);
}

/* An event that is there by name, but is not what an event is. */
static void check_malformed(void)
{
	struct types t = types_make();
	const struct argument one[] = { { "order", t.number }, { 0 } };

	CHECK(btf__add_typedef(t.btf, "btf_trace_number", t.number) > 0);
	function(&t, "__bpf_trace_", "number", one);
	CHECK_EQUAL(argument_position(t.btf, "number", "order"), -ENOENT);
	CHECK(btf__add_typedef(t.btf, "btf_trace_page", t.page) > 0);
	function(&t, "__bpf_trace_", "page", one);
	CHECK_EQUAL(argument_position(t.btf, "page", "order"), -ENOENT);
	function(&t, "__bpf_trace_", "no_event", one);
	CHECK_EQUAL(argument_position(t.btf, "no_event", "order"), -ENOENT);
	btf__free(t.btf);
}

/* What type an argument has, by its position, in the pointer that names no arguments. */
static const char *type_name(const struct btf *btf, const char *event, int position)
{
	char name[128];

	snprintf(name, sizeof(name), "btf_trace_%s", event);
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	CHECK(id > 0);
	const struct btf_type *type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	type = btf__type_by_id(btf, type->type);
	CHECK(position >= 0 && position + 1 < btf_vlen(type));
	type = btf__type_by_id(btf, btf_params(type)[position + 1].type);
	return btf__name_by_offset(btf, type->name_off);
}

static void check_running_kernel(void)
{
	static const char begin[] = "mm_vmscan_direct_reclaim_begin";
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		SKIP("this kernel has no BTF; what is made by hand was right");
	CHECK_EQUAL(argument_position(btf, begin, "nid"), -ENOENT);
	CHECK_EQUAL(argument_position(btf, "no_such_event", "order"), -ENOENT);
	CHECK_TEXT(type_name(btf, begin, argument_position(btf, begin, "order")), "int");
	CHECK_TEXT(type_name(btf, begin, argument_position(btf, begin, "gfp_flags")), "gfp_t");
	btf__free(btf);
}

int main(void)
{
	check_direct();
	check_direct_before_class();
	check_class();
	check_malformed();
	check_running_kernel();
	return 0;
}
