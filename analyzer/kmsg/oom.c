#include "analyzer/kmsg/oom.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static void give(struct oom_parser *parser, struct oom_fact fact)
{
	fact.report = parser->report;
	if (!parser->error)
		parser->error = parser->take(parser->context, &fact);
}

static void give_text(struct oom_parser *parser, const char *kind, const char *name,
		      const char *text)
{
	give(parser, (struct oom_fact){ .kind = kind, .name = name, .text = text });
}

/* A number with a unit or without, decimal or hexadecimal; else it is a text. */
static void give_word(struct oom_parser *parser, struct oom_fact fact, const char *word)
{
	char *end;
	fact.text = word;
	errno = 0;
	fact.value = strtoll(word, &end, begins(word, "0x") ? 16 : 10);
	fact.has_value = end > word && !errno &&
			 (!*end || isalpha((unsigned char)*end) || *end == '(');
	if (fact.has_value && (!strcmp(end, "kB") || !strcmp(end, "KB")))
		fact.unit = "kB";
	else if (fact.has_value && *end && *end != '(')
		fact.has_value = false;
	give(parser, fact);
}

static void report_begin(struct oom_parser *parser)
{
	parser->report++;
	parser->open = true;
	parser->statistics = parser->memory = parser->stack = false;
	parser->n_columns = 0;
}

/* "name<equals>value<separators>...": every pair is a fact. */
static void pairs_take(struct oom_parser *parser, struct oom_fact fact, char *text, char equals,
		       const char *separators)
{
	for (char *pair; (pair = strsep(&text, separators));) {
		char *value = strchr(pair, equals);
		if (!value || value == pair)
			continue;
		*value++ = '\0';
		value[strcspn(value, ",")] = '\0';
		fact.name = pair;
		give_word(parser, fact, value);
	}
}

/* ---- lines */

/* "COMM invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0" */
static bool trigger_line(struct oom_parser *parser, char *line)
{
	static const char words[] = " invoked oom-killer: ";
	char *at = strstr(line, words);
	if (!at)
		return false;
	report_begin(parser);
	*at = '\0';
	give_text(parser, "trigger", "comm", line);
	pairs_take(parser, (struct oom_fact){ .kind = "trigger" }, at + strlen(words), '=', " ");
	return true;
}

/* "CPU: 1 UID: 0 PID: 1234 Comm: x Not tainted 6.1.0": names and values take turns. */
static bool cpu_line(struct oom_parser *parser, char *line)
{
	char *pid = strstr(line, " PID: ");
	if (!begins(line, "CPU: ") || !pid)
		return false;
	parser->stack = true;
	pid += strlen(" PID: ");
	pid[strcspn(pid, " ")] = '\0';
	give_word(parser, (struct oom_fact){ .kind = "trigger", .name = "pid" }, pid);
	return true;
}

/* "memory: usage 1kB, limit 1kB, failcnt 1" */
static bool limit_line(struct oom_parser *parser, char *line)
{
	char *usage = strstr(line, ": usage "), name[64];
	if (!usage || usage - line > 16)
		return false;
	*usage = '\0';
	parser->stack = false;
	char *rest = usage + 2;
	for (char *pair; (pair = strsep(&rest, ","));) {
		pair += strspn(pair, " ");
		char *value = strchr(pair, ' ');
		if (!value)
			continue;
		*value++ = '\0';
		snprintf(name, sizeof(name), "%s.%s", line, pair);
		give_word(parser, (struct oom_fact){ .kind = "limit", .name = name }, value);
	}
	return true;
}

/* "Memory cgroup stats for /x:", on kernels before 5.x with "cache:0KB rss:1KB" behind it. */
static bool cgroup_line(struct oom_parser *parser, char *line)
{
	static const char words[] = "Memory cgroup stats for ";
	if (!begins(line, words))
		return false;
	char *path = line + strlen(words), *end = strstr(path, ": ");
	parser->statistics = true;
	parser->stack = false;
	if (!end)
		end = path + strlen(path) - (path[0] && path[strlen(path) - 1] == ':');
	char *rest = *end ? end + 1 : end;
	*end = '\0';
	give_text(parser, "cgroup", "path", path);
	pairs_take(parser, (struct oom_fact){ .kind = "cgroup" }, rest, ':', " ");
	return true;
}

/* "Task in /a killed as a result of limit of /b", before 5.0 */
static bool task_in_line(struct oom_parser *parser, char *line)
{
	static const char words[] = " killed as a result of limit of ";
	char *at = strstr(line, words);
	if (!begins(line, "Task in ") || !at)
		return false;
	*at = '\0';
	give_text(parser, "kill", "task_memcg", line + strlen("Task in "));
	give_text(parser, "kill", "oom_memcg", at + strlen(words));
	return true;
}

/* "anon 1234", below the line of the cgroup */
static bool statistic_line(struct oom_parser *parser, char *line)
{
	char name[64], value[32], more;
	if (!parser->statistics || sscanf(line, "%63[a-z_0-9] %31[0-9]%c", name, value, &more) != 2)
		return false;
	give_word(parser, (struct oom_fact){ .kind = "cgroup", .name = name }, value);
	return true;
}

/* "[  pid  ]   uid  tgid total_vm      rss ... name": what columns there are, says the kernel. */
static bool table_head(struct oom_parser *parser, char *line)
{
	char *rest = strchr(line, ']');
	if (line[0] != '[' || !rest || !strstr(line, "pid") || !strstr(rest, "total_vm"))
		return false;
	parser->statistics = parser->memory = parser->stack = false;
	parser->n_columns = 0;
	rest++;
	for (char *word; (word = strsep(&rest, " ")) && parser->n_columns < OOM_COLUMNS_MAX;)
		if (*word)
			snprintf(parser->columns[parser->n_columns++], sizeof(*parser->columns),
				 "%s", word);
	return true;
}

/* The last column, the name, may hold anything. */
static bool table_row(struct oom_parser *parser, char *line)
{
	char *rest = strchr(line, ']'), *end;
	int64_t pid = strtoll(line + 1, &end, 10);
	if (line[0] != '[' || !parser->n_columns || !rest || end + strspn(end, " ") != rest)
		return false;
	rest++;
	for (int i = 0; i < parser->n_columns; i++) {
		struct oom_fact fact = { .kind = "task",
					 .name = parser->columns[i],
					 .has_number = true,
					 .number = pid };
		rest += strspn(rest, " ");
		bool last = i == parser->n_columns - 1;
		char *next = last ? rest + strlen(rest) : rest + strcspn(rest, " ");
		bool more = *next;
		*next = '\0';
		if (last)
			fact.text = rest, give(parser, fact);
		else
			give_word(parser, fact, rest);
		rest = next + more;
	}
	return true;
}

/* "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),...,task=x,pid=1,uid=0"; the name of the
 * task may hold commas. */
static bool kill_line(struct oom_parser *parser, char *line)
{
	static const char words[] = "oom-kill:";
	char *task = strstr(line, ",task="), *pid = NULL;
	if (!begins(line, words))
		return false;
	if (!parser->open)
		report_begin(parser);
	for (char *at = task; at && (at = strstr(at + 1, ",pid="));)
		pid = at;
	if (pid) {
		*task = *pid = '\0';
		give_text(parser, "kill", "task", task + strlen(",task="));
		pairs_take(parser, (struct oom_fact){ .kind = "kill" }, pid + 1, '=', ",");
	}
	if (strstr(line, ",global_oom"))
		give_text(parser, "kill", "global_oom", "");
	pairs_take(parser, (struct oom_fact){ .kind = "kill" }, line + strlen(words), '=', ",");
	return true;
}

/* "NNN (NAME) ..." behind the words; the name ends at the last bracket before the pairs. */
static bool victim_take(struct oom_parser *parser, const char *kind, char *text)
{
	char *name, *end = NULL;
	struct oom_fact fact = { .kind = kind, .has_number = true };
	fact.number = strtoll(text, &name, 10);
	if (name == text || name[0] != ' ' || name[1] != '(')
		return false;
	name += 2;
	for (char *at = name; (at = strchr(at, ')')); at++)
		end = at;
	if (!end)
		return false;
	*end = '\0';
	fact.name = "comm";
	fact.text = name;
	give(parser, fact);
	char *score = strstr(end + 1, "score ");
	if (!strcmp(kind, "chosen") && score) {
		score += strlen("score ");
		score[strcspn(score, " ")] = '\0';
		fact.name = "score";
		give_word(parser, fact, score);
		return true;
	}
	fact.text = NULL;
	pairs_take(parser, fact, end + 1, ':', " ");
	return true;
}

/* "Out of memory: Killed process 1 (x) total-vm:1kB, ..."; before 4.18 or so "Kill process" first.
 */
static bool victim_line(struct oom_parser *parser, char *line)
{
	char *killed = strstr(line, "Killed process "), *chosen = strstr(line, "Kill process ");
	char *at = killed ? killed : chosen;
	if (!at)
		return false;
	if (!parser->open)
		report_begin(parser);
	char *prefix = line;
	size_t length = (size_t)(at - line);
	while (length && strchr(": ", prefix[length - 1]))
		length--;
	char text[128];
	snprintf(text, sizeof(text), "%.*s", (int)length, prefix);
	if (length)
		give_text(parser, "kill", "message", text);
	if (!victim_take(parser, killed ? "killed" : "chosen",
			 at + strlen(killed ? "Killed process " : "Kill process ")))
		give_text(parser, "other", "", line);
	parser->open = !killed;
	return true;
}

static bool reaped_line(struct oom_parser *parser, char *line)
{
	static const char words[] = "oom_reaper: reaped process ";
	return begins(line, words) && parser->report &&
	       victim_take(parser, "reaped", line + strlen(words));
}

/* The log begins in the middle of a table: what its columns are is not known. */
static bool orphan_line(struct oom_parser *parser, char *line)
{
	int64_t pid, uid, tgid, vm, rss, more;
	if (parser->open ||
	    sscanf(line, "[ %" SCNd64 "] %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64,
		   &pid, &uid, &tgid, &vm, &rss, &more) != 6)
		return false;
	report_begin(parser);
	give_text(parser, "other", "", line);
	return true;
}

static bool nobody_line(struct oom_parser *parser, char *line)
{
	if (!parser->open || !strstr(line, "no killable processes"))
		return false;
	give_text(parser, "kill", "message", line);
	parser->open = false;
	return true;
}

/* ---- the host's memory */

/* "Node 0 DMA free:15360kB min:..." and "Node 0 active_anon:1kB ..." */
static bool node_line(struct oom_parser *parser, char *line)
{
	char zone[32] = "", name[96], *rest = line;
	int node, used = 0;
	if (sscanf(line, "Node %d %n", &node, &used) != 1 || !used)
		return false;
	rest += used;
	size_t length = strcspn(rest, " ");
	if (length && rest[length - 1] == ':') { /* blocks: "DMA: 0*4kB ... = 15360kB" */
		give(parser, (struct oom_fact){ .kind = "node",
						.name = "blocks",
						.has_number = true,
						.number = node,
						.text = rest });
		return true;
	}
	if (!memchr(rest, ':', length) && !memchr(rest, '=', length)) {
		snprintf(zone, sizeof(zone), "%.*s", (int)length, rest);
		rest += length;
	}
	for (char *pair; (pair = strsep(&rest, " "));) {
		char *value = strpbrk(pair, ":=");
		if (!value)
			continue;
		*value++ = '\0';
		snprintf(name, sizeof(name), "%s%s%s", zone, zone[0] ? " " : "", pair);
		give_word(parser,
			  (struct oom_fact){ .kind = zone[0] ? "zone" : "node",
					     .name = name,
					     .has_number = true,
					     .number = node },
			  value);
	}
	return true;
}

/* "6170914 pages RAM", "Free swap  = 0kB" */
static bool count_line(struct oom_parser *parser, char *line)
{
	char *name, *equals = strstr(line, "swap ");
	int64_t value = strtoll(line, &name, 10);
	if (name > line && *name == ' ' && strstr(name, "page")) {
		give(parser, (struct oom_fact){ .kind = "memory",
						.name = name + 1,
						.has_value = true,
						.value = value });
		return true;
	}
	if (!equals || !(equals = strstr(equals, "= ")) ||
	    (!begins(line, "Free swap") && !begins(line, "Total swap")))
		return false;
	line[strcspn(line, " ") + strlen(" swap")] = '\0';
	give_word(parser, (struct oom_fact){ .kind = "memory", .name = line }, equals + 2);
	return true;
}

static bool memory_line(struct oom_parser *parser, char *line)
{
	if (begins(line, "Mem-Info:")) {
		parser->memory = true;
		parser->stack = parser->statistics = false;
		return true;
	}
	if (!parser->memory)
		return false;
	if (node_line(parser, line) || count_line(parser, line))
		return true;
	if (begins(line, "lowmem_reserve[]") || begins(line, "Swap cache stats"))
		return true;
	line += strspn(line, " ");
	if (!isalpha((unsigned char)line[0]) || !memchr(line, ':', strcspn(line, " ")))
		return false;
	pairs_take(parser, (struct oom_fact){ .kind = "memory" }, line, ':', " ");
	return true;
}

static bool known_line(const char *line)
{
	return (strstr(line, " cpuset=") && strstr(line, " mems_allowed=")) ||
	       begins(line, "Tasks state (memory values in pages)") ||
	       begins(line, "Call Trace:") || begins(line, " <TASK>") || begins(line, " </TASK>") ||
	       begins(line, "Hardware name:");
}

typedef bool (*line_parser)(struct oom_parser *, char *);

static bool try(struct oom_parser *parser, line_parser parse, const char *line, char *copy)
{
	strcpy(copy, line);
	return parse(parser, copy);
}

int oom_line(struct oom_parser *parser, const char *message, size_t length)
{
	static const line_parser anywhere[] = { trigger_line, kill_line,   victim_line,
						reaped_line,  orphan_line, nobody_line };
	static const line_parser inside[] = { cpu_line,   limit_line, cgroup_line, task_in_line,
					      table_head, table_row,  memory_line, statistic_line };
	char line[OOM_LINE_MAX + 1], copy[OOM_LINE_MAX + 1];
	if (length > OOM_LINE_MAX)
		length = OOM_LINE_MAX;
	memcpy(line, message, length);
	line[length] = '\0';
	for (char *at = line; (at = strstr(at, "\\x0a"));) /* lines of one message, in /dev/kmsg */
		memcpy(at, "    ", 4);
	for (size_t i = 0; i < sizeof(anywhere) / sizeof(*anywhere); i++)
		if (try(parser, anywhere[i], line, copy))
			return parser->error;
	if (!parser->open)
		return parser->error;
	for (size_t i = 0; i < sizeof(inside) / sizeof(*inside); i++)
		if (try(parser, inside[i], line, copy))
			return parser->error;
	if (!known_line(line))
		give_text(parser, parser->stack ? "stack" : "other", "", line);
	return parser->error;
}
