#include "analyzer/debug_search.h"

#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "analyzer/index.h"

enum { BUILD_ID_MAX = 64 };

struct candidate {
	char build_id[2 * BUILD_ID_MAX + 1];
	bool lines; /* it has more than symbols */
	char *path;
};

struct debug_search {
	char *folder;
	bool debuginfod;
	char nothing[1]; /* libdw's own search path: servers only */
	char *nothing_at;
	Dwfl_Callbacks callbacks;
	struct candidate *all;
	size_t n, capacity;
};

static bool has_lines(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return false;
	while ((section = elf_nextscn(elf, section))) {
		const char *name = gelf_getshdr(section, &header)
					   ? elf_strptr(elf, names, header.sh_name)
					   : NULL;

		if (name && header.sh_type != SHT_NOBITS && !strcmp(name, ".debug_info"))
			return true;
	}
	return false;
}

/* False: no ELF file, or it has no build id. */
static bool identify(const char *path, struct candidate *out)
{
	struct stat status;
	const void *id;
	Elf *elf;
	ssize_t n = 0;
	int fd;

	/* A path of a trace may name anything: nothing but a file is opened. */
	if (stat(path, &status) || !S_ISREG(status.st_mode))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return false;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF)
		n = dwelf_elf_gnu_build_id(elf, &id);
	for (ssize_t i = 0; i < n && i < BUILD_ID_MAX; i++)
		sprintf(out->build_id + 2 * i, "%02x", ((const unsigned char *)id)[i]);
	out->lines = n > 0 && has_lines(elf);
	elf_end(elf);
	close(fd);
	return n > 0;
}

static int candidates_add(struct debug_search *search, const char *path)
{
	struct candidate candidate = { 0 };

	if (!identify(path, &candidate))
		return 0;
	candidate.path = strdup(path);
	if (!candidate.path ||
	    array_grow(&search->all, &search->capacity, search->n, sizeof(*search->all))) {
		free(candidate.path);
		return -ENOMEM;
	}
	search->all[search->n++] = candidate;
	return 0;
}

static int walk_folder(struct debug_search *search)
{
	char *const roots[] = { search->folder, NULL };
	FTS *files = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int err = files ? 0 : -errno, n = 0;

	while (!err && n < DEBUG_FILES_MAX && (entry = fts_read(files))) {
		n += entry->fts_info == FTS_F;
		if (entry->fts_info == FTS_F)
			err = candidates_add(search, entry->fts_path);
		else if (!entry->fts_level && entry->fts_errno)
			err = -entry->fts_errno;
	}
	if (files)
		fts_close(files);
	return err;
}

/* libdw loads the client when it is asked for it. */
static int debuginfod_check(struct debug_search *search)
{
	Dwfl *dwfl = dwfl_begin(&search->callbacks);
	int err = !dwfl ? -ENOMEM : dwfl_get_debuginfod_client(dwfl) ? 0 : -ENOSYS;

	if (dwfl)
		dwfl_end(dwfl);
	return err;
}

int debug_search_open(const char *folder, bool walk, bool debuginfod, struct debug_search **out)
{
	struct debug_search *search = calloc(1, sizeof(*search));
	int err = 0;

	if (!search)
		return -ENOMEM;
	search->folder = strdup(folder);
	search->debuginfod = debuginfod;
	search->nothing_at = search->nothing;
	search->callbacks = (Dwfl_Callbacks){
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.debuginfo_path = &search->nothing_at,
	};
	if (!search->folder)
		err = -ENOMEM;
	if (!err && debuginfod)
		err = debuginfod_check(search);
	if (!err && walk)
		err = walk_folder(search);
	if (err)
		debug_search_close(search);
	else
		*out = search;
	return err;
}

static bool take(struct debug_found *out, const char *path)
{
	return snprintf(out->path, sizeof(out->path), "%s", path) < (int)sizeof(out->path);
}

/* Takes the file if it is the one; says why not if it is another. */
static bool find_at(const char *path, const char *build_id, bool lines, struct debug_found *out)
{
	struct candidate candidate = { 0 };

	if (!identify(path, &candidate))
		return false;
	if (strcmp(candidate.build_id, build_id)) {
		snprintf(out->refused, sizeof(out->refused), "%s", path);
		snprintf(out->why, sizeof(out->why), "its build id is %.*s", 2 * BUILD_ID_MAX,
			 candidate.build_id);
		return false;
	}
	return (candidate.lines || !lines) && take(out, path);
}

static bool find_by_name(const struct debug_search *search, const char *build_id,
			 struct debug_found *out)
{
	char path[PATH_MAX];

	return strlen(build_id) > 2 &&
	       snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s.debug", search->folder, build_id,
			build_id + 2) < (int)sizeof(path) &&
	       find_at(path, build_id, false, out);
}

/* One with lines, else any. */
static bool find_candidate(const struct debug_search *search, const char *build_id,
			   struct debug_found *out)
{
	const struct candidate *found = NULL;

	for (size_t i = 0; i < search->n; i++)
		if (!strcmp(search->all[i].build_id, build_id) &&
		    (!found || (search->all[i].lines && !found->lines)))
			found = &search->all[i];
	return found && take(out, found->path);
}

static size_t from_hex(const char *hex, unsigned char *bytes)
{
	size_t n = 0;

	while (n < BUILD_ID_MAX && sscanf(hex + 2 * n, "%2hhx", &bytes[n]) == 1)
		n++;
	return n;
}

/* libdw gives no path of what it got from a server. */
static bool path_of(int fd, char path[PATH_MAX])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	path[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* libdw asks the servers for a module of which it knows the build id only. */
static bool find_remote(struct debug_search *search, const char *build_id, struct debug_found *out)
{
	unsigned char bytes[BUILD_ID_MAX];
	size_t n = from_hex(build_id, bytes);
	Dwfl *dwfl = dwfl_begin(&search->callbacks);
	Dwfl_Module *module = dwfl ? dwfl_report_module(dwfl, build_id, 0x1000, 0x2000) : NULL;
	char path[PATH_MAX], *unused = NULL;
	bool found = false;
	int fd = -1;

	if (module && n && !dwfl_module_report_build_id(module, bytes, n, 0x1000))
		fd = dwfl_standard_find_debuginfo(module, NULL, NULL, 0, NULL, NULL, 0, &unused);
	if (fd >= 0) {
		found = path_of(fd, path) && find_at(path, build_id, false, out);
		close(fd);
	}
	if (dwfl)
		dwfl_end(dwfl);
	free(unused);
	return found;
}

int debug_search_find(struct debug_search *search, const char *build_id, const char *path,
		      struct debug_found *out)
{
	memset(out, 0, sizeof(*out));
	if (find_by_name(search, build_id, out) || find_candidate(search, build_id, out) ||
	    (path && find_at(path, build_id, true, out)) ||
	    (search->debuginfod && find_remote(search, build_id, out)))
		return 0;
	return -ENOENT;
}

void debug_search_close(struct debug_search *search)
{
	if (!search)
		return;
	for (size_t i = 0; i < search->n; i++)
		free(search->all[i].path);
	free(search->all);
	free(search->folder);
	free(search);
}
