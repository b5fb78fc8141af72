/*
 * Stacks as they are sent become the frames that stand in the trace, recursion included; every
 * epoch stands alone, and functions have their names.
 */
#include <sys/mman.h>
#include <unistd.h>
#include "format/reader.h"
#include "bpf/definitions.h"
#include "recorder/stacks.h"
#include "tests/check.h"

enum { FRAMES_MAX = 8, ROWS_MAX = 4096, STACKS_MAX = 64 };

/* A recorder's stacks, and the trace that they go to. */
struct bench {
	int fd;
	struct definer definer;
	struct images *images;
	struct spaces *spaces;
	struct stacks *stacks;
	uint64_t next_key;
};

static struct bench bench_make(void)
{
	struct writer_options options = { .session = { 1 }, .level = 1 };
	struct bench bench = { .fd = memfd_create("trace", MFD_CLOEXEC), .next_key = 1 };

	CHECK(bench.fd >= 0);
	CHECK_EQUAL(writer_open(dup(bench.fd), &options, &bench.definer.writer), 0);
	return bench;
}

static void bench_open(struct bench *bench)
{
	definer_epoch(&bench->definer);
	CHECK_EQUAL(images_open(&bench->definer, &bench->images), 0);
	CHECK_EQUAL(spaces_open(bench->images, &bench->spaces), 0);
	CHECK_EQUAL(
		stacks_open(&bench->definer, bench->images, bench->spaces, NULL, &bench->stacks),
		0);
}

static void bench_close(struct bench *bench)
{
	CHECK_EQUAL(writer_close(bench->definer.writer), 0);
	stacks_close(bench->stacks);
	spaces_close(bench->spaces);
	images_close(bench->images);
	close(bench->fd);
}

static void bench_epoch(struct bench *bench)
{
	CHECK_EQUAL(writer_epoch(bench->definer.writer, 1), 0);
	definer_epoch(&bench->definer);
}

static void learn(struct bench *bench, uint64_t key, const uint64_t *ip, size_t frames)
{
	struct stack_news news = {
		.key = key,
		.tgid = (uint32_t)getpid(),
		.end = STACK_WHOLE,
		.ip = ip,
		.frames = frames,
	};

	CHECK_EQUAL(stacks_learn(bench->stacks, &news), 0);
}

/* Writes a row that refers to the stack and names its key. */
static uint64_t refer(struct bench *bench, uint64_t key)
{
	uint64_t values[COLUMNS_MAX] = { 0 }, id = 99;
	const struct table *fault = table_named("fault");

	CHECK_EQUAL(stacks_define(bench->stacks, key, &id), 0);
	values[table_column(fault, "addr")] = key;
	values[table_column(fault, "stack_id")] = id;
	CHECK_EQUAL(writer_add(bench->definer.writer, fault, values, 0), 0);
	return id;
}

/* ---- what stands in the trace */

/* Rows of one table: up to four of its columns. */
struct read_row {
	uint32_t epoch;
	uint64_t value[4];
	char text[64];
};

struct read_rows {
	struct read_row rows[ROWS_MAX];
	size_t count;
};

static void rows_take(struct read_rows *rows, const struct batch *batch, const char *const *names)
{
	for (size_t row = 0; row < batch->rows; row++) {
		CHECK(rows->count < ROWS_MAX);
		struct read_row *out = &rows->rows[rows->count++];
		*out = (struct read_row){ .epoch = batch->epoch };
		for (int i = 0; names[i]; i++) {
			int at = table_column(batch->table, names[i]);
			const struct column *column = &batch->columns[at];
			if (column->values)
				out->value[i] = column->values[row];
			else if (!column_null(column, row))
				snprintf(out->text, sizeof(out->text), "%.*s",
					 (int)column->texts[row].len, column->texts[row].data);
		}
	}
}

static struct read_rows *rows_read(struct bench *bench, const char *table, const char *const *names)
{
	struct read_rows *rows = calloc(1, sizeof(*rows));
	struct reader *reader;
	struct batch batch;
	char path[64];

	CHECK(rows);
	CHECK_EQUAL(writer_flush(bench->definer.writer), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", bench->fd);
	CHECK_EQUAL(reader_open(path, &reader), 0);
	while (reader_next(reader, &batch) > 0)
		if (!strcmp(batch.table->name, table))
			rows_take(rows, &batch, names);
	CHECK_EQUAL(reader_report(reader)->damaged_blocks, 0);
	reader_close(reader);
	return rows;
}

static const char *const fault_columns[] = { "addr", "stack_id", NULL };
static const char *const stack_columns[] = { "id", "parent_id", "frame_id", NULL };
static const char *const frame_columns[] = { "id", "image_id", "offset", NULL };
static const char *const symbol_columns[] = { "image_id", "offset", "function_offset", "symbol",
					      NULL };
static const char *const image_columns[] = { "id", NULL };

/* The row of an id in an epoch, which must be there exactly once. */
static const struct read_row *row_of(const struct read_rows *rows, uint32_t epoch, uint64_t id)
{
	const struct read_row *found = NULL;

	for (size_t i = 0; i < rows->count; i++)
		if (rows->rows[i].epoch == epoch && rows->rows[i].value[0] == id) {
			CHECK(!found);
			found = &rows->rows[i];
		}
	CHECK(found);
	return found;
}

/* The offsets of a stack's frames, innermost first. */
static size_t walk(struct bench *bench, uint64_t key, uint32_t epoch, uint64_t *ip)
{
	struct read_rows *faults = rows_read(bench, "fault", fault_columns),
			 *stacks = rows_read(bench, "stack", stack_columns),
			 *frames = rows_read(bench, "frame", frame_columns);
	uint64_t id = row_of(faults, epoch, key)->value[1];
	size_t count = 0;

	while (id) {
		const struct read_row *stack = row_of(stacks, epoch, id);
		CHECK(count < FRAMES_MAX);
		ip[count++] = row_of(frames, epoch, stack->value[2])->value[2];
		id = stack->value[1];
	}
	free(faults);
	free(stacks);
	free(frames);
	return count;
}

static void check_walk(struct bench *bench, uint64_t key, const uint64_t *wanted, size_t frames)
{
	uint64_t ip[FRAMES_MAX];

	CHECK_EQUAL(walk(bench, key, writer_epoch_number(bench->definer.writer), ip), frames);
	for (size_t i = 0; i < frames; i++)
		CHECK_EQUAL(ip[i], wanted[i]);
}

/* ---- the checks */

static void check_frames(struct bench *bench, const uint64_t *ip, size_t frames)
{
	uint64_t key = bench->next_key++;

	learn(bench, key, ip, frames);
	CHECK(refer(bench, key));
	check_walk(bench, key, ip, frames);
}

#define FRAMES(bench, ...)                                                                         \
	check_frames(bench, (const uint64_t[]){ __VA_ARGS__ },                                     \
		     sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void check_recursion(struct bench *bench)
{
	FRAMES(bench, 0x100);
	FRAMES(bench, 0x100, 0x100);
	FRAMES(bench, 0x100, 0x200, 0x200);
	FRAMES(bench, 0x100, 0x200, 0x200, 0x200, 0x300);
	FRAMES(bench, 0x200, 0x200, 0x200, 0x300);
	FRAMES(bench, 0x100, 0x200, 0x100, 0x200, 0x300);
	FRAMES(bench, 0x100, 0x200, 0x300, 0x300);
	FRAMES(bench, 0, UINT64_MAX, 1, UINT64_MAX, 0);
}

static void check_undefined(struct bench *bench)
{
	const uint64_t ip[] = { 0x10, 0x20 };
	uint64_t late = bench->next_key++, before = stacks_undefined(bench->stacks);

	CHECK_EQUAL(refer(bench, 0), 0); /* no stack was taken: nothing is missing */
	CHECK_EQUAL(stacks_undefined(bench->stacks), before);
	CHECK_EQUAL(refer(bench, late), 0);
	CHECK_EQUAL(stacks_undefined(bench->stacks), before + 1);
	learn(bench, bench->next_key, ip, 0); /* without frames it is no definition */
	CHECK_EQUAL(refer(bench, bench->next_key++), 0);
	CHECK_EQUAL(stacks_undefined(bench->stacks), before + 2);
	bench_epoch(bench);
	learn(bench, late, ip, 2);
	CHECK(refer(bench, late));
	CHECK_EQUAL(stacks_undefined(bench->stacks), before + 2);
	check_walk(bench, late, ip, 2);
}

static size_t rows_count(struct bench *bench, const char *table, const char *const *names)
{
	struct read_rows *rows = rows_read(bench, table, names);
	size_t count = rows->count;

	free(rows);
	return count;
}

/* Stacks share what they have in common, a key is defined once, and each epoch has all that it
 * uses. */
static void check_tree(void)
{
	const uint64_t a[] = { 1, 2, 3 }, b[] = { 4, 2, 3 }, c[] = { 2, 3 }, other[] = { 9, 9, 9 };
	struct bench bench = bench_make();
	uint64_t id;

	bench_open(&bench);
	learn(&bench, 10, a, 3);
	learn(&bench, 11, b, 3);
	learn(&bench, 12, c, 2);
	learn(&bench, 10, other, 3); /* it travelled again */
	id = refer(&bench, 10);
	CHECK(refer(&bench, 11) != id);
	CHECK(refer(&bench, 12));
	CHECK_EQUAL(stacks_define(bench.stacks, 10, &id), 0);
	check_walk(&bench, 10, a, 3);
	check_walk(&bench, 11, b, 3);
	check_walk(&bench, 12, c, 2);
	CHECK_EQUAL(rows_count(&bench, "stack", stack_columns), 4);
	CHECK_EQUAL(rows_count(&bench, "frame", frame_columns), 4);
	bench_epoch(&bench);
	CHECK(refer(&bench, 12));
	check_walk(&bench, 12, c, 2);
	CHECK_EQUAL(rows_count(&bench, "stack", stack_columns), 6);
	CHECK_EQUAL(rows_count(&bench, "frame", frame_columns), 6);
	struct read_rows *faults = rows_read(&bench, "fault", fault_columns);
	CHECK_EQUAL(row_of(faults, 0, 12)->value[1], row_of(faults, 1, 12)->value[1]);
	free(faults);
	bench_close(&bench);
}

/* Their places in this program are known. */
__attribute__((noinline)) void stacks_test_leaf(void);
__attribute__((noinline)) void stacks_test_caller(void);

void stacks_test_leaf(void)
{
	__asm__ volatile("nop; nop; nop; nop");
}

void stacks_test_caller(void)
{
	stacks_test_leaf();
	__asm__ volatile("nop; nop; nop; nop");
}

static const struct read_row *symbol_at(struct bench *bench, const struct read_rows *symbols,
					const void *code, uint64_t distance)
{
	uint64_t offset;

	CHECK(spaces_find(bench->spaces, (uint32_t)getpid(), (uintptr_t)code + distance, &offset));
	for (size_t i = 0; i < symbols->count; i++)
		if (symbols->rows[i].value[1] == offset &&
		    symbols->rows[i].epoch == writer_epoch_number(bench->definer.writer))
			return &symbols->rows[i];
	FAIL("no symbol row for offset %#" PRIx64, offset);
}

static void check_symbols(struct bench *bench)
{
	struct read_rows *symbols = rows_read(bench, "symbol", symbol_columns);
	struct read_rows *images = rows_read(bench, "image", image_columns);
	const struct read_row *row = symbol_at(bench, symbols, stacks_test_leaf, 0);

	for (size_t i = 0; i < symbols->count; i++)
		row_of(images, symbols->rows[i].epoch, symbols->rows[i].value[0]);
	free(images);
	CHECK_TEXT(row->text, "stacks_test_leaf");
	CHECK_EQUAL(row->value[2], 0);
	row = symbol_at(bench, symbols, stacks_test_caller, 1);
	CHECK_TEXT(row->text, "stacks_test_caller");
	CHECK_EQUAL(row->value[2], 1);
	/* A return address at a function's first byte: the call was the last of the function
	 * before. */
	row = symbol_at(bench, symbols, stacks_test_caller, 0);
	CHECK(strcmp(row->text, "stacks_test_caller"));
	free(symbols);
}

static void check_names(void)
{
	struct bench bench = bench_make();
	uint64_t leaf = (uintptr_t)stacks_test_leaf, caller = (uintptr_t)stacks_test_caller;
	const uint64_t ip[] = { leaf, caller + 1, caller, 0x10 };

	bench_open(&bench);
	CHECK_EQUAL(spaces_scan(bench.spaces, (uint32_t)getpid()), 0);
	learn(&bench, 1, ip, 4);
	CHECK(refer(&bench, 1));
	CHECK_EQUAL(stacks_name(bench.stacks, 0), 1); /* there was no time */
	CHECK_EQUAL(rows_count(&bench, "symbol", symbol_columns), 0);
	CHECK_EQUAL(stacks_name(bench.stacks, INT64_MAX), 0);
	check_symbols(&bench);
	CHECK_EQUAL(rows_count(&bench, "symbol", symbol_columns), 3); /* 0x10 has no image */
	CHECK_EQUAL(rows_count(&bench, "image", image_columns), 1);
	bench_epoch(&bench);
	CHECK(refer(&bench, 1));
	CHECK_EQUAL(stacks_name(bench.stacks, INT64_MAX), 0);
	check_symbols(&bench);
	CHECK_EQUAL(rows_count(&bench, "symbol", symbol_columns), 6);
	bench_close(&bench);
}

/* An epoch ends between a stack's first use and the naming: the name stands once, in the epoch to
 * come. */
static void check_name_of_last_epoch(void)
{
	struct bench bench = bench_make();
	const uint64_t ip[] = { (uintptr_t)stacks_test_leaf };

	bench_open(&bench);
	CHECK_EQUAL(spaces_scan(bench.spaces, (uint32_t)getpid()), 0);
	learn(&bench, 1, ip, 1);
	CHECK(refer(&bench, 1));
	bench_epoch(&bench);
	CHECK_EQUAL(stacks_name(bench.stacks, INT64_MAX), 0);
	CHECK(refer(&bench, 1));
	CHECK_EQUAL(rows_count(&bench, "symbol", symbol_columns), 1);
	CHECK_EQUAL(rows_count(&bench, "image", image_columns), 2);
	CHECK_EQUAL(rows_count(&bench, "frame", frame_columns), 2);
	bench_close(&bench);
}

/* The first process that had the stack runs another program before a row names it: the stack is of
 * other processes, too, and comes again. */
static void check_lacking(void)
{
	struct bench bench = bench_make();
	const uint64_t ip[] = { 0x1000, 0x2000 };
	struct stack_news news = {
		.key = 1, .tgid = 7, .ts_ns = 10, .end = STACK_WHOLE, .ip = ip, .frames = 2
	};

	bench_open(&bench);
	CHECK_EQUAL(spaces_fork(bench.spaces, 6, 7, 5), 0);
	CHECK_EQUAL(stacks_learn(bench.stacks, &news), 0);
	CHECK(!stacks_lacks(bench.stacks, 1));
	CHECK_EQUAL(spaces_clear(bench.spaces, 7, 20), 0);
	CHECK(stacks_lacks(bench.stacks, 1));
	CHECK_EQUAL(refer(&bench, 1), 0);
	CHECK_EQUAL(stacks_undefined(bench.stacks), 1);
	news.tgid = 8;
	news.ts_ns = 30;
	CHECK_EQUAL(stacks_learn(bench.stacks, &news), 0);
	CHECK(!stacks_lacks(bench.stacks, 1));
	CHECK(refer(&bench, 1));
	CHECK_EQUAL(stacks_undefined(bench.stacks), 1);
	CHECK(!stacks_lacks(bench.stacks, 2));
	bench_close(&bench);
}

int main(void)
{
	struct bench bench = bench_make();

	bench_open(&bench);
	check_recursion(&bench);
	check_undefined(&bench);
	bench_close(&bench);
	check_tree();
	check_names();
	check_name_of_last_epoch();
	check_lacking();
	stacks_close(NULL);
	return 0;
}
