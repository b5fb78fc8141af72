#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include "recorder/session.h"
#include "recorder/texts.h"
#include "recorder/tree.h"

struct tree {
	const struct tree_options *options;
	struct writer *writer;
	struct definer definer;
	struct host host;
	struct session session;
	struct ladder ladder;
	struct tasks *tasks;
	struct texts *texts;
	int64_t ts_ns, realtime_ns;
};

static bool has_proc(const char *folder)
{
	char path[PATH_MAX + 8];
	struct stat stat_;
	snprintf(path, sizeof(path), "%s/proc", folder);
	return !stat(path, &stat_) && S_ISDIR(stat_.st_mode);
}

static int epoch_begin(struct tree *tree)
{
	definer_epoch(&tree->definer);
	int error = session_write(&tree->session, &tree->ladder, tree->writer);
	return error ? error : clock_write_at(tree->writer, tree->ts_ns, tree->realtime_ns);
}

static int texts_begin(struct tree *tree, const char *root)
{
	const struct texts_options options = { .interval_ns = 1,
					       .smaps_ns = tree->options->smaps,
					       .cmdline = tree->options->cmdline,
					       .root = root };
	return texts_open(&options, tree->writer, tree->tasks, &tree->texts);
}

/* The first instant says what host it is. */
static int begin(struct tree *tree, const char *root)
{
	const struct source_state state = { "procfs", "recorded tree", "used", "" };
	host_read_tree(&tree->host, root);
	tree->session = (struct session){ .start_ns = tree->ts_ns,
					  .cmdline = tree->options->words,
					  .target = "a recorded tree",
					  .host = &tree->host };
	int error = ladder_tell(&tree->ladder, &state);
	if (!error)
		error = tasks_open(&tree->definer, root, &tree->host, &tree->tasks);
	if (!error)
		error = epoch_begin(tree);
	return error ? error : texts_begin(tree, root);
}

static int go_on(struct tree *tree, const char *root)
{
	int error = writer_epoch(tree->writer, tree->ts_ns);
	if (!error)
		error = epoch_begin(tree);
	tasks_move(tree->tasks, root);
	return error ? error : texts_move(tree->texts, root);
}

static int instant_record(struct tree *tree, const char *root)
{
	int error = host_tree_time(root, &tree->ts_ns, &tree->realtime_ns);
	if (!error)
		error = tree->texts ? go_on(tree, root) : begin(tree, root);
	if (!error)
		error = texts_end(tree->texts, tree->ts_ns);
	return error ? error : texts_second(tree->texts, tree->ts_ns);
}

static int is_instant(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int instants_record(struct tree *tree)
{
	struct dirent **names = NULL;
	const char *root = tree->options->root;
	int n = scandir(root, &names, is_instant, alphasort), error = n < 0 ? -errno : 0;
	char path[PATH_MAX];
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", root, names[i]->d_name);
		if (!error && has_proc(path))
			error = instant_record(tree, path);
		free(names[i]);
	}
	free(names);
	return error || tree->texts ? error : -ENOENT;
}

static int end(struct tree *tree)
{
	struct row row;
	row_begin(&row, "end");
	row_number(&row, "ts_ns", (uint64_t)tree->ts_ns);
	row_text(&row, "reason", "recorded tree");
	return row_write(&row, tree->writer);
}

int tree_record(const struct tree_options *options, int fd, char *why, size_t size)
{
	struct tree tree = { .options = options };
	struct writer_options how = { .level = 19 };
	int error = getrandom(how.session, sizeof(how.session), 0) == sizeof(how.session) ? 0
											  : -EIO;
	if (!error)
		error = writer_open(fd, &how, &tree.writer);
	tree.definer.writer = tree.writer;
	if (!error)
		error = has_proc(options->root) ? instant_record(&tree, options->root)
						: instants_record(&tree);
	if (!error)
		error = end(&tree);
	texts_close(tree.texts);
	tasks_close(tree.tasks);
	ladder_release(&tree.ladder);
	int closing = writer_close(tree.writer);
	error = error ? error : closing;
	if (error == -ENOENT)
		snprintf(why, size, "has no proc with uptime and stat");
	else if (error)
		snprintf(why, size, "%s", strerror(-error));
	return error;
}
