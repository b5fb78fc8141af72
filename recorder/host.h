/*
 * What a trace says of the host: this one's facts, or those of a recorded tree.
 */
#ifndef RECORDER_HOST_H
#define RECORDER_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host {
	char boot_id[64]; /* "": not known */
	char name[256], kernel[600], machine[64], zone[64];
	uint64_t page_size_bytes, ticks_per_s, cpus;
	int64_t utc_offset_s;
};

/* Of this host, now. */
void host_read(struct host *);

/*
 * Of a folder with recorded proc and sys; what cannot be found there is as on most hosts: pages of
 * 4 KiB, 100 ticks, UTC. A file `host` in it may say otherwise, a line "KEY VALUE" each, by the
 * names of table session.
 */
void host_read_tree(struct host *, const char *root);

/* When the tree was recorded: since boot, and since 1970, by its uptime and stat. 0; -ENOENT. */
int host_tree_time(const char *root, int64_t *ts_ns, int64_t *realtime_ns);

#endif
