#include <errno.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "recorder/attach.h"
#include "recorder/libc.h"
#include "recorder/tracefs.h"

static const struct {
	const char *name;
	uint64_t config;
} software_events[] = {
	{ "page_faults", PERF_COUNT_SW_PAGE_FAULTS },
	{ "page_faults_min", PERF_COUNT_SW_PAGE_FAULTS_MIN },
	{ "page_faults_maj", PERF_COUNT_SW_PAGE_FAULTS_MAJ },
};

/*
 * What libbpf 1.1 and <linux/bpf.h> 6.1 do not have: BPF_TRACE_UPROBE_SESSION of enum
 * bpf_attach_type, and the member link_create of union bpf_attr as its uprobe_multi says
 * (include/uapi/linux/bpf.h of 6.13).
 */
static const enum bpf_attach_type UPROBE_SESSION = (enum bpf_attach_type)57;
struct link_create_uprobe_multi {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t count, multi_flags, pid, padding;
};

enum { CLOSING_THREADS = 31 };

static int object_keep_link(struct object *object, struct bpf_link *link)
{
	struct bpf_link **links = realloc(object->links, (object->link_count + 1) * sizeof(*links));
	if (!link || !links) {
		int error = link ? -ENOMEM : -errno;
		if (links)
			object->links = links;
		bpf_link__destroy(link);
		return error;
	}
	object->links = links;
	object->links[object->link_count++] = link;
	return 0;
}

static int object_keep_event(struct object *object, int fd)
{
	int *fds = realloc(object->event_fds, (object->event_count + 1) * sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	object->event_fds = fds;
	object->event_fds[object->event_count++] = fd;
	return 0;
}

/* The link owns the descriptor; the object reads its count until the link is gone. */
static int attach_software_event(struct object *object, struct bpf_program *program,
				 uint64_t config, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = config,
		.sample_period = 1,
		.disabled = 1, /* until the program is attached */
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return errno == ENODEV ? 0 : -errno; /* the CPU is offline */
	int error = object_keep_event(object, fd);
	if (!error)
		error = object_keep_link(object, bpf_program__attach_perf_event(program, fd));
	if (error) {
		object->event_count -= object->event_count > 0;
		close(fd);
	}
	return error;
}

static int attach_software(struct object *object, struct bpf_program *program, const char *event)
{
	for (size_t i = 0; i < sizeof(software_events) / sizeof(*software_events); i++) {
		if (strcmp(software_events[i].name, event))
			continue;
		for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++) {
			int error = attach_software_event(object, program,
							  software_events[i].config, cpu);
			if (error)
				return error;
		}
		return 0;
	}
	return -EINVAL;
}

/* The event of one CPU is enough: its program runs on all. The link owns the descriptor. */
static int attach_tracepoint(struct object *object, struct bpf_program *program, int id)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = (uint64_t)id,
		.sample_period = 1,
	};
	int fd = -1;
	for (int cpu = 0; cpu < libbpf_num_possible_cpus() && fd < 0; cpu++) {
		fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
		if (fd < 0 && errno != ENODEV) /* the CPU is offline */
			break;
	}
	if (fd < 0)
		return -errno;
	int error = object_keep_link(object, bpf_program__attach_perf_event(program, fd));
	if (error)
		close(fd);
	return error;
}

/* "CATEGORY/EVENT EVENT ...": the program is attached to each. libbpf wants tracefs to be mounted.
 */
static int attach_tracepoints(struct object *object, struct bpf_program *program, const char *list,
			      char *why, size_t why_size)
{
	char category[64], event[64];
	int tracefs = tracefs_open(), error = 0, n;
	if (tracefs < 0) {
		snprintf(why, why_size, "tracefs: %s", strerror(-tracefs));
		return tracefs;
	}
	snprintf(category, sizeof(category), "%.*s", (int)strcspn(list, "/"), list);
	list += strlen(category);
	while (!error && sscanf(++list, "%63s%n", event, &n) == 1) {
		int id = tracefs_event(tracefs, category, event);
		error = id < 0 ? id : attach_tracepoint(object, program, id);
		if (error)
			snprintf(why, why_size, "tp %s/%s: %s", category, event, strerror(-error));
		list += n;
		if (!*list)
			break;
	}
	close(tracefs);
	return error;
}

/* Where the link of this program and process is kept, fd -1 if there is none; or NULL: no memory.
 */
static struct session_link *object_session(struct object *object, const struct bpf_program *program,
					   uint32_t pid)
{
	struct session_link *links = object->sessions;
	for (size_t i = 0; i < object->session_count; i++)
		if (links[i].program == program && links[i].pid == pid)
			return &links[i];
	links = realloc(links, (object->session_count + 1) * sizeof(*links));
	if (!links)
		return NULL;
	object->sessions = links;
	links[object->session_count] = (struct session_link){
		.fd = -1, .pid = pid, .program = program, .keeper = -1
	};
	return &links[object->session_count++];
}

bool is_session(const struct bpf_program *program)
{
	return !strcmp(bpf_program__section_name(program), "uprobe.session");
}

int session_prepare(struct bpf_program *program)
{
	int error = bpf_program__set_type(program, BPF_PROG_TYPE_KPROBE);
	return error ? error : bpf_program__set_expected_attach_type(program, UPROBE_SESSION);
}

/*
 * One link in the kernel for the entry and the return. It is the process's, whichever thread runs,
 * but does not go with it into a new program if another thread than the first execs: then it is
 * attached anew, and two links would count each call twice.
 */
static int attach_session(struct object *object, struct bpf_program *program, uint32_t pid,
			  const struct libc_function *function)
{
	struct link_create_uprobe_multi attr = {
		.prog_fd = (uint32_t)bpf_program__fd(program),
		.attach_type = UPROBE_SESSION,
		.path = (uintptr_t)function->path,
		.offsets = (uintptr_t)&function->offset,
		.count = 1,
		.pid = pid,
	};
	struct session_link *link = object_session(object, program, pid);
	if (!link)
		return -ENOMEM;
	if (link->fd >= 0)
		close(link->fd);
	link->kept = false; /* a new program: the process has a first thread again */
	link->fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	return link->fd < 0 ? -errno : 0;
}

struct closing {
	const int *fds;
	size_t count;
	atomic_size_t next;
};

static void *closing_run(void *context)
{
	struct closing *closing = context;
	size_t i;
	while ((i = atomic_fetch_add(&closing->next, 1)) < closing->count)
		close(closing->fds[i]);
	return NULL;
}

/* The kernel waits 50 ms for each, until no CPU is in its program; but for many at a time. */
void probes_close(const int *fds, size_t count)
{
	struct closing closing = { fds, count, 0 };
	pthread_t threads[CLOSING_THREADS];
	size_t n = 0;
	while (n < CLOSING_THREADS && n + 1 < count &&
	       !pthread_create(&threads[n], NULL, closing_run, &closing))
		n++;
	closing_run(&closing);
	while (n > 0)
		pthread_join(threads[--n], NULL);
}

static int attach_probe(struct object *object, struct bpf_program *program, const char *event,
			struct attach_target *target, uint32_t pid, char *why, size_t why_size)
{
	struct libc_function function;
	LIBBPF_OPTS(bpf_uprobe_opts, options,
		    .retprobe = !strcmp(bpf_program__section_name(program), "uretprobe"));
	int error = libc_find(pid, event, &function, why, why_size);
	if (error)
		return error;
	target->slow_probes += function.slow;
	if (is_session(program))
		return attach_session(object, program, pid, &function);
	return object_keep_link(
		object, bpf_program__attach_uprobe_opts(program, pid ? (pid_t)pid : -1,
							function.path, function.offset, &options));
}

static int attach_probes(struct object *object, struct bpf_program *program, const char *event,
			 struct attach_target *target, char *why, size_t why_size)
{
	if (!target->pid_count)
		return attach_probe(object, program, event, target, 0, why, why_size);
	for (size_t i = 0; i < target->pid_count; i++) {
		int error = attach_probe(object, program, event, target, target->pids[i], why,
					 why_size);
		if (error)
			return error;
	}
	return 0;
}

int attach_program(struct object *object, struct bpf_program *program, const char *event,
		   struct attach_target *target, char *why, size_t why_size)
{
	const char *section = bpf_program__section_name(program);
	int error;
	if (!strcmp(section, "perf_event"))
		error = attach_software(object, program, event);
	else if (is_session(program) || !strcmp(section, "uprobe") || !strcmp(section, "uretprobe"))
		error = attach_probes(object, program, event, target, why, why_size);
	else if (!strncmp(section, "tp/", 3))
		error = attach_tracepoints(object, program, section + 3, why, why_size);
	else
		error = object_keep_link(object, bpf_program__attach(program));
	if (error && !why[0])
		snprintf(why, why_size, "%s %s: %s", section, event, strerror(-error));
	return error;
}
