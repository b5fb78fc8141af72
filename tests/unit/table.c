/* Tables made of trace.proto, and descriptors that break its rules. */
#include <errno.h>
#include "format/catalog.h"
#include "format/trace.pb-c.h"
#include "tests/check.h"

static void test_all(void)
{
	const char *why;
	size_t n;
	const struct table *all = tables(&n, &why);
	unsigned last = 1;

	CHECK_TEXT(why, "");
	CHECK(all && n + 1 == memtape__batch__descriptor.n_fields);
	for (size_t t = 0; t < n; t++) {
		const struct table *table = &all[t];

		CHECK(table->number > last);
		last = table->number;
		CHECK(table_named(table->name) == table);
		CHECK(table_numbered(table->number) == table);
		CHECK(table->n_columns > 0 && table->n_columns <= COLUMNS_MAX);
		CHECK_EQUAL(table->stream, last < 64 ? 0 : last < 192 ? 1 : 2);
		CHECK_EQUAL(table->bulk, last >= 128 && last < 192);
		for (int i = 0; i < table->n_columns; i++) {
			const struct column_info *column = &table->columns[i];

			CHECK_TEXT(column->name, column->field->name);
			CHECK_EQUAL(table_column(table, column->name), i);
			CHECK_EQUAL(column->class != NULL, column->kind == COLUMN_TEXT);
			CHECK(!strstr(column->name, "_null"));
		}
	}
	CHECK(!table_named("") && !table_named("heaps"));
	CHECK(!table_numbered(0) && !table_numbered(1) && !table_numbered(255));
	CHECK(!table_numbered(256) && !table_numbered(UINT32_MAX));
	CHECK_EQUAL(table_column(table_named("heap"), "comm"), -1);
	CHECK_EQUAL(table_column(table_named("process"), "comm_null"), -1);
}

static const struct column_info *column(const char *table, const char *name)
{
	int i = table_column(table_named(table), name);

	CHECK(i >= 0);
	return &table_named(table)->columns[i];
}

static void check_refers(const char *table, const char *name, const char *target)
{
	CHECK_TEXT(column(table, name)->refers->name, target);
}

static void test_columns(void)
{
	const struct table *heap = table_named("heap");

	CHECK_EQUAL(heap->number, 129);
	CHECK_EQUAL(heap->id, -1);
	CHECK_EQUAL(heap->ts_ns, 0);
	CHECK_EQUAL(heap->process_id, 1);
	CHECK_EQUAL(table_named("process")->id, 0);
	CHECK_EQUAL(table_named("process")->ts_ns, -1);
	CHECK_EQUAL(column("heap", "ts_ns")->kind, COLUMN_DELTA);
	CHECK_EQUAL(column("heap", "tid")->kind, COLUMN_UINT);
	CHECK_EQUAL(column("block", "session_hi")->kind, COLUMN_HASH);
	CHECK_EQUAL(column("process", "comm")->kind, COLUMN_TEXT);
	check_refers("heap", "process_id", "process");
	check_refers("heap", "stack_id", "stack");
	check_refers("process", "host_id", "host");
	check_refers("process", "parent_id", "process");
	check_refers("stack", "parent_id", "stack");
	check_refers("stack", "frame_id", "frame");
	check_refers("frame", "image_id", "image");
	check_refers("fork", "child_process_id", "process");
	check_refers("exec", "program_process_id", "process");
	CHECK(!column("process", "id")->refers && !column("image", "build_id")->refers);
	CHECK_TEXT(column("image", "build_id")->class, "id");
	CHECK_TEXT(column("image", "unidentified_path")->class, "path");
	CHECK_TEXT(column("process", "comm")->class, "comm");
	CHECK_TEXT(column("snapshot_system", "content_text")->class, "text");
	CHECK_TEXT(column("session", "cmdline")->class, "cmdline");
	CHECK_TEXT(column("loss", "table_name")->class, "name");
	CHECK(column("process", "pid")->identity && !column("process", "id")->identity);
	CHECK(!column("process", "comm")->identity && !column("heap", "tid")->identity);
	CHECK_TEXT(column("process", "uid")->null_field->name, "uid_null");
	CHECK(!column("process", "pid")->null_field);
	CHECK_TEXT(column("fault", "kind")->null_field->name, "kind_null");
}

/* A Batch of one table, both to be broken. */
struct broken {
	ProtobufCFieldDescriptor fields[COLUMNS_MAX + 8], in_batch[2];
	ProtobufCMessageDescriptor table, batch;
};

static void broken_make(struct broken *broken, const char *table)
{
	const ProtobufCMessageDescriptor *batch = &memtape__batch__descriptor;
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(
		batch, table);

	memset(broken, 0, sizeof(*broken));
	broken->table = *(const ProtobufCMessageDescriptor *)field->descriptor;
	memcpy(broken->fields, broken->table.fields,
	       broken->table.n_fields * sizeof(*broken->fields));
	broken->table.fields = broken->fields;
	broken->batch = *batch;
	broken->in_batch[0] = batch->fields[0];
	broken->in_batch[1] = *field;
	broken->in_batch[1].descriptor = &broken->table;
	broken->batch.fields = broken->in_batch;
	broken->batch.n_fields = 2;
}

static void check_refused(struct broken *broken, const char *words)
{
	struct catalog catalog;

	CHECK_EQUAL(catalog_make(&catalog, &broken->batch), -EINVAL);
	if (!strstr(catalog.why, words))
		FAIL("\"%s\" does not say \"%s\"", catalog.why, words);
	CHECK_EQUAL(catalog.n, 0);
	catalog_free(&catalog);
}

static ProtobufCFieldDescriptor *field_of(struct broken *broken, const char *name)
{
	for (unsigned i = 0; i < broken->table.n_fields; i++)
		if (!strcmp(broken->fields[i].name, name))
			return &broken->fields[i];
	FAIL("no field %s", name);
}

/* One field of one table, changed. */
#define CHECK_REFUSED(table, name, change, words)                                                  \
	do {                                                                                       \
		struct broken broken_;                                                             \
		ProtobufCFieldDescriptor *field;                                                   \
                                                                                                   \
		broken_make(&broken_, table);                                                      \
		field = field_of(&broken_, name);                                                  \
		change;                                                                            \
		check_refused(&broken_, words);                                                    \
	} while (0)

static void test_unbroken(void)
{
	struct broken broken;
	struct catalog catalog;

	broken_make(&broken, "clock");
	CHECK_EQUAL(catalog_make(&catalog, &broken.batch), 0);
	CHECK_EQUAL(catalog.n, 1);
	CHECK_EQUAL(catalog.tables[0].n_columns, 4);
	catalog_free(&catalog);
}

static void test_broken_columns(void)
{
	CHECK_REFUSED("clock", "tai_ns", field->label = PROTOBUF_C_LABEL_OPTIONAL,
		      "clock.tai_ns is of a type that no column has");
	CHECK_REFUSED("clock", "tai_ns", field->type = PROTOBUF_C_TYPE_UINT32,
		      "clock.tai_ns is of a type that no column has");
	CHECK_REFUSED("clock", "tai_ns", field->type = PROTOBUF_C_TYPE_DOUBLE, "no column has");
	CHECK_REFUSED("clock", "tai_ns", field->flags = 0, "clock.tai_ns is not packed");
	CHECK_REFUSED("clock", "ts_ns", field->type = PROTOBUF_C_TYPE_UINT64,
		      "clock.ts_ns is not sint64");
	CHECK_REFUSED("clock", "tai_ns", field->id = 101, "kept for lists of NULL rows");
	CHECK_REFUSED("clock", "tai_ns", field->name = "id", "clock.id is not uint64");
	CHECK_REFUSED("host", "id", field->type = PROTOBUF_C_TYPE_SINT64, "host.id is not uint64");
}

static void test_broken_texts(void)
{
	CHECK_REFUSED("counter", "name", field->name = "nickname", "no class of texts");
	CHECK_REFUSED("counter", "name", field->name = "name_of", "no class of texts");
	CHECK_REFUSED("kswapd_total", "node",
		      (field->type = PROTOBUF_C_TYPE_BYTES, field->name = "node_name"),
		      "kswapd_total.node_name: a table of events has a text");
}

static void test_broken_references(void)
{
	CHECK_REFUSED("counter", "value", field->name = "nothing_id",
		      "counter.nothing_id refers to no table");
	CHECK_REFUSED("counter", "value", field->name = "counter_id",
		      "counter.counter_id refers to counter, which has no id");
}

static void test_broken_nulls(void)
{
	CHECK_REFUSED("loss", "cpu_null", field->id = 106, "loss.cpu_null is not uint64 with");
	CHECK_REFUSED("loss", "cpu_null", field->type = PROTOBUF_C_TYPE_UINT32, "the number 105");
	CHECK_REFUSED("loss", "cpu_null", field->name = "cpus_null", "of no column");
}

static void test_broken_tables(void)
{
	static const char *const names[] = { "a_ns", "b_ns", "c_ns", "d_ns", "e_ns", "f_ns" };
	struct broken broken;

	broken_make(&broken, "clock");
	broken.in_batch[1].id = 256;
	check_refused(&broken, "clock: table numbers are 2 .. 255");
	broken_make(&broken, "clock");
	broken.in_batch[1].flags = 0;
	check_refused(&broken, "Batch.clock is no table");
	broken_make(&broken, "clock");
	broken.in_batch[1].type = PROTOBUF_C_TYPE_UINT64;
	check_refused(&broken, "Batch.clock is no table");
	broken_make(&broken, "clock");
	broken.table.n_fields = 0;
	check_refused(&broken, "clock has no columns");
	broken_make(&broken, "clock");
	for (unsigned i = 0; i <= COLUMNS_MAX; i++) {
		broken.fields[i] = broken.fields[1];
		broken.fields[i].id = i + 1;
		broken.fields[i].name = names[i % 6];
	}
	broken.table.n_fields = COLUMNS_MAX;
	{
		struct catalog catalog;

		CHECK_EQUAL(catalog_make(&catalog, &broken.batch), 0);
		catalog_free(&catalog);
	}
	broken.table.n_fields = COLUMNS_MAX + 1;
	check_refused(&broken, "clock has more than 32 columns");
}

int main(void)
{
	test_all();
	test_columns();
	test_unbroken();
	test_broken_columns();
	test_broken_texts();
	test_broken_references();
	test_broken_nulls();
	test_broken_tables();
	return 0;
}
