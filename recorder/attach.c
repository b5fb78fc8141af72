#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "recorder/attach.h"
#include "recorder/libc.h"

static const struct {
	const char *name;
	uint64_t config;
} software_events[] = {
	{ "page_faults", PERF_COUNT_SW_PAGE_FAULTS },
	{ "page_faults_min", PERF_COUNT_SW_PAGE_FAULTS_MIN },
	{ "page_faults_maj", PERF_COUNT_SW_PAGE_FAULTS_MAJ },
};

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
	else if (!strcmp(section, "uprobe") || !strcmp(section, "uretprobe"))
		error = attach_probes(object, program, event, target, why, why_size);
	else
		error = object_keep_link(object, bpf_program__attach(program));
	if (error && !why[0])
		snprintf(why, why_size, "%s %s: %s", section, event, strerror(-error));
	return error;
}
