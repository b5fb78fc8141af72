/*
 * Address spaces: which image is mapped where in each recorded process, as it was at the time of
 * the record that is being looked at.
 */
#ifndef RECORDER_SPACES_H
#define RECORDER_SPACES_H

#include "recorder/images.h"

struct spaces;

int spaces_open(struct images *, struct spaces **out);

/* A mapping of code was made. 0 or -ENOMEM. */
int spaces_map(struct spaces *, const struct image_place *, uint64_t file_offset);

/* A child got its parent's mappings. 0 or -ENOMEM. */
int spaces_fork(struct spaces *, uint32_t parent, uint32_t child, int64_t ts_ns);

/* exec or exit: nothing is mapped any more. 0 or -ENOMEM. */
int spaces_clear(struct spaces *, uint32_t tgid, int64_t ts_ns);

/* Whether the process has had these mappings, or what was added to them, since then. */
bool spaces_same_since(const struct spaces *, uint32_t tgid, int64_t ts_ns);

/* Reads /proc/PID/maps. 0 or -errno. */
int spaces_scan(struct spaces *, uint32_t tgid);

/*
 * The image at an address and the offset in its file; NULL, and the address itself, if none is
 * mapped there.
 */
struct image *spaces_find(const struct spaces *, uint32_t tgid, uint64_t addr, uint64_t *offset);

/* Accepts NULL. */
void spaces_close(struct spaces *);

#endif
