#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "bpf/definitions.h"
#include "recorder/hash.h"
#include "recorder/losses.h"

enum { NOTES_MAX = 64 };

/* The tallies of an object. */
struct tallies {
	const struct object *object;
	int fd;
	uint64_t *dropped; /* at the last reading, by type id and CPU */
	uint64_t taken[TALLY_MAX];
};

struct note {
	const char *table, *cause;
	uint64_t total;
};

struct losses {
	const struct records *records;
	struct writer *writer;
	int cpus;
	struct tallies all[OBJECTS_MAX + 1]; /* by object number */
	struct tally *values;                /* of one id, by CPU */
	struct note notes[NOTES_MAX];
	int note_count;
	int64_t begin_ns, read_ns;
	uint64_t lost;
};

int losses_open(const struct ladder *ladder, const struct records *records, struct writer *writer,
		struct losses **out)
{
	struct losses *losses = *out = calloc(1, sizeof(*losses));
	if (!losses)
		return -ENOMEM;
	losses->records = records;
	losses->writer = writer;
	losses->read_ns = losses->begin_ns = now_ns();
	losses->cpus = libbpf_num_possible_cpus();
	losses->values = calloc((size_t)losses->cpus, sizeof(*losses->values));
	if (!losses->values)
		return -ENOMEM;
	for (int i = 0; i < ladder->object_count; i++) {
		const struct object *object = &ladder->objects[i];
		struct tallies *tallies = &losses->all[object->number];
		if (!object->bpf)
			continue;
		tallies->object = object;
		tallies->fd = bpf_object__find_map_fd_by_name(object->bpf, "tallies");
		tallies->dropped = calloc((size_t)losses->cpus * TALLY_MAX,
					  sizeof(*tallies->dropped));
		if (!tallies->dropped)
			return -ENOMEM;
	}
	return 0;
}

void losses_taken(struct losses *losses, uint64_t kind)
{
	if (kind >> 32 <= OBJECTS_MAX && (uint32_t)kind < TALLY_MAX)
		losses->all[kind >> 32].taken[(uint32_t)kind]++;
}

/* What lost no row, but something of one, or a count. */
static const char *const partial[] = { "late",
				       "map full",
				       "stack not taken",
				       "file not told",
				       "detail not told",
				       "names not looked up",
				       "not counted: program was running already" };

static bool loses_part(const char *cause)
{
	for (size_t i = 0; i < sizeof(partial) / sizeof(*partial); i++)
		if (!strcmp(partial[i], cause))
			return true;
	return false;
}

static int loss_write(struct losses *losses, const char *table, const char *cause, int cpu,
		      uint64_t lost, int64_t ts_ns)
{
	struct row row;
	row_begin(&row, "loss");
	row_number(&row, "ts_ns", (uint64_t)ts_ns);
	row_number(&row, "begin_ns", (uint64_t)losses->read_ns);
	row_text(&row, "table_name", table);
	row_text(&row, "cause", cause);
	if (cpu >= 0)
		row_number(&row, "cpu", (uint64_t)cpu);
	row_number(&row, "lost_rows", lost);
	row_number(&row, "part", loses_part(cause));
	losses->lost += loses_part(cause) ? 0 : lost;
	writer_lost(losses->writer, losses->lost);
	return row_write(&row, losses->writer);
}

int losses_note(struct losses *losses, const char *table, const char *cause, uint64_t total,
		int64_t ts_ns)
{
	struct note *note = losses->notes;
	while (note < losses->notes + losses->note_count &&
	       (strcmp(note->table, table) || strcmp(note->cause, cause)))
		note++;
	if (note == losses->notes + losses->note_count) {
		if (losses->note_count == NOTES_MAX)
			return -ENOSPC;
		*note = (struct note){ table, cause, 0 };
		losses->note_count++;
	}
	uint64_t since = total - note->total;
	note->total = total;
	return since ? loss_write(losses, table, cause, -1, since, ts_ns) : 0;
}

/* A definition that is lost is told under the table that it would have been a row of. */
static const char *table_of(const char *record)
{
	static const char *const kinds[][2] = {
		{ "task_definition", "process" },
		{ "file_definition", "file" },
	};
	if (table_named(record))
		return record;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i][0], record))
			return kinds[i][1];
	return "stack";
}

static int tally_note(struct losses *losses, struct tallies *tallies, uint32_t id, int cpu,
		      int64_t ts_ns)
{
	static const char *const causes[] = {
		[TALLY_MAP_FULL] = "map full",
		[TALLY_STACK] = "stack not taken",
		[TALLY_STATE] = "no room for a call's state",
		[TALLY_FILE] = "file not told",
		[TALLY_DETAIL] = "detail not told",
	};
	static const char *const tables[TALLY_WALKS] = {
		[TALLY_STACK] = "stack",
		[TALLY_FILE] = "file",
	};
	uint64_t *dropped = &tallies->dropped[(size_t)cpu * TALLY_MAX + id];
	uint64_t since = losses->values[cpu].dropped - *dropped;
	const char *name = records_name(losses->records, tallies->object->number, id);
	*dropped = losses->values[cpu].dropped;
	if (!since)
		return 0;
	if (id < TALLY_RECORDS)
		return loss_write(losses, tables[id] ? tables[id] : tallies->object->name,
				  causes[id], cpu, since, ts_ns);
	return loss_write(losses, table_of(name), "ring full", cpu, since, ts_ns);
}

static bool tally_used(const struct losses *losses, const struct tallies *tallies, uint32_t id)
{
	return (id > TALLY_INVOKED && id < TALLY_WALKS) ||
	       records_name(losses->records, tallies->object->number, id);
}

static int tallies_read(struct losses *losses, struct tallies *tallies, int64_t ts_ns)
{
	int error = 0;
	for (uint32_t id = 0; id < TALLY_MAX && !error; id++) {
		if (!tally_used(losses, tallies, id))
			continue;
		if (bpf_map_lookup_elem(tallies->fd, &id, losses->values))
			return -errno;
		for (int cpu = 0; cpu < losses->cpus && !error; cpu++)
			error = tally_note(losses, tallies, id, cpu, ts_ns);
	}
	return error;
}

int losses_read(struct losses *losses, int64_t ts_ns)
{
	int error = 0;
	for (int i = 0; i <= OBJECTS_MAX && !error; i++)
		if (losses->all[i].object)
			error = tallies_read(losses, &losses->all[i], ts_ns);
	losses->read_ns = ts_ns;
	return error;
}

uint64_t losses_sum(const struct losses *losses)
{
	return losses->lost;
}

int counter_write(struct writer *writer, int64_t ts_ns, const char *name, uint64_t value)
{
	struct row row;
	row_begin(&row, "counter");
	row_number(&row, "ts_ns", (uint64_t)ts_ns);
	row_text(&row, "name", name);
	row_number(&row, "value", value);
	return row_write(&row, writer);
}

static int tally_sum(struct losses *losses, const struct tallies *tallies, uint32_t id,
		     struct tally *sum)
{
	*sum = (struct tally){ 0 };
	if (bpf_map_lookup_elem(tallies->fd, &id, losses->values))
		return -errno;
	for (int cpu = 0; cpu < losses->cpus; cpu++) {
		sum->seen += losses->values[cpu].seen;
		sum->dropped += losses->values[cpu].dropped;
	}
	return 0;
}

/* What was seen and not dropped must have been taken: if not, a ring lied, and that is a loss as
 * well. */
static int tally_end(struct losses *losses, const struct tallies *tallies, uint32_t id,
		     int64_t ts_ns)
{
	const char *name = records_name(losses->records, tallies->object->number, id);
	struct tally sum;
	char text[160], prefix[80] = "";
	int error = tally_sum(losses, tallies, id, &sum);
	uint64_t taken = tallies->taken[id];
	if (!error && sum.seen - sum.dropped > taken)
		error = loss_write(losses, table_of(name), "not found in the ring", -1,
				   sum.seen - sum.dropped - taken, ts_ns);
	if (!table_named(name)) /* a definition, which several objects send */
		snprintf(prefix, sizeof(prefix), "%s.", tallies->object->name);
	snprintf(text, sizeof(text), "%s%s.seen", prefix, name);
	if (!error)
		error = counter_write(losses->writer, ts_ns, text, sum.seen);
	snprintf(text, sizeof(text), "%s%s.dropped", prefix, name);
	if (!error)
		error = counter_write(losses->writer, ts_ns, text, sum.dropped);
	snprintf(text, sizeof(text), "%s%s.taken", prefix, name);
	return error ? error : counter_write(losses->writer, ts_ns, text, taken);
}

/* How the object's stacks were taken. */
static int stacks_end(struct losses *losses, const struct tallies *tallies, int64_t ts_ns)
{
	static const char *const names[] = {
		[STACK_WHOLE] = "whole",
		[STACK_DEEP] = "too deep",
		[STACK_LOST] = "not unwound",
		[STACK_GONE] = "none, in exec",
		[STACK_KERNEL] = "of the kernel",
		[STACK_NEW] = "copied, no table yet",
		[STACK_COMPLEX] = "copied, complex",
		[STACK_ENDS] = "with frames by pointer",
	};
	int error = 0;
	for (uint32_t i = 0; i < sizeof(names) / sizeof(*names) && !error; i++) {
		struct tally sum;
		char text[160];
		if (!names[i])
			continue;
		error = tally_sum(losses, tallies, TALLY_WALKS + i, &sum);
		snprintf(text, sizeof(text), "%s.stacks %s", tallies->object->name, names[i]);
		if (!error && sum.seen)
			error = counter_write(losses->writer, ts_ns, text, sum.seen);
	}
	return error;
}

/* Software events are counted also where another BPF program kept ours from running. */
static int events_end(struct losses *losses, const struct tallies *tallies, int64_t ts_ns)
{
	uint64_t counted = object_events_counted(tallies->object);
	struct tally sum;
	int error = tally_sum(losses, tallies, TALLY_INVOKED, &sum);
	if (error || counted <= sum.seen)
		return error;
	return loss_write(losses, tallies->object->name, "event skipped, of any process", -1,
			  counted - sum.seen, ts_ns);
}

/* Whether the object makes rows, or only counts. */
static bool makes_rows(const struct losses *losses, const struct object *object)
{
	for (uint32_t id = TALLY_RECORDS; id < TALLY_MAX; id++) {
		const char *name = records_name(losses->records, object->number, id);
		if (name && table_named(name))
			return true;
	}
	return false;
}

/* Runs that the kernel refused because the program was already running on that CPU. */
static int programs_end(struct losses *losses, const struct object *object, int64_t ts_ns)
{
	struct bpf_program *program;
	uint64_t misses = 0;
	bpf_object__for_each_program(program, object->bpf) {
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);
		int fd = bpf_program__fd(program);
		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size))
			misses += info.recursion_misses;
	}
	const char *cause = makes_rows(losses, object) ? "program was running already"
						       : "not counted: program was running already";
	return misses ? loss_write(losses, object->name, cause, -1, misses, ts_ns) : 0;
}

int losses_end(struct losses *losses, int64_t ts_ns)
{
	int error = 0;
	losses->read_ns = losses->begin_ns; /* these may have happened at any time */
	for (int i = 0; i <= OBJECTS_MAX && !error; i++) {
		const struct tallies *tallies = &losses->all[i];
		if (!tallies->object)
			continue;
		error = events_end(losses, tallies, ts_ns);
		if (!error)
			error = stacks_end(losses, tallies, ts_ns);
		if (!error)
			error = programs_end(losses, tallies->object, ts_ns);
		for (uint32_t id = TALLY_RECORDS; id < TALLY_MAX && !error; id++)
			if (tally_used(losses, tallies, id))
				error = tally_end(losses, tallies, id, ts_ns);
	}
	return error;
}

void losses_close(struct losses *losses)
{
	if (!losses)
		return;
	for (int i = 0; i <= OBJECTS_MAX; i++)
		free(losses->all[i].dropped);
	free(losses->values);
	free(losses);
}
