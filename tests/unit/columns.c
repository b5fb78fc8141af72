/*
 * Structs become rows: BTF made by hand, a table made by hand, and values that are known.
 */
#include <errno.h>
#include "recorder/columns.h"
#include "tests/check.h"

static const ProtobufCFieldDescriptor null_list, texts;

/* Columns that are any integer, one that may be NULL, one that is a text. */
static const struct column_info columns[] = {
	{ .name = "ts_ns", .kind = COLUMN_DELTA },
	{ .name = "one", .kind = COLUMN_UINT },
	{ .name = "two", .kind = COLUMN_UINT },
	{ .name = "three", .kind = COLUMN_DELTA },
	{ .name = "kind", .kind = COLUMN_UINT, .null_field = &null_list },
	{ .name = "said", .kind = COLUMN_TEXT, .field = &texts },
};

enum { ONE = 1, TWO, THREE, KIND };

static const struct table table = {
	.name = "made", .columns = columns, .n_columns = 5, .ts_ns = 0
};
static const struct table worded = {
	.name = "made", .columns = columns, .n_columns = 6, .ts_ns = 0
};

static int resolve_double(void *context, uint64_t raw, uint64_t *value)
{
	++*(int *)context;
	*value = raw * 2;
	return raw == 13 ? -ENOMEM : 0;
}

static int resolve_plus_one(void *context, uint64_t raw, uint64_t *value)
{
	(void)context;
	*value = raw + 1;
	return 0;
}

static const struct reference references[] = {
	{ "double_ref", resolve_double },
	{ "plus_ref", resolve_plus_one },
	{ NULL, NULL },
};

/* The types that all tests use. */
struct types {
	struct btf *btf;
	int u8, u16, u32, u64, s8, s16, s32, s64, double_ref, plus_ref;
};

static struct types types_make(void)
{
	struct types t = { .btf = btf__new_empty() };

	CHECK(t.btf);
	t.u8 = btf__add_int(t.btf, "unsigned char", 1, 0);
	t.u16 = btf__add_int(t.btf, "unsigned short", 2, 0);
	t.u32 = btf__add_int(t.btf, "unsigned int", 4, 0);
	t.u64 = btf__add_int(t.btf, "unsigned long", 8, 0);
	t.s8 = btf__add_int(t.btf, "signed char", 1, BTF_INT_SIGNED);
	t.s16 = btf__add_int(t.btf, "short", 2, BTF_INT_SIGNED);
	t.s32 = btf__add_int(t.btf, "int", 4, BTF_INT_SIGNED);
	t.s64 = btf__add_int(t.btf, "long", 8, BTF_INT_SIGNED);
	t.double_ref = btf__add_typedef(t.btf, "double_ref", t.u64);
	t.plus_ref = btf__add_typedef(t.btf, "plus_ref", t.u32);
	CHECK(t.plus_ref > 0);
	return t;
}

static int struct_begin(const struct types *t)
{
	int id = btf__add_struct(t->btf, "made", 64);

	CHECK(id > 0);
	return id;
}

static void field(const struct types *t, const char *name, int type, uint32_t offset)
{
	CHECK_EQUAL(btf__add_field(t->btf, name, type, offset * 8, 0), 0);
}

static int add(struct binding *binding, const struct types *t, int id, const char **why)
{
	return binding_add(binding, t->btf, (uint32_t)id, references, why);
}

/* Refused, and the reason names it. */
static void check_refused(const struct types *t, int id, const char *wanted)
{
	struct binding binding = { .table = &table };
	const char *why = "";

	CHECK_EQUAL(add(&binding, t, id, &why), -EINVAL);
	CHECK_TEXT(why, wanted);
}

static void check_member_refused(const struct types *t, int type)
{
	int id = struct_begin(t);

	field(t, "one", t->u32, 0);
	field(t, "two", type, 8);
	check_refused(t, id, "two");
}

/* The value of a member of that type over the bytes of `raw`. */
static uint64_t value_of(const struct types *t, int type, uint64_t raw)
{
	struct binding binding = { .table = &table };
	uint64_t values[COLUMNS_MAX] = { 0 };
	uint8_t record[64];
	uint32_t nulls = 0;
	const char *why;
	int id = struct_begin(t), calls = 0;

	memset(record, 0xa5, sizeof(record));
	memcpy(record + 24, &raw, sizeof(raw));
	field(t, "two", type, 24);
	CHECK_EQUAL(add(&binding, t, id, &why), 0);
	CHECK_EQUAL(binding.size, 64);
	CHECK_EQUAL(binding.count, 1);
	CHECK_EQUAL(binding_values(&binding, record, &calls, values, &nulls), 0);
	CHECK_EQUAL(nulls, 0);
	return values[TWO];
}

static void check_integers(const struct types *t)
{
	const uint64_t raw = 0x8182838485868788;

	CHECK_EQUAL(value_of(t, t->u8, raw), 0x88);
	CHECK_EQUAL(value_of(t, t->u16, raw), 0x8788);
	CHECK_EQUAL(value_of(t, t->u32, raw), 0x85868788);
	CHECK_EQUAL(value_of(t, t->u64, raw), raw);
	CHECK_EQUAL(value_of(t, t->s8, raw), (int8_t)0x88);
	CHECK_EQUAL(value_of(t, t->s16, raw), (int16_t)0x8788);
	CHECK_EQUAL(value_of(t, t->s32, raw), (int32_t)0x85868788);
	CHECK_EQUAL(value_of(t, t->s64, raw), raw);
	CHECK_EQUAL(value_of(t, t->s8, 0x7f), 127);
	CHECK_EQUAL(value_of(t, t->s16, 0x7fff), 32767);
	CHECK_EQUAL(value_of(t, t->s32, 0x7fffffff), 0x7fffffff);
	int number = btf__add_enum(t->btf, "number", 4);
	CHECK_EQUAL(value_of(t, number, 0xff00000002), 2);
	CHECK_EQUAL(value_of(t, btf__add_int(t->btf, "_Bool", 1, BTF_INT_BOOL), 0xff01), 1);
}

/* A typedef is followed, through const and volatile as well, and the first that is a reference
 * counts. */
static void check_typedefs(const struct types *t)
{
	int plain = btf__add_typedef(t->btf, "__u32", t->u32);
	int outer = btf__add_typedef(t->btf, "outer", btf__add_const(t->btf, t->double_ref));

	CHECK_EQUAL(value_of(t, plain, 5), 5);
	CHECK_EQUAL(value_of(t, btf__add_volatile(t->btf, btf__add_const(t->btf, plain)), 5), 5);
	CHECK_EQUAL(value_of(t, t->double_ref, 21), 42);
	CHECK_EQUAL(value_of(t, t->plus_ref, 21), 22);
	CHECK_EQUAL(value_of(t, outer, 21), 42);
	CHECK_EQUAL(value_of(t, btf__add_volatile(t->btf, t->plus_ref), 21), 22);
}

static void check_refusals(const struct types *t)
{
	const char *why = "";
	struct binding binding = { .table = &table };
	int inner = btf__add_struct(t->btf, "inner", 8), id;

	CHECK_EQUAL(btf__add_field(t->btf, "one", t->u64, 0, 0), 0);
	check_member_refused(t, inner);
	check_member_refused(t, btf__add_union(t->btf, "either", 8));
	check_member_refused(t, btf__add_ptr(t->btf, t->u32));
	check_member_refused(t, btf__add_array(t->btf, t->u32, t->u8, 4));
	check_member_refused(t, btf__add_typedef(t->btf, "comm", btf__add_ptr(t->btf, t->u8)));
	check_member_refused(t, btf__add_float(t->btf, "double", 8));
	check_member_refused(t, btf__add_int(t->btf, "__int128", 16, BTF_INT_SIGNED));
	check_refused(t, t->u32, "not a struct");
	check_refused(t, 9999, "not a struct");
	id = struct_begin(t);
	field(t, "one", t->u32, 0);
	field(t, "unheard_of", t->u32, 4);
	check_refused(t, id, "unheard_of");
	id = struct_begin(t);
	field(t, "one", t->u32, 0);
	field(t, "two", t->u32, 4);
	field(t, "one", t->u32, 8);
	check_refused(t, id, "one");
	id = struct_begin(t);
	field(t, "said", t->u32, 0);
	binding.table = &worded;
	CHECK_EQUAL(add(&binding, t, id, &why), -EINVAL);
	CHECK_TEXT(why, "said");
}

/* A few bits of an integer, which the member's type alone does not show. */
static void check_bitfields(const struct types *t)
{
	int id = struct_begin(t);

	CHECK_EQUAL(btf__add_field(t->btf, "one", t->u32, 0, 3), 0);
	check_refused(t, id, "one");
	id = struct_begin(t);
	field(t, "one", t->u32, 0);
	CHECK_EQUAL(btf__add_field(t->btf, "two", t->u32, 35, 8), 0);
	check_refused(t, id, "two");
}

/* Key and value of a map make up one row; the column of a second struct must be another one. */
static void check_two_structs(const struct types *t)
{
	struct binding binding = { .table = &table };
	const char *why = "";
	int key = struct_begin(t), value, again;

	field(t, "record", t->u64, 0); /* says which struct it is: no column */
	field(t, "one", t->u64, 8);
	value = struct_begin(t);
	field(t, "two", t->u64, 0);
	field(t, "kind", t->u8, 8);
	again = struct_begin(t);
	field(t, "one", t->u64, 0);
	CHECK_EQUAL(add(&binding, t, key, &why), 0);
	CHECK_EQUAL(binding_complete(&binding, &why), -EINVAL);
	CHECK_TEXT(why, "two");
	CHECK_EQUAL(add(&binding, t, value, &why), 0);
	CHECK_EQUAL(binding_complete(&binding, &why), -EINVAL);
	CHECK_TEXT(why, "three");
	CHECK_EQUAL(binding.count, 3);
	CHECK_EQUAL(add(&binding, t, again, &why), -EINVAL);
	CHECK_TEXT(why, "one");
	value = struct_begin(t);
	field(t, "three", t->s32, 0);
	CHECK_EQUAL(add(&binding, t, value, &why), 0);
	CHECK_EQUAL(binding_complete(&binding, &why), 0); /* the time is the recorder's */
}

static void check_rows(const struct types *t)
{
	const struct {
		uint64_t record, ts_ns, one;
		int32_t three;
		uint8_t kind, pad[3];
		uint64_t two;
	} known = { 7, 1000, 21, -5, 2, { 0 }, 1 }, unknown = { 7, 0, 0, 0, 0, { 0 }, 0 },
	  refused = { 7, 0, 13, 0, 0, { 0 }, 0 };
	struct binding binding = { .table = &table };
	uint64_t values[COLUMNS_MAX] = { 0 };
	uint32_t nulls = 1U << TWO; /* what is set already stays */
	const char *why;
	int id = struct_begin(t), calls = 0;

	field(t, "record", t->u64, 0);
	field(t, "ts_ns", t->u64, 8);
	field(t, "one", t->double_ref, 16);
	field(t, "three", t->s32, 24);
	field(t, "kind", t->u8, 28);
	field(t, "two", t->u64, 32);
	CHECK_EQUAL(add(&binding, t, id, &why), 0);
	CHECK_EQUAL(binding_complete(&binding, &why), 0);
	CHECK_EQUAL(binding_values(&binding, &known, &calls, values, &nulls), 0);
	CHECK(values[0] == 1000 && values[ONE] == 42 && values[TWO] == 1 && values[KIND] == 2);
	CHECK_EQUAL(values[THREE], -5);
	CHECK_EQUAL(nulls, 1U << TWO);
	CHECK_EQUAL(binding_values(&binding, &unknown, &calls, values, &nulls), 0);
	CHECK_EQUAL(nulls, 1U << TWO | 1U << KIND); /* the others are 0 */
	CHECK_EQUAL(values[THREE], 0);
	CHECK_EQUAL(calls, 2);
	CHECK_EQUAL(binding_values(&binding, &refused, &calls, values, &nulls), -ENOMEM);
}

int main(void)
{
	struct types types = types_make();

	check_integers(&types);
	check_typedefs(&types);
	check_refusals(&types);
	check_bitfields(&types);
	check_two_structs(&types);
	check_rows(&types);
	btf__free(types.btf);
	return 0;
}
