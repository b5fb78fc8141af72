/*
 * Files that records refer to: kept for the whole recording and written into every epoch that uses
 * them.
 */
#ifndef RECORDER_FILES_H
#define RECORDER_FILES_H

#include "recorder/tasks.h"

struct files;
struct file_definition;

int files_open(struct definer *, struct tasks *, struct files **out);

/* The definition of a file arrived, with as many bytes of names as it says. 0 or -ENOMEM. */
int files_learn(struct files *, const struct file_definition *);

/* The number of a file in this epoch; writes the row if it is new there. 0 in *id for key 0 and for
 * a key whose definition was lost. 0 or -errno. */
int files_define(struct files *, uint64_t key, uint64_t *id);

/* How many rows named a file whose definition was lost. */
uint64_t files_undefined(const struct files *);

/* Accepts NULL. */
void files_close(struct files *);

#endif
