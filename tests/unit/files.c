/*
 * Files: what the kernel side tells of them becomes the path that the kernel shows, and a row in
 * every epoch that uses it.
 */
#include <sys/mman.h>
#include <unistd.h>
#include "bpf/definitions.h"
#include "format/reader.h"
#include "recorder/files.h"
#include "tests/check.h"

enum { DEVICE = 254 << 20 | 3, INODE = 4711, LOST = 99 };

struct known_file {
	enum file_end end;
	bool deleted;
	const char *names; /* innermost first, each followed by a comma */
	const char *path;
};

static const struct known_file known[] = {
	{ FILE_WHOLE, false, "libc.so.6,lib,usr,", "/usr/lib/libc.so.6" },
	{ FILE_WHOLE, true, "a b,tmp,", "/tmp/a b (deleted)" },
	{ FILE_WHOLE, false, "", "/" },
	{ FILE_CUT, false, "c,b,", ".../b/c" },
	{ FILE_CUT, true, "c,", ".../c (deleted)" },
	{ FILE_CUT, false, "", "..." },
	{ FILE_NAMELESS, false, "memfd:x,", "/memfd:x (deleted)" },
	{ FILE_NAMELESS, false, "dev/zero,", "/dev/zero (deleted)" },
	{ FILE_ANONYMOUS, false, "[aio],", "anon_inode:[aio]" },
	{ FILE_WHOLE, false, "x\xff\n,d,", "/d/x\xff\n" },
};

enum { KNOWN = sizeof(known) / sizeof(*known) };

static void define(struct file_definition *definition, const struct known_file *file, uint64_t key)
{
	*definition = (struct file_definition){
		.key = key,
		.device = DEVICE,
		.inode = INODE + key,
		.generation = 7,
		.kind = FILE_SHMEM,
		.end = file->end,
		.deleted = file->deleted,
		.bytes = strlen(file->names),
	};
	memset(definition->names, 'z', sizeof(definition->names)); /* what the ring held before */
	memcpy(definition->names, file->names, definition->bytes);
	for (char *at = definition->names; (at = memchr(at, ',', definition->bytes)); at++)
		*at = '\0';
}

static void learn(struct files *files)
{
	static struct file_definition definition;

	for (uint64_t key = 1; key <= KNOWN; key++) {
		define(&definition, &known[key - 1], key);
		CHECK_EQUAL(files_learn(files, &definition), 0);
		definition.inode = 1; /* sent again: the first one is kept */
		CHECK_EQUAL(files_learn(files, &definition), 0);
	}
}

/* Uses all, some of them again. */
static void use(struct files *files)
{
	uint64_t id, again, before = 0;

	for (uint64_t key = 1; key <= KNOWN; key++) {
		CHECK_EQUAL(files_define(files, key, &id), 0);
		CHECK_EQUAL(files_define(files, key, &again), 0);
		CHECK(id > before && again == id);
		before = id;
		CHECK_EQUAL(files_define(files, 1, &id), 0);
		CHECK(id && id <= again);
	}
	CHECK_EQUAL(files_define(files, 0, &id), 0);
	CHECK_EQUAL(id, 0);
	CHECK_EQUAL(files_define(files, LOST, &id), 0);
	CHECK_EQUAL(id, 0);
}

static uint64_t number(const struct batch *batch, const char *name, size_t row)
{
	return batch->columns[table_column(batch->table, name)].values[row];
}

static void check_row(const struct batch *batch, size_t row, size_t at)
{
	const ProtobufCBinaryData *path =
		&batch->columns[table_column(batch->table, "path")].texts[row];

	CHECK(at < 2 * KNOWN);
	CHECK_EQUAL(batch->epoch, at / KNOWN);
	const char *wanted = known[at % KNOWN].path;
	CHECK_EQUAL(path->len, strlen(wanted));
	CHECK(!memcmp(path->data, wanted, path->len));
	CHECK_EQUAL(number(batch, "device", row), DEVICE);
	CHECK_EQUAL(number(batch, "inode", row), INODE + at % KNOWN + 1);
	CHECK_EQUAL(number(batch, "generation", row), 7);
	CHECK_EQUAL(number(batch, "kind", row), FILE_SHMEM);
	CHECK(number(batch, "host_id", row) > 0);
}

static void check_trace(int fd)
{
	struct reader *reader;
	struct batch batch;
	char path[64];
	size_t at = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_EQUAL(reader_open(path, &reader), 0);
	while (reader_next(reader, &batch) > 0)
		for (size_t row = 0; row < batch.rows; row++)
			if (!strcmp(batch.table->name, "file"))
				check_row(&batch, row, at++);
	CHECK_EQUAL(at, 2 * KNOWN);
	reader_close(reader);
}

int main(void)
{
	struct writer_options options = { .session = { 1 }, .level = 1 };
	struct definer definer = { 0 };
	struct files *files;
	struct tasks *tasks;
	struct host host;
	int fd = memfd_create("trace", MFD_CLOEXEC);

	CHECK_EQUAL(writer_open(dup(fd), &options, &definer.writer), 0);
	definer_epoch(&definer);
	host_read(&host);
	CHECK_EQUAL(tasks_open(&definer, "", &host, &tasks), 0);
	CHECK_EQUAL(files_open(&definer, tasks, &files), 0);
	learn(files);
	use(files);
	CHECK_EQUAL(writer_epoch(definer.writer, 1), 0);
	definer_epoch(&definer);
	use(files);
	CHECK_EQUAL(files_undefined(files), 2);
	CHECK_EQUAL(writer_close(definer.writer), 0);
	check_trace(fd);
	files_close(files);
	files_close(NULL);
	tasks_close(tasks);
	close(fd);
	return 0;
}
