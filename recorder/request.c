#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "format/version.h"
#include "recorder/choice.h"
#include "recorder/request.h"

enum {
	OPTION_CGROUP = 256,
	OPTION_HEAP,
	OPTION_CHECK,
	OPTION_MEMORY,
	OPTION_STACKS,
	OPTION_SMAPS,
	OPTION_WORDS,
	OPTION_PROCFS,
};

static const struct argp_option table[] = {
	{ "output", 'o', "FILE", 0, "trace to write; - for standard output", 0 },
	{ "pid", 'p', "PID,...", 0, "record these processes, and children they fork from now on",
	  0 },
	{ "all", 'a', NULL, 0, "record the whole host: so it is without -p and a command", 0 },
	{ "cgroup", OPTION_CGROUP, "PATH", 0,
	  "record the processes of this memory cgroup, now and later", 0 },
	{ "duration", 'd', "TIME", 0, "stop after it: 10s, 5m, 2h, 500ms", 0 },
	{ "events", 'e', "SOURCE,...", 0,
	  "only these sources; +SOURCE, -SOURCE: also, not (--check lists them)", 0 },
	{ "interval", 'i', "TIME", 0,
	  "read processes, memory cgroups and the larger system files so often (10s)", 0 },
	{ "smaps", OPTION_SMAPS, "TIME", 0,
	  "read all mappings so often; without it those of named processes at both ends", 0 },
	{ "procfs", OPTION_PROCFS, "DIR", 0,
	  "read a recorded tree with proc and sys, or several in DIR, not this host", 0 },
	{ "cmdline", OPTION_WORDS, NULL, 0, "record the words that programs are called with", 0 },
	{ "heap", OPTION_HEAP, "uprobe|off", 0,
	  "how allocations are seen (uprobe where a process is named)", 0 },
	{ "stacks", OPTION_STACKS, "unwind|fp|none", 0,
	  "how stacks are taken: whole, or by frame pointers (unwind)", 0 },
	{ "max-memory", OPTION_MEMORY, "SIZE", 0,
	  "of the kernel's rings and unwind tables in all (128M)", 0 },
	{ "check", OPTION_CHECK, NULL, 0, "say what can be recorded here, and how", 0 },
	{ 0 },
};

static bool parse_number(const char *text, const char *const *units, const int64_t *factors,
			 int64_t *out)
{
	char *end;
	double value = strtod(text, &end);
	if (end == text || !(value > 0) || value > 1e15)
		return false;
	for (; *units; units++, factors++)
		if (!strcmp(end, *units)) {
			*out = (int64_t)(value * (double)*factors);
			return *out > 0;
		}
	return false;
}

static int64_t parse_time(const char *text, struct argp_state *state)
{
	static const char *const units[] = { "", "s", "ms", "m", "h", NULL };
	static const int64_t factors[] = { 1000000000, 1000000000, 1000000, 60000000000,
					   3600000000000 };
	int64_t value = 0;
	if (!parse_number(text, units, factors, &value))
		argp_error(state, "not a time: %s (10s, 5m, 2h, 500ms)", text);
	return value;
}

static size_t parse_size(const char *text, struct argp_state *state)
{
	static const char *const units[] = { "", "K", "M", "G", NULL };
	static const int64_t factors[] = { 1, 1 << 10, 1 << 20, 1 << 30 };
	int64_t value = 0;
	if (!parse_number(text, units, factors, &value))
		argp_error(state, "not a size: %s (128M, 1G)", text);
	return (size_t)value;
}

static bool request_has(const struct request *request, uint32_t pid)
{
	for (size_t i = 0; i < request->pid_count; i++)
		if (request->pids[i] == pid)
			return true;
	return false;
}

/* A process that is named twice is recorded once: probes would count each call twice. */
static void parse_pids(struct request *request, char *text, struct argp_state *state)
{
	char *rest = text, *word;
	while ((word = strsep(&rest, ","))) {
		char *end;
		unsigned long pid = strtoul(word, &end, 10);
		if (!*word || *end || !pid || pid > 1UL << 22)
			argp_error(state, "not a process id: %s", word);
		if (request_has(request, (uint32_t)pid))
			continue;
		if (request->pid_count == TARGET_PIDS_MAX)
			argp_error(state, "more than %d processes", TARGET_PIDS_MAX);
		request->pids[request->pid_count++] = (uint32_t)pid;
	}
}

static void parse_heap(struct request *request, const char *text, struct argp_state *state)
{
	if (strcmp(text, "uprobe") && strcmp(text, "off"))
		argp_error(state, "--heap is uprobe or off, not %s", text);
	request->heap = request->heap_named = !strcmp(text, "uprobe");
}

/* Several -e go on where the one before ended. Room is left for what the end of parsing adds. */
static void parse_choice(struct request *request, const char *text, struct argp_state *state)
{
	size_t n = strlen(request->choice), room = sizeof(request->choice) - 16;
	if (n + strlen(text) + 1 >= room)
		argp_error(state, "-e is too long");
	snprintf(request->choice + n, room - n, "%s%s", n ? "," : "", text);
}

static enum stack_way parse_stacks(const char *text, struct argp_state *state)
{
	static const char *const names[] = {
		[STACKS_NONE] = "none",
		[STACKS_POINTERS] = "fp",
		[STACKS_TABLES] = "unwind",
	};
	for (int way = STACKS_NONE; way <= STACKS_TABLES; way++)
		if (!strcmp(text, names[way]))
			return (enum stack_way)way;
	argp_error(state, "--stacks is unwind, fp or none, not %s", text);
	return STACKS_NONE;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
	struct request *request = state->input;
	switch (key) {
	case 'o':
		request->output = text;
		return 0;
	case 'p':
		parse_pids(request, text, state);
		return 0;
	case 'd':
		request->duration_ns = parse_time(text, state);
		return 0;
	case 'a':
		request->host = true;
		return 0;
	case OPTION_CGROUP:
		request->cgroup = text;
		return 0;
	case 'e':
		parse_choice(request, text, state);
		return 0;
	case 'i':
		request->interval_ns = parse_time(text, state);
		return 0;
	case OPTION_SMAPS:
		request->smaps_ns = parse_time(text, state);
		return 0;
	case OPTION_PROCFS:
		request->procfs = text;
		return 0;
	case OPTION_WORDS:
		request->words = true;
		return 0;
	case OPTION_HEAP:
		parse_heap(request, text, state);
		return 0;
	case OPTION_STACKS:
		request->stacks = parse_stacks(text, state);
		return 0;
	case OPTION_MEMORY:
		request->memory = parse_size(text, state);
		return 0;
	case OPTION_CHECK:
		request->check = true;
		return 0;
	case ARGP_KEY_ARGS:
		request->command = state->argv + state->next;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static void describe(struct request *request, int argc, char **argv)
{
	size_t n = 0;
	int own = request->command ? (int)(request->command - argv) + 1 : argc;
	for (int i = 0; i < own && n < sizeof(request->cmdline); i++)
		n += (size_t)snprintf(request->cmdline + n, sizeof(request->cmdline) - n, "%s%s",
				      i ? " " : "", argv[i]);
	if (request->command)
		snprintf(request->target, sizeof(request->target), "command %s and its children",
			 request->command[0]);
	else if (request->cgroup)
		snprintf(request->target, sizeof(request->target), "the cgroup %s",
			 request->cgroup);
	else if (!request->pid_count)
		snprintf(request->target, sizeof(request->target), "the whole host");
	n = 0;
	for (size_t i = 0; i < request->pid_count && n < sizeof(request->target); i++)
		n += (size_t)snprintf(request->target + n, sizeof(request->target) - n, "%s%u",
				      i ? ", " : "process ", request->pids[i]);
}

static void print_version(FILE *stream, struct argp_state *state)
{
	(void)state;
	fprintf(stream, "memtape %s\n", MEMTAPE_VERSION);
}

static void refuse(const char *program, const char *why)
{
	fprintf(stderr, "%s: %s\n", program, why);
	exit(2);
}

static bool asks_heap(const char *choice)
{
	const char *word;
	size_t length;
	char sign;
	while ((word = choice_word(&choice, &length, &sign)))
		if (sign != '-' && choice_names(word, length, "heap"))
			return true;
	return false;
}

/* What options mean together. */
static void request_settle(struct request *request, const char *program)
{
	bool named = request->command || request->pid_count;
	if ((request->command != NULL) + (request->pid_count > 0) + (request->cgroup != NULL) +
		    request->host >
	    1)
		refuse(program, "a command, processes, a cgroup, or all: only one of them");
	if (request->procfs && (request->command || request->pid_count || request->cgroup ||
				request->host || request->choice[0] || request->duration_ns))
		refuse(program,
		       "--procfs reads recorded files: no command, process, cgroup, source or time");
	bool heap_named = request->heap_named || asks_heap(request->choice);
	named |= request->cgroup && heap_named;
	if (heap_named && !named && !request->check)
		refuse(program, "--heap=uprobe and -e heap need a command or a process");
	if (!request->heap || !(named || heap_named))
		strcat(request->choice, request->choice[0] ? ",-heap" : "-heap");
}

void request_parse(int argc, char **argv, struct request *out)
{
	static const struct argp argp = {
		table,
		parse_option,
		"[-- COMMAND ARG...]",
		"Records page faults, allocations and reclaim into a trace.\v"
		"Without a command or a process the whole host is recorded, allocations not.\n\n"
		"Example:  memtape record -d 10s -o app.mtape -- ./app\n"
		"          memtape analyze app.mtape",
		NULL,
		NULL,
		NULL,
	};
	argp_program_version_hook = print_version;
	argp_err_exit_status = 2;
	*out = (struct request){ .memory = 128 << 20,
				 .interval_ns = 10 * 1000000000LL,
				 .heap = true,
				 .stacks = STACKS_TABLES };
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, out);
	request_settle(out, argv[0]);
	describe(out, argc, argv);
}
