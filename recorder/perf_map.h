/*
 * Names of code that a process makes while it runs (JIT): it writes them to /tmp/perf-PID.map, a
 * line "START SIZE NAME" each, addresses in hexadecimal. The file is not trusted: it must be a
 * regular file of the process's user or of root, and what does not parse is left out.
 */
#ifndef RECORDER_PERF_MAP_H
#define RECORDER_PERF_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stands behind is not read, and there are no more names. */
#define PERF_MAP_BYTES_MAX (64 << 20)
#define PERF_MAP_NAMES_MAX (1 << 20)
#define PERF_MAP_LINE_MAX 4096

struct perf_map;

/*
 * Of a process that runs, by the pid that it sees itself. Its /tmp is kept open, so that the file
 * may come later and be read after the process has ended. 0, -errno.
 */
int perf_map_open(uint32_t tgid, struct perf_map **out);

/* The same of any folder, for tests. Takes over the file descriptor. 0, -ENOMEM. */
int perf_map_open_at(int folder_fd, uint32_t pid, uint32_t uid, struct perf_map **out);

/* Reads what was written since. 1: there are new names; 0; -ENOMEM. */
int perf_map_read(struct perf_map *);

/*
 * The newest code at that address: *name is valid until the next perf_map_read(). 0, -ENOENT.
 */
int perf_map_find(struct perf_map *, uint64_t address, const char **name,
		  uint64_t *function_offset);

/* Accepts NULL. */
void perf_map_close(struct perf_map *);

#endif
