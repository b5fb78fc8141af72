/*
 * What a row of heap costs the recorder from the rings' memory to the file, alone on its CPU and
 * with nothing of it cached at first: records of two rings and a thousand stacks, in drains of 50
 * ms. Prints the best and the median of several drains, CPU time.
 */
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include "bpf/definitions.h"
#include "recorder/images.h"
#include "recorder/records.h"
#include "tests/check.h"

extern const struct embedded_object {
	const char *name, *data, *end;
} bpf_objects[];

enum { RINGS = 2, RECORDS = 12500, DRAINS = 200, STACKS = 1000, CACHE = 64 << 20 };

/* As bpf/heap.bpf.c has it. */
struct heap {
	uint64_t record, ts_ns, process_id;
	uint32_t tid;
	uint8_t op;
	uint64_t addr, size_bytes, old_addr, realloc_ns, stack_id;
};

struct bench {
	struct ladder ladder;
	struct definer definer;
	struct host host;
	struct records *records;
	struct records_context context;
	struct images *images;
	struct order *order;
	uint64_t heap, stack; /* the records' kinds */
	int64_t now_ns;
	uint64_t random;
	double ns[DRAINS];
	char cache[CACHE];
	struct heap rings[RINGS][RECORDS];
};

static uint64_t some(struct bench *bench, uint64_t n)
{
	bench->random = bench->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (bench->random >> 33) % n;
}

static void open_object(struct bench *bench, const struct embedded_object *embedded)
{
	struct object *object = &bench->ladder.objects[0];
	const char *why;
	*object = (struct object){ .name = embedded->name,
				   .data = embedded->data,
				   .size = (size_t)(embedded->end - embedded->data),
				   .number = 1 };
	object->bpf = bpf_object__open_mem(object->data, object->size, NULL);
	CHECK(object->bpf);
	bench->ladder.object_count = 1;
	bench->context.ladder = &bench->ladder;
	CHECK_EQUAL(records_open(&bench->context, &bench->records), 0);
	CHECK_EQUAL(records_learn(bench->records, &why), 0);
	const struct btf *btf = bpf_object__btf(object->bpf);
	bench->heap = 1ULL << 32 | (uint32_t)btf__find_by_name_kind(btf, "heap", BTF_KIND_STRUCT);
	bench->stack = 1ULL << 32 |
		       (uint32_t)btf__find_by_name_kind(btf, "stack_definition", BTF_KIND_STRUCT);
}

static void open_rows(struct bench *bench)
{
	struct writer_options options = { .session = { 1 }, .level = 1 };
	struct records_context *c = &bench->context;
	CHECK_EQUAL(writer_open(memfd_create("trace", MFD_CLOEXEC), &options, &c->writer), 0);
	bench->definer.writer = c->writer;
	definer_epoch(&bench->definer);
	host_read(&bench->host);
	CHECK_EQUAL(tasks_open(&bench->definer, "", &bench->host, &c->tasks), 0);
	CHECK_EQUAL(images_open(&bench->definer, &bench->images), 0);
	CHECK_EQUAL(spaces_open(bench->images, &c->spaces), 0);
	CHECK_EQUAL(stacks_open(&bench->definer, bench->images, c->spaces, NULL, &c->stacks), 0);
	CHECK_EQUAL(order_open(&bench->order), 0);
}

static uint64_t stack_key(uint64_t i)
{
	return (i + 1) * 0x9E3779B97F4A7C15ULL;
}

static void define_stacks(struct bench *bench)
{
	struct stack_definition stack = { .record = bench->stack,
					  .process_id = (uint64_t)getpid() << 32,
					  .frames = 12 };
	for (uint64_t i = 0; i < STACKS; i++) {
		stack.key = stack_key(i);
		for (int frame = 0; frame < 12; frame++)
			stack.ip_addr[frame] = 0x1000 + (i >> frame) * 64 + (uint64_t)frame;
		CHECK_EQUAL(records_sort(bench->records, bench->order, &stack, sizeof(stack)), 0);
	}
}

static void fill(struct bench *bench)
{
	for (int i = 0; i < RECORDS; i++)
		for (int ring = 0; ring < RINGS; ring++) {
			uint64_t op = i % 2 ? 4 : 1;
			bench->now_ns += 500 + (int64_t)some(bench, 3000);
			bench->rings[ring][i] = (struct heap){
				.record = bench->heap,
				.ts_ns = (uint64_t)bench->now_ns,
				.process_id = (uint64_t)getpid() << 32 | (uint64_t)getpid(),
				.tid = (uint32_t)(getpid() + ring),
				.op = (uint8_t)op,
				.addr = 0x7f3a00000000 + some(bench, 1000) * 16,
				.size_bytes = op == 1 ? 16 + some(bench, 1009) : 0,
				.stack_id = stack_key(some(bench, STACKS)),
			};
		}
	memset(bench->cache, bench->cache[0] + 1, CACHE);
}

static double cpu_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static double drain(struct bench *bench)
{
	double begin = cpu_ns();
	for (int ring = 0; ring < RINGS; ring++)
		for (int i = 0; i < RECORDS; i++)
			CHECK_EQUAL(records_sort(bench->records, bench->order,
						 &bench->rings[ring][i], sizeof(struct heap)),
				    0);
	CHECK_EQUAL(order_take(bench->order, INT64_MAX, records_take, bench->records), 0);
	return (cpu_ns() - begin) / (RINGS * RECORDS);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(void)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	const struct embedded_object *embedded = bpf_objects;
	CHECK(bench);
	bench->now_ns = 1000000000;
	while (embedded->name && strncmp(embedded->name, "heap", 4))
		embedded++;
	CHECK(embedded->name);
	open_rows(bench);
	open_object(bench, embedded);
	define_stacks(bench);
	for (int i = 0; i < DRAINS; i++) {
		fill(bench);
		bench->ns[i] = drain(bench);
	}
	CHECK_EQUAL(writer_flush(bench->context.writer), 0);
	qsort(bench->ns, DRAINS, sizeof(*bench->ns), compare);
	printf("%d rows, %.2f bytes each: %.1f ns a row best, %.1f median\n",
	       DRAINS * RINGS * RECORDS,
	       (double)writer_bytes(bench->context.writer) / (DRAINS * RINGS * RECORDS),
	       bench->ns[0], bench->ns[DRAINS / 2]);
	return 0;
}
