/*
 * Unwind tables for the kernel side. When a walk comes to a file that has no table, the kernel side
 * says where it is mapped; its table is made from the call frame information and put into the map
 * that all programs read. A table is made once for each image, whatever files hold it.
 */
#ifndef RECORDER_UNWIND_H
#define RECORDER_UNWIND_H

#include "bpf/unwind_rows.h"
#include "recorder/images.h"
#include "recorder/shared.h"

struct unwind;

/* Memory for the tables is what the shared map has. 0; -ENOENT: no program walks by tables;
 * -ENOMEM, -errno. On failure *out is NULL. */
int unwind_open(const struct shared *, struct images *, struct unwind **out);

/* Readable as soon as a table is wanted. */
int unwind_fd(const struct unwind *);

/* Makes the tables that are wanted. 0 or -ENOMEM. */
int unwind_serve(struct unwind *);

/* Makes the table of a file before it is wanted, so that not even the first stacks are copies. A
 * file that cannot be read is no error: 0 or -ENOMEM. */
int unwind_expect(struct unwind *, const char *path);

/* Likewise of a command, found as execvp(3) finds it, of its dynamic linker, and of the libraries
 * that the recorder itself uses, which most programs do. */
int unwind_expect_command(struct unwind *, const char *command);

/* The row for an offset in an image; false: none, or the image has no table. */
bool unwind_find(const struct unwind *, const struct image *, uint64_t offset,
		 struct unwind_row *out);

/* Once a second: learns which tables are used, so that others make room when there is none. */
void unwind_note_used(struct unwind *);

struct unwind_counts {
	uint64_t tables, rows, bytes; /* made */
	uint64_t build_ns;
	uint64_t without; /* files that have no call frame information, or cannot be read */
	uint64_t evicted; /* tables that made room */
	uint64_t refused; /* tables that did not fit */
};

struct unwind_counts unwind_counts(const struct unwind *);

/* Accepts NULL. */
void unwind_close(struct unwind *);

#endif
