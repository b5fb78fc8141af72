#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/definitions.h"
#include "recorder/caches.h"
#include "recorder/mmaps.h"
#include "recorder/records.h"

typedef int record_handler(struct records *, const void *record, size_t size);

/*
 * So many processes are probed one by one, and no more: at the end each takes 20 ms to detach, or
 * 2 s where the probes follow threads.
 */
enum { PROBED_MAX = 256, PROBED_BY_THREADS_MAX = 32 };

/* A struct that is a record. */
struct kind {
	const char *name;       /* in the object's BTF; NULL: no record */
	record_handler *before; /* runs before the row is made */
	record_handler *learn;  /* takes it at once, out of the order of time */
	struct binding binding; /* table NULL: makes no row */
};

struct records {
	struct records_context c;
	struct caches *caches;
	struct kind *kinds[OBJECTS_MAX + 1]; /* by object number and type id */
	uint64_t probed, unprobed;
	char why[256];
};

int records_open(const struct records_context *context, struct records **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->c = *context;
	return caches_open(context->definer, &(*out)->caches);
}

/* ---- references */

static int resolve_task(void *context, uint64_t raw, uint64_t *value)
{
	struct records *records = context;
	struct process *process = tasks_get(records->c.tasks, (uint32_t)(raw >> 32));
	return process ? process_define(records->c.tasks, process, value) : -ENOMEM;
}

static int resolve_task_before(void *context, uint64_t raw, uint64_t *value)
{
	struct records *records = context;
	struct process *process = tasks_get(records->c.tasks, (uint32_t)(raw >> 32));
	if (process && process->before)
		process = process->before;
	return process ? process_define(records->c.tasks, process, value) : -ENOMEM;
}

static int resolve_stack(void *context, uint64_t raw, uint64_t *value)
{
	struct records *records = context;
	int error = stacks_define(records->c.stacks, raw, value);
	if (!error && !*value && records->c.shared && stacks_lacks(records->c.stacks, raw))
		shared_forget_stack(records->c.shared, raw);
	return error;
}

static int resolve_cgroup(void *context, uint64_t raw, uint64_t *value)
{
	struct records *records = context;
	return tasks_cgroup(records->c.tasks, raw, value);
}

static int resolve_file(void *context, uint64_t raw, uint64_t *value)
{
	struct records *records = context;
	return files_define(records->c.files, raw, value);
}

static int resolve_kernel_code(void *context, uint64_t raw, uint64_t *value)
{
	struct records *records = context;
	return stacks_define_code(records->c.stacks, raw, value);
}

static int resolve_cache(void *context, uint64_t raw, uint64_t *value)
{
	struct records *records = context;
	return caches_define(records->caches, raw, value);
}

const struct reference record_references[] = {
	{ "cgroup_ref", resolve_cgroup },
	{ "task_ref", resolve_task },
	{ "task_before_ref", resolve_task_before },
	{ "stack_ref", resolve_stack },
	{ "file_ref", resolve_file },
	{ "cache_ref", resolve_cache },
	{ "kernel_stack_ref", resolve_stack },
	{ "kernel_code_ref", resolve_kernel_code },
	{ NULL, NULL },
};

/* ---- records that are more than rows */

/* What ran before the probes was not seen. */
static void records_probe(struct records *records, struct process *process, uint32_t tid)
{
	bool by_threads = ladder_follows_threads(records->c.ladder);
	process->incomplete = true;
	process->unprobed = records->probed == (by_threads ? PROBED_BY_THREADS_MAX : PROBED_MAX) ||
			    ladder_add_process(records->c.ladder, tid) != 0;
	records->probed += !process->unprobed;
	records->unprobed += process->unprobed;
}

/*
 * A child in its parent's memory gets probes when it runs a program of its own. Until then it is
 * seen by its parent's, if these follow the parent's memory.
 */
static void records_probe_new(struct records *records, struct process *process, bool exec,
			      bool borrows)
{
	if (!records->c.probe_children)
		return;
	if (!exec && borrows) {
		process->unprobed = true;
		process->incomplete = !ladder_follows_threads(records->c.ladder);
	} else if (!exec || borrows || (process->before && process->before->unprobed))
		records_probe(records, process, process->tgid);
}

static int take_task_definition(struct records *records, const void *record, size_t size)
{
	const struct task_definition *d = record;
	struct task_news news = {
		.tgid = (uint32_t)d->tgid,
		.parent_tgid = (uint32_t)d->parent_tgid,
		.start_boottime_ns = d->start_boottime_ns,
		.uid = (uint32_t)d->uid,
		.cgroup = d->cgroup,
		.exec = d->exec,
		.comm = d->comm,
	};
	if (size < sizeof(*d))
		return -EINVAL;
	struct process *process = tasks_learn(records->c.tasks, &news);
	if (!process)
		return -ENOMEM;
	if (d->moved) {
		process->faults_before = d->faults;
		return spaces_scan(records->c.spaces, news.tgid) == -ENOMEM ? -ENOMEM : 0;
	}
	records_probe_new(records, process, d->exec, d->borrows);
	return d->exec ? 0
		       : spaces_fork(records->c.spaces, news.parent_tgid, news.tgid,
				     (int64_t)d->ts_ns);
}

/* The first thread ends before the others: probes that follow it go on with one of them. */
static void records_probe_rest(struct records *records, struct process *process)
{
	char name[64];
	const struct dirent *entry;
	snprintf(name, sizeof(name), "/proc/%u/task", process->tgid);
	DIR *threads = opendir(name);
	while (threads && (entry = readdir(threads))) {
		uint32_t tid = (uint32_t)strtoul(entry->d_name, NULL, 10);
		if (tid && tid != process->tgid) {
			records_probe(records, process, tid);
			break;
		}
	}
	if (threads)
		closedir(threads);
}

static int records_thread_ended(struct records *records, struct process *process,
				const struct exit *exit)
{
	if (!ladder_follows_threads(records->c.ladder))
		return ladder_thread_ended(records->c.ladder, process->tgid, (uint32_t)exit->tid);
	if (exit->tid == process->tgid)
		records_probe_rest(records, process);
	return 0;
}

static int take_exit(struct records *records, const void *record, size_t size)
{
	const struct exit *exit = record;
	uint32_t tgid = (uint32_t)(exit->process_id >> 32);
	struct process *process = tasks_known(records->c.tasks, tgid);
	if (size < sizeof(*exit) || !process)
		return 0;
	if (!exit->last)
		return records->c.probe_children ? records_thread_ended(records, process, exit) : 0;
	process->ended = true;
	shared_target(records->c.shared, tgid, false);
	return 0;
}

static int learn_stack(struct records *records, const void *record, size_t size)
{
	const struct stack_definition *d = record;
	size_t most = (size - offsetof(struct stack_definition, ip_addr)) / sizeof(d->ip_addr[0]);
	struct stack_news news = {
		.key = d->key,
		.tgid = (uint32_t)(d->process_id >> 32),
		.ts_ns = (int64_t)d->ts_ns,
		.end = (uint32_t)d->end,
		.ip = (const uint64_t *)d->ip_addr,
		.frames = d->frames < most ? d->frames : most,
	};
	return stacks_learn(records->c.stacks, &news);
}

static int learn_copy(struct records *records, const void *record, size_t size)
{
	const struct stack_copy *copy = record;
	struct stack_news news = {
		.key = copy->key,
		.tgid = (uint32_t)(copy->process_id >> 32),
		.ts_ns = (int64_t)copy->ts_ns,
		.end = (uint32_t)copy->end,
		.copy = copy,
		.copy_bytes = offsetof(struct stack_copy, memory) + copy->bytes,
	};
	return news.copy_bytes <= size ? stacks_learn(records->c.stacks, &news) : -EINVAL;
}

static int learn_file(struct records *records, const void *record, size_t size)
{
	const struct file_definition *d = record;
	return size >= offsetof(struct file_definition, names) + d->bytes
		       ? files_learn(records->c.files, d)
		       : -EINVAL;
}

static const struct {
	const char *name;
	record_handler *before, *learn;
} handlers[] = {
	{ "task_definition", take_task_definition, NULL }, { "exit", take_exit, NULL },
	{ "stack_definition", NULL, learn_stack },         { "stack_copy", NULL, learn_copy },
	{ "file_definition", NULL, learn_file },
};

static int take_mapping(struct records *records, const struct mmap_news *news, int64_t ts_ns)
{
	struct process *process = tasks_known(records->c.tasks, news->tgid);
	struct image_place place = {
		.tgid = news->tgid,
		.start = news->start,
		.end = news->end,
		.path = news->path,
		.build_id = news->build_id,
		.build_id_size = news->build_id_size,
		.inode = news->inode,
	};
	if (!records->c.whole_host && !(process && process->target))
		return 0;
	if (!news->exec)
		return spaces_map(records->c.spaces, &place, news->file_offset);
	return spaces_clear(records->c.spaces, news->tgid, ts_ns);
}

/* ---- learning the objects' records */

static bool is_record(const struct btf *btf, const struct btf_type *type)
{
	if (!btf_is_struct(type) || !btf_vlen(type))
		return false;
	const struct btf_type *first = btf__type_by_id(btf, btf_members(type)->type);
	return btf_is_typedef(first) &&
	       !strcmp(btf__name_by_offset(btf, first->name_off), "record_ref");
}

static int records_learn_struct(struct records *records, struct kind *kind, const struct btf *btf,
				uint32_t id, const char *object)
{
	const char *column;
	kind->name = btf__name_by_offset(btf, btf__type_by_id(btf, id)->name_off);
	kind->binding.table = table_named(kind->name);
	for (size_t i = 0; i < sizeof(handlers) / sizeof(*handlers); i++)
		if (!strcmp(handlers[i].name, kind->name)) {
			kind->before = handlers[i].before;
			kind->learn = handlers[i].learn;
			if (!kind->binding.table)
				return 0;
		}
	column = kind->name;
	if (kind->binding.table &&
	    !binding_add(&kind->binding, btf, id, record_references, &column) &&
	    !binding_complete(&kind->binding, &column))
		return 0;
	snprintf(records->why, sizeof(records->why), "bpf/%s: struct %s and its table differ in %s",
		 object, kind->name, column);
	return -EINVAL;
}

static int records_learn_object(struct records *records, const struct object *object)
{
	const struct btf *btf = bpf_object__btf(object->bpf);
	struct kind *kinds = calloc(TALLY_MAX, sizeof(*kinds));
	int error = 0;
	if (!kinds)
		return -ENOMEM;
	int caches = bpf_object__find_map_fd_by_name(object->bpf, "cache_definitions");
	if (caches >= 0)
		caches_use(records->caches, caches);
	free(records->kinds[object->number]);
	records->kinds[object->number] = kinds;
	for (uint32_t id = 1; id < (uint32_t)btf__type_cnt(btf) && !error; id++) {
		if (!is_record(btf, btf__type_by_id(btf, id)))
			continue;
		if (id < TALLY_RECORDS || id >= TALLY_MAX) {
			snprintf(records->why, sizeof(records->why),
				 "bpf/%s: type id %u is out of the tallies' range", object->name,
				 id);
			return -EINVAL;
		}
		error = records_learn_struct(records, &kinds[id], btf, id, object->name);
	}
	return error;
}

int records_learn(struct records *records, const char **why)
{
	int error = 0;
	for (int i = 0; i < records->c.ladder->object_count && !error; i++)
		if (records->c.ladder->objects[i].bpf)
			error = records_learn_object(records, &records->c.ladder->objects[i]);
	*why = records->why;
	return error;
}

/* ---- taking them */

static const struct kind *records_kind(const struct records *records, uint64_t kind)
{
	uint32_t object = (uint32_t)(kind >> 32), id = (uint32_t)kind;
	if (object > OBJECTS_MAX || id >= TALLY_MAX || !records->kinds[object] ||
	    !records->kinds[object][id].name)
		return NULL;
	return &records->kinds[object][id];
}

int records_sort(struct records *records, struct order *order, const void *record, size_t size)
{
	const uint64_t *head = record;
	const struct kind *kind = records_kind(records, head[0]);
	if (!kind)
		return -EINVAL;
	if (kind->learn)
		return kind->learn(records, record, size);
	return order_add(order, (int64_t)head[1], head[0], record, size);
}

int records_take(void *context, int64_t ts_ns, uint64_t number, const void *record, size_t size)
{
	struct records *records = context;
	uint64_t values[COLUMNS_MAX]; /* the binding fills in all that the table has */
	uint32_t nulls = 0;
	if (number == MMAP_KIND)
		return take_mapping(records, record, ts_ns);
	const struct kind *kind = records_kind(records, number);
	int error = kind->before ? kind->before(records, record, size) : 0;
	if (error || !kind->binding.table)
		return error;
	error = binding_values(&kind->binding, record, records, values, &nulls);
	return error ? error : writer_add(records->c.writer, kind->binding.table, values, nulls);
}

uint64_t records_unprobed(const struct records *records)
{
	return records->unprobed;
}

const char *records_name(const struct records *records, uint32_t object, uint32_t type_id)
{
	const struct kind *kind = records_kind(records, (uint64_t)object << 32 | type_id);
	return kind ? kind->name : NULL;
}

void records_close(struct records *records)
{
	if (!records)
		return;
	for (int i = 0; i <= OBJECTS_MAX; i++)
		free(records->kinds[i]);
	caches_close(records->caches);
	free(records);
}
