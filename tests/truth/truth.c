/*
 * truth [-n NAME] [-e EVERY] [-s SHOW] [-f] [-g] [-w PERCENT] [-t FILE] COMMAND...
 *
 * Runs the command and takes the stacks of its page faults and, unless -f, of its calls of malloc
 * as memtape-record does. One in EVERY events is unwound by libdwfl as well, from registers and
 * memory of the same event; it is slower, so the command is stopped when it falls behind. Prints a
 * row of figures, why stacks differ, and the first SHOW of those that do. Exits with 1 if a bar is
 * missed: PERCENT (99.8) of stacks whole, 99.4 identical, none different without a reason, no two
 * under one key. -t FILE: a program that the command runs, whose table is made before it does.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include "recorder/target.h"
#include "tests/check.h"
#include "tests/truth/results.h"

enum { MS = 1000000, OBJECT_MAX = 4 << 20, MEMORY = 192 << 20, DIFFERENT_SHOWN = 5 };
static const int64_t window_ns = 2 * MS, second_ns = 1000 * MS;
static const char *const type_names[] = { "stack_definition", "stack_copy", "truth_event",
					  "truth_sample", "truth_fork" };

/* ---- one event */

/* A whole stack must end where there is no caller; or where libdwfl knows of none either and no
 * information says so, as where a coroutine begins. */
static void check_root(struct truth *truth, struct stack *stack, const struct truth_sample *sample)
{
	const struct reference_walk *walk = &truth->walk;
	if (stack->root == ROOT_UNKNOWN) {
		size_t last = walk->frames - 1;
		enum reference_code code = reference_code(truth->reference, walk->ip[last],
							  walk->called[last]);
		stack->root = code == CODE_OUTERMOST ? ROOT_FOUND
			      : code == CODE_BARE    ? ROOT_BARE
						     : ROOT_MISSING;
		if (stack->root == ROOT_MISSING && truth->options.show-- > 0) {
			printf("  whole, but not at a root\n");
			verdict_show(IDENTICAL, stack, truth->reference, walk, sample);
		}
	}
	truth->rootless += stack->root == ROOT_MISSING;
	truth->bare_roots += stack->root == ROOT_BARE;
}

/* Where libdwfl is right, the key's stack must be this one each time. */
static void check_key(struct truth *truth, struct stack *stack, uint32_t tgid, enum verdict verdict)
{
	if (stack->end != STACK_WHOLE || (verdict != IDENTICAL && verdict != DIFFERENT))
		return;
	uint64_t hash = frames_hash(&truth->ours, tgid, truth->walk.ip, truth->walk.frames);
	stack->two |= stack->truth && stack->truth != hash;
	stack->truth = hash;
}

static void compare(struct truth *truth, struct stack *stack, const struct truth_sample *sample)
{
	uint32_t tgid = (uint32_t)(sample->event.process_id >> 32);
	const struct process_places *places = places_of(&truth->places, tgid);
	reference_walk(truth->reference, places, tgid, sample, &truth->walk);
	stack_move(stack, places);
	enum verdict verdict = verdict_of(stack, truth->reference, &truth->walk, sample);
	truth->compared++;
	truth->verdicts[verdict]++;
	bool first = verdict == DIFFERENT && truth->verdicts[DIFFERENT] <= DIFFERENT_SHOWN;
	if (first ||
	    ((verdict != IDENTICAL || stack->end == STACK_LOST) && truth->options.show-- > 0))
		verdict_show(verdict, stack, truth->reference, &truth->walk, sample);
	if (verdict == IDENTICAL && stack->end == STACK_WHOLE)
		check_root(truth, stack, sample);
	check_key(truth, stack, tgid, verdict);
}

static void take_event(struct truth *truth, const struct truth_event *event)
{
	struct stack *stack = event->key ? ours_find(&truth->ours, event->key) : NULL;
	truth->events++;
	truth->without += !event->key;
	truth->undefined += event->key && !stack;
	if (!stack)
		return;
	stack->events++;
	truth->ends[stack->end]++;
	if ((uint32_t)event->record != truth->types[SAMPLE])
		return;
	compare(truth, stack, (const struct truth_sample *)event);
	/* The recorder does not let a table wait for so long as libdwfl takes. */
	CHECK_EQUAL(unwind_serve(truth->unwind), 0);
}

static void take_mapping(struct truth *truth, const struct mmap_news *news)
{
	struct place place = { .start = news->start, .end = news->end };
	struct image_place where = { .tgid = news->tgid,
				     .start = news->start,
				     .end = news->end,
				     .path = news->path,
				     .build_id = news->build_id,
				     .build_id_size = news->build_id_size };
	if (news->exec) {
		spaces_clear(truth->spaces, news->tgid, 0);
		places_clear(&truth->places, news->tgid);
		return;
	}
	CHECK_EQUAL(spaces_map(truth->spaces, &where, news->file_offset), 0);
	place.image = spaces_find(truth->spaces, news->tgid, news->start, &place.file_offset);
	places_add(&truth->places, news->tgid, &place);
}

static int take_in_order(void *context, int64_t ts_ns, uint64_t kind, const void *record,
			 size_t size)
{
	struct truth *truth = context;
	const struct truth_fork *fork = record;
	(void)ts_ns, (void)size;
	if (kind == MMAP_KIND) {
		const struct mmap_news *news = record;
		if (hash_get(&truth->places.by_tgid, news->tgid, 0)) /* a target */
			take_mapping(truth, news);
	} else if ((uint32_t)kind == truth->types[FORK]) {
		spaces_fork(truth->spaces, (uint32_t)fork->parent_tgid, (uint32_t)fork->child_tgid,
			    0);
		places_fork(&truth->places, (uint32_t)fork->parent_tgid,
			    (uint32_t)fork->child_tgid);
	} else {
		take_event(truth, record);
	}
	return 0;
}

/* ---- records from the rings */

static int take_record(void *context, void *data, size_t size)
{
	struct truth *truth = context;
	const uint64_t *head = data;
	uint64_t type = (uint32_t)head[0];
	if (type == truth->types[DEFINITION]) {
		ours_define(&truth->ours, data, size);
		return 0;
	}
	if (type == truth->types[COPY]) {
		ours_copy(&truth->ours, data);
		return 0;
	}
	const struct truth_sample *sample = data;
	if (type == truth->types[SAMPLE] && !sample->other_bytes)
		size = offsetof(struct truth_sample, memory) + sample->bytes;
	return order_add(truth->order, (int64_t)head[1], head[0], data, size);
}

/* Processes were stopped when there was no room for samples. */
static void go_on(const struct truth *truth)
{
	for (size_t i = 0; i < truth->places.by_tgid.size; i++)
		if (truth->places.by_tgid.entries[i].value)
			kill((pid_t)truth->places.by_tgid.entries[i].a, SIGCONT);
}

static void drain(struct truth *truth, int64_t before_ns)
{
	CHECK_EQUAL(unwind_serve(truth->unwind), 0);
	CHECK(ring_buffer__consume(truth->rings) >= 0);
	CHECK_EQUAL(mmaps_drain(truth->mmaps, truth->order), 0);
	CHECK_EQUAL(order_take(truth->order, before_ns, take_in_order, truth), 0);
}

/* ---- beginning */

static void *read_object(size_t *size)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 8);
	CHECK(n > 0);
	strcpy(path + n, ".bpf.o");
	FILE *file = fopen(path, "re");
	void *data = malloc(OBJECT_MAX);
	if (!file || !data)
		FAIL("no %s", path);
	*size = fread(data, 1, OBJECT_MAX, file);
	fclose(file);
	return data;
}

static void load(struct truth *truth)
{
	char why[512] = "";
	size_t size;
	const void *data = read_object(&size);
	uint32_t zero = 0;
	int error = shared_open(MEMORY, &truth->shared);
	if (error)
		SKIP("BPF is refused: %s", strerror(-error));
	struct object_setup setup = { .shared = truth->shared,
				      .kernel = truth->kernel,
				      .stacks = STACKS_TABLES };
	truth->object = (struct object){ .name = "truth", .data = data, .size = size, .number = 1 };
	CHECK_EQUAL(object_scan(&truth->object), 0);
	if (object_load(&truth->object, &setup, NULL, why, sizeof(why)))
		SKIP("the test's BPF programs do not load: %s", why);
	const struct btf *btf = bpf_object__btf(truth->object.bpf);
	for (int i = 0; i < 5; i++)
		truth->types[i] = (uint32_t)btf__find_by_name_kind(btf, type_names[i],
								   BTF_KIND_STRUCT);
	CHECK_EQUAL(bpf_map_update_elem(map_fd(truth, "truth_every"), &zero, &truth->options.every,
					BPF_ANY),
		    0);
}

static void open_rings(struct truth *truth)
{
	truth->rings = ring_buffer__new(map_fd(truth, "truth_samples"), take_record, truth, NULL);
	CHECK(truth->rings);
	for (uint32_t i = 0; i < shared_ring_count(truth->shared); i++)
		CHECK_EQUAL(ring_buffer__add(truth->rings, shared_ring_fd(truth->shared, i),
					     take_record, truth),
			    0);
}

static void open_all(struct truth *truth)
{
	truth->kernel = btf__load_vmlinux_btf();
	load(truth);
	CHECK_EQUAL(images_open(&truth->definer, &truth->images), 0);
	CHECK_EQUAL(spaces_open(truth->images, &truth->spaces), 0);
	CHECK_EQUAL(unwind_open(truth->shared, truth->images, &truth->unwind), 0);
	CHECK_EQUAL(order_open(&truth->order), 0);
	CHECK_EQUAL(mmaps_open(&truth->mmaps), 0);
	truth->ours.spaces = truth->spaces;
	truth->ours.unwind = truth->unwind;
	truth->reference = reference_open();
	open_rings(truth);
}

static void attach(struct truth *truth)
{
	struct attach_target everywhere = { 0 };
	char why[512] = "";
	for (int i = 0; i < truth->object.source_count; i++) {
		const struct source *source = &truth->object.sources[i];
		if (truth->options.faults_only && !strcmp(source->name, "malloc"))
			continue;
		if (object_attach(&truth->object, source, &everywhere, why, sizeof(why)))
			SKIP("%s", why);
	}
}

static void run(struct truth *truth, char **command)
{
	struct target target = { .gate = -1, .report = -1 };
	CHECK_EQUAL(target_start(&target, command), 0);
	shared_begin(truth->shared);
	CHECK_EQUAL(shared_target(truth->shared, target.pids[0], true), 0);
	CHECK_EQUAL(spaces_scan(truth->spaces, target.pids[0]), 0);
	places_scan(&truth->places, truth->spaces, target.pids[0]);
	CHECK_EQUAL(unwind_expect_command(truth->unwind, command[0]), 0);
	if (truth->options.table)
		CHECK_EQUAL(unwind_expect(truth->unwind, truth->options.table), 0);
	attach(truth);
	int error = target_go(&target);
	if (error)
		SKIP("%s: %s", command[0], strerror(-error));
	struct pollfd wanted = { unwind_fd(truth->unwind), POLLIN, 0 };
	for (int64_t second = now_ns(); !target_ended(&target);) {
		drain(truth, now_ns() - window_ns);
		go_on(truth);
		if (now_ns() >= second + second_ns) {
			unwind_note_used(truth->unwind);
			second = now_ns();
		}
		poll(&wanted, 1, 1);
	}
	object_detach(&truth->object);
	drain(truth, INT64_MAX);
	if (target.status)
		FAIL("%s failed: status %d", command[0], target.status);
}

static bool options_read(struct options *options, int argc, char **argv)
{
	int option;
	while ((option = getopt(argc, argv, "+n:e:s:fgw:t:")) != -1) {
		if (option == 'n')
			options->name = optarg;
		else if (option == 'e')
			options->every = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 's')
			options->show = atoi(optarg);
		else if (option == 'f')
			options->faults_only = true;
		else if (option == 'g')
			options->known_only = true;
		else if (option == 'w')
			options->whole_least = strtod(optarg, NULL);
		else if (option == 't')
			options->table = optarg;
		else
			return false;
	}
	return optind < argc;
}

int main(int argc, char **argv)
{
	static struct truth truth = { .options = { "command", 1, 0, false, false, 99.8, NULL } };
	if (!options_read(&truth.options, argc, argv))
		return 2;
	libbpf_set_print(NULL);
	open_all(&truth);
	run(&truth, argv + optind);
	return results_print(&truth);
}
