/*
 * The kernel's reports of the out-of-memory killer, line by line as they stand in its log, taken
 * apart by the words in them: what kernels since 4.x print, global or of a memory cgroup, whole,
 * interleaved with other lines, or only the end.
 *
 * A report is a number of facts: of a kind, with a name, and a number or a text.
 *
 *   trigger  of the task that could not allocate: comm, pid, gfp_mask, order, ...
 *   limit    of the cgroup: memory.usage, memory.limit, memory.failcnt, memory+swap..., swap...
 *   cgroup   path, and what memory.stat says
 *   memory   of the host, pages where it has no unit: active_anon, pages RAM, Free swap, ...
 *   node     of one node (number), kB;  zone  of one zone (number: the node, name "DMA free")
 *   task     of a task in the table (number: its pid), by the table's own head
 *   kill     constraint, oom_memcg, task, pid, ...: the line oom-kill:
 *   chosen   killed   reaped   of the victim (number: its pid): comm, total-vm, anon-rss, ...
 *   stack    a line of the stack;  other  a line that is not understood, as it stands
 */
#ifndef ANALYZER_KMSG_OOM_H
#define ANALYZER_KMSG_OOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oom_fact {
	int64_t report; /* counted from 1 */
	const char *kind, *name;
	bool has_number, has_value;
	int64_t number, value;
	const char *text; /* NULL: none */
	const char *unit; /* NULL: none */
};

/* Takes a fact, whose texts live as long as the call. 0 or -errno. */
typedef int (*oom_take)(void *context, const struct oom_fact *);

enum { OOM_COLUMNS_MAX = 24, OOM_LINE_MAX = 8192 };

struct oom_parser {
	oom_take take;
	void *context;
	int64_t report;
	bool open;       /* a report has begun and not ended */
	bool statistics; /* lines "name number" of a cgroup */
	bool memory;     /* behind Mem-Info: */
	bool stack;      /* behind the line of the CPU */
	int n_columns;   /* of the table of tasks; 0: its head was not seen */
	char columns[OOM_COLUMNS_MAX][24];
	int error;
};

/* Takes a line, without its stamp. 0 or what the taker returned. */
int oom_line(struct oom_parser *, const char *message, size_t length);

#endif
