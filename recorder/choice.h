/*
 * Which sources are recorded: -e. `NAME,NAME` is only these, `+NAME` and `-NAME` are added to and
 * taken from what is recorded anyway. A name is a source's, or that of a family: "fault" is
 * fault_total too. Sources that are off unless asked for must be named in full.
 */
#ifndef RECORDER_CHOICE_H
#define RECORDER_CHOICE_H

#include <stdbool.h>
#include "recorder/object.h"

/* Whether the words want that source; "task" is always wanted. NULL: nothing was chosen. */
bool choice_wants(const char *words, const struct source *);

/* Whether a word of the choice speaks of that source. */
bool choice_names(const char *word, size_t length, const char *source);

/* The next word, without its sign, from *rest on, which moves behind it; NULL: there is none. */
const char *choice_word(const char **rest, size_t *length, char *sign);

#endif
