/*
 * Processes: what /proc says of those that run, what the kernel tells of new ones, and the rows
 * that become of them, parents first, in every epoch anew.
 */
#include <sys/prctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "format/reader.h"
#include "recorder/tasks.h"
#include "tests/check.h"

enum { NOBODY = 1 << 24, PARENT, CHILD, ROWS_MAX = 32 };

/* A row of `process`. */
struct process_row {
	uint64_t id, host_id, parent_id, pid, start_ticks, exec_count, target, incomplete,
		faults_before;
	uint64_t uid;
	char comm[32];
	bool uid_null, comm_null;
	uint32_t epoch;
};

struct process_rows {
	struct process_row rows[ROWS_MAX];
	size_t count;
};

static uint64_t number(const struct batch *batch, const char *name, size_t row)
{
	return batch->columns[table_column(batch->table, name)].values[row];
}

static void row_take(struct process_row *out, const struct batch *batch, size_t row)
{
	const struct column *comm = &batch->columns[table_column(batch->table, "comm")];
	const struct column *uid = &batch->columns[table_column(batch->table, "uid")];

	*out = (struct process_row){
		.id = number(batch, "id", row),
		.host_id = number(batch, "host_id", row),
		.parent_id = number(batch, "parent_id", row),
		.pid = number(batch, "pid", row),
		.start_ticks = number(batch, "start_ticks", row),
		.exec_count = number(batch, "exec_count", row),
		.target = number(batch, "target", row),
		.incomplete = number(batch, "incomplete", row),
		.faults_before = number(batch, "faults_before", row),
		.uid = uid->values[row],
		.uid_null = column_null(uid, row),
		.comm_null = column_null(comm, row),
		.epoch = batch->epoch,
	};
	if (!out->comm_null)
		snprintf(out->comm, sizeof(out->comm), "%.*s", (int)comm->texts[row].len,
			 comm->texts[row].data);
}

/* The rows of `process` in the trace, and how many of `host` there are. */
static struct process_rows rows_read(int fd, int *hosts)
{
	struct process_rows rows = { 0 };
	struct reader *reader;
	struct batch batch;
	char path[64];

	*hosts = 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_EQUAL(reader_open(path, &reader), 0);
	while (reader_next(reader, &batch) > 0) {
		*hosts += strcmp(batch.table->name, "host") ? 0 : (int)batch.rows;
		for (size_t row = 0; row < batch.rows; row++) {
			if (strcmp(batch.table->name, "process"))
				break;
			CHECK(rows.count < ROWS_MAX);
			row_take(&rows.rows[rows.count++], &batch, row);
		}
	}
	reader_close(reader);
	return rows;
}

static struct writer *writer_begin(int *fd)
{
	struct writer_options options = { .session = { 1 }, .level = 1 };
	struct writer *writer;

	*fd = memfd_create("trace", MFD_CLOEXEC);
	CHECK(*fd >= 0);
	CHECK_EQUAL(writer_open(dup(*fd), &options, &writer), 0);
	return writer;
}

/* Field 22 of /proc/PID/stat, counted behind the last parenthesis. */
static uint64_t start_ticks(pid_t pid)
{
	char path[64], text[2048], *at;
	unsigned long ticks;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	CHECK(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	at = strrchr(text, ')');
	CHECK(at);
	for (int field = 2; field < 22; field++) {
		at = strchr(at + 1, ' ');
		CHECK(at);
	}
	CHECK(sscanf(at, "%lu", &ticks) == 1);
	return ticks;
}

/* A name may hold what the line in /proc is told apart by. */
static void check_running(const char *name)
{
	struct definer definer = { 0 };
	struct tasks *tasks;
	struct host host;

	CHECK(!prctl(PR_SET_NAME, name));
	definer_epoch(&definer);
	host_read(&host);
	CHECK_EQUAL(tasks_open(&definer, "", &host, &tasks), 0);
	CHECK(!tasks_known(tasks, (uint32_t)getpid()));
	struct process *self = tasks_get(tasks, (uint32_t)getpid());
	CHECK(self && tasks_known(tasks, (uint32_t)getpid()) == self);
	CHECK(tasks_get(tasks, (uint32_t)getpid()) == self);
	CHECK_EQUAL(self->tgid, getpid());
	CHECK_TEXT(self->comm, name);
	CHECK_EQUAL(self->start_ticks, start_ticks(getpid()));
	CHECK_EQUAL(self->uid, getuid());
	CHECK(!self->target && !self->faults_before);
	process_begin(self);
	CHECK(self->target && self->faults_before > 0);
	tasks_close(tasks);
}

static struct process *learn(struct tasks *tasks, uint32_t tgid, uint32_t parent, const char *comm,
			     bool exec)
{
	char padded[16];
	struct task_news news = {
		.tgid = tgid,
		.parent_tgid = parent,
		.start_boottime_ns = 1000000000ULL * tgid + 999,
		.uid = 1000,
		.exec = exec,
		.comm = padded,
	};

	memset(padded, 'x', sizeof(padded)); /* the kernel's is not always ended */
	memcpy(padded, comm, strlen(comm) + 1 < 16 ? strlen(comm) + 1 : 16);
	struct process *process = tasks_learn(tasks, &news);
	CHECK(process);
	CHECK(tasks_get(tasks, tgid) == process);
	CHECK_EQUAL(process->start_ticks, (uint64_t)tgid * (uint64_t)sysconf(_SC_CLK_TCK));
	CHECK(process->target && process->uid == 1000);
	return process;
}

static void check_news(struct tasks *tasks)
{
	struct process *parent = learn(tasks, PARENT, NOBODY, "parent", false);
	struct process *child = learn(tasks, CHILD, PARENT, "parent", false);

	CHECK(child->parent == parent && !child->before && child->exec_count == 0);
	CHECK_EQUAL(parent->parent->tgid, NOBODY);
	CHECK(!child->incomplete);
	child->incomplete = true;
	struct process *program = learn(tasks, CHILD, PARENT, "fifteen-letters", true);
	CHECK(program->incomplete);
	CHECK(program != child && program->before == child && program->exec_count == 1);
	CHECK(program->parent == parent);
	CHECK_TEXT(program->comm, "fifteen-letters");
	CHECK_TEXT(child->comm, "parent");
	/* Its parent has died, and init took it over: it stays its parent's child. */
	struct process *third = learn(tasks, CHILD, NOBODY, "third", true);
	CHECK(third->before == program && third->exec_count == 2 && third->parent == parent);
	/* The same pid, another process. */
	struct process *other = learn(tasks, CHILD, NOBODY, "other", false);
	CHECK(!other->incomplete);
	CHECK(!other->before && other->exec_count == 0 && other->parent->tgid == NOBODY);
	/* An exec of a process that was never met. */
	struct process *unmet = learn(tasks, CHILD + 1, PARENT, "unmet", true);
	CHECK(!unmet->before && unmet->exec_count == 0 && unmet->parent == parent);
}

static void define_all(struct tasks *tasks)
{
	struct process *unmet = tasks_get(tasks, CHILD + 1);
	uint64_t id = 0, again = 0;

	CHECK_EQUAL(process_define(tasks, unmet, &id), 0);
	CHECK(id > 0);
	CHECK_EQUAL(process_define(tasks, unmet, &again), 0);
	CHECK_EQUAL(again, id);
	unmet->incomplete = true;
	CHECK_EQUAL(process_define(tasks, tasks_get(tasks, CHILD), &again), 0);
	CHECK(again != id);
	CHECK_EQUAL(process_define(tasks, NULL, &again), 0);
	CHECK_EQUAL(again, 0);
}

/* NOBODY, PARENT and "unmet", then "other" of the same parent. */
static void check_epoch(const struct process_row *rows, uint32_t epoch)
{
	for (int i = 0; i < 4; i++)
		CHECK(rows[i].epoch == epoch && rows[i].host_id && rows[i].id &&
		      rows[i].host_id == rows[0].host_id);
	CHECK(rows[0].pid == NOBODY && rows[0].comm_null && rows[0].uid_null);
	CHECK(!rows[0].start_ticks && !rows[0].target && !rows[0].parent_id);
	CHECK_EQUAL(rows[1].pid, PARENT);
	CHECK_EQUAL(rows[1].parent_id, rows[0].id);
	CHECK_TEXT(rows[1].comm, "parent");
	CHECK(rows[1].uid == 1000 && !rows[1].uid_null && rows[1].target && !rows[1].exec_count);
	CHECK_EQUAL(rows[2].pid, CHILD + 1);
	CHECK_EQUAL(rows[2].parent_id, rows[1].id);
	CHECK_EQUAL(rows[2].incomplete, epoch > 0); /* known only after the first epoch's row */
	CHECK_EQUAL(rows[3].pid, CHILD);
	CHECK_EQUAL(rows[3].parent_id, rows[0].id);
	CHECK_TEXT(rows[3].comm, "other");
}

static void check_rows(void)
{
	struct definer definer = { 0 };
	struct process_rows rows;
	struct tasks *tasks;
	struct host host;
	int fd, hosts;

	definer.writer = writer_begin(&fd);
	definer_epoch(&definer);
	host_read(&host);
	CHECK_EQUAL(tasks_open(&definer, "", &host, &tasks), 0);
	check_news(tasks);
	define_all(tasks);
	CHECK_EQUAL(writer_epoch(definer.writer, 1), 0);
	definer_epoch(&definer);
	define_all(tasks);
	CHECK_EQUAL(writer_close(definer.writer), 0);
	rows = rows_read(fd, &hosts);
	CHECK_EQUAL(rows.count, 8);
	CHECK_EQUAL(hosts, 2);
	check_epoch(rows.rows, 0);
	check_epoch(rows.rows + 4, 1);
	for (int i = 0; i < 4; i++) /* a process is the same in every epoch */
		CHECK_EQUAL(rows.rows[i].id, rows.rows[i + 4].id);
	tasks_close(tasks);
	tasks_close(NULL);
	close(fd);
}

int main(void)
{
	/* So that a user's number is not its group's. */
	CHECK(geteuid() || !setregid(getuid() + 7, -1));
	check_running("plain");
	check_running("a) R 1 (b");
	check_running(") S 1 2 3 4 5 (");
	check_running("");
	check_rows();
	return 0;
}
