#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "recorder/cgroups.h"
#include "recorder/target.h"

/* The user who called sudo; a command of root's stays root's. 0 or -errno. */
static int become_caller(void)
{
	const char *uid = getenv("SUDO_UID"), *gid = getenv("SUDO_GID");
	if (geteuid() || !uid || !gid)
		return 0;
	uid_t user = (uid_t)strtoul(uid, NULL, 10);
	gid_t group = (gid_t)strtoul(gid, NULL, 10);
	const struct passwd *entry = getpwuid(user);
	if (entry ? initgroups(entry->pw_name, group) : setgroups(0, NULL))
		return -errno;
	if (setgid(group) || setuid(user))
		return -errno;
	return 0;
}

static void child_run(int gate, int report, char *const argv[])
{
	char byte;
	int error = read(gate, &byte, 1) == 1 ? become_caller() : -ECANCELED;
	if (!error) {
		execvp(argv[0], argv);
		error = -errno;
	}
	if (write(report, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

static int pidfd(uint32_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return fd < 0 ? -errno : fd;
}

int target_start(struct target *target, char *const argv[])
{
	int gate[2], report[2];
	if (pipe2(gate, O_CLOEXEC))
		return -errno;
	if (pipe2(report, O_CLOEXEC)) {
		close(gate[0]);
		close(gate[1]);
		return -errno;
	}
	pid_t pid = fork();
	if (!pid) {
		close(gate[1]);
		child_run(gate[0], report[1], argv);
	}
	int error = pid < 0 ? -errno : 0;
	close(gate[0]);
	close(report[1]);
	target->gate = gate[1];
	target->report = report[0];
	target->pids[0] = (uint32_t)pid;
	target->started = !error;
	target->count = !error;
	target->pidfds[0] = -1;
	return error;
}

int target_take(struct target *target, const uint32_t *pids, size_t count, size_t *which)
{
	target->gate = target->report = -1;
	for (*which = 0; *which < count; ++*which) {
		int fd = pidfd(pids[*which]);
		if (fd < 0)
			/* A thread is no process: EINVAL, on newer kernels ENOENT. */
			return fd == -EINVAL || fd == -ENOENT ? -ESRCH : fd;
		target->pids[target->count] = pids[*which];
		target->pidfds[target->count++] = fd;
	}
	return 0;
}

int target_take_cgroup(struct target *target, const char *path)
{
	char mount[PATH_MAX / 2];
	struct stat root, its;
	if (cgroups_mount(mount, sizeof(mount), &target->cgroup_version_1) || stat(mount, &root))
		return -ENOENT;
	if (strncmp(path, mount, strlen(mount)) && !stat(path, &its))
		return -EXDEV;
	bool whole = !strncmp(path, mount, strlen(mount));
	snprintf(target->cgroup_path, sizeof(target->cgroup_path), "%s%s%s", whole ? "" : mount,
		 whole || path[0] == '/' ? "" : "/", path);
	if (stat(target->cgroup_path, &its))
		return -errno;
	if (its.st_dev != root.st_dev || !S_ISDIR(its.st_mode))
		return -EXDEV;
	target->cgroup = its.st_ino;
	return 0;
}

static int members_of(const char *directory, int (*each)(void *, uint32_t), void *context)
{
	char path[PATH_MAX];
	uint32_t pid;
	int error = 0;
	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	while (!error && fscanf(file, "%u", &pid) == 1)
		error = pid ? each(context, pid) : 0;
	fclose(file);
	return error;
}

/* A directory that goes away meanwhile has no members. */
int target_each_member(const struct target *target, int (*each)(void *, uint32_t), void *context)
{
	char *roots[] = { (char *)target->cgroup_path, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	const FTSENT *entry;
	int error = tree ? 0 : -errno;
	while (!error && (entry = fts_read(tree)))
		if (entry->fts_info == FTS_D)
			error = members_of(entry->fts_path, each, context);
	if (tree)
		fts_close(tree);
	return error;
}

int target_go(struct target *target)
{
	int error = 0;
	if (!target->started)
		return 0;
	if (write(target->gate, "", 1) != 1)
		return -errno;
	close(target->gate);
	target->gate = -1;
	ssize_t n;
	do
		n = read(target->report, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	target->exec_error = n == sizeof(error) ? error : 0;
	return target->exec_error;
}

bool target_ended(struct target *target)
{
	if (target->started) {
		if (target->pids[0] &&
		    waitpid((pid_t)target->pids[0], &target->status, WNOHANG) != 0)
			target->pids[0] = 0;
		return !target->pids[0];
	}
	for (size_t i = 0; i < target->count; i++) {
		struct pollfd poller = { .fd = target->pidfds[i], .events = POLLIN };
		if (poll(&poller, 1, 0) == 0)
			return false;
	}
	return target->cgroup ? access(target->cgroup_path, F_OK) != 0 : target->count > 0;
}

void target_release(struct target *target)
{
	if (target->started && target->gate >= 0) {
		close(target->gate);
		waitpid((pid_t)target->pids[0], &target->status, 0);
	}
	if (target->started)
		close(target->report);
	for (size_t i = 0; !target->started && i < target->count; i++)
		close(target->pidfds[i]);
	*target = (struct target){ .gate = -1, .report = -1 };
}
