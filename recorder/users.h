/*
 * Names of users, from a file like /etc/passwd: those of other databases would need what a static
 * program cannot load. Written when the first process of a user is.
 */
#ifndef RECORDER_USERS_H
#define RECORDER_USERS_H

#include "recorder/define.h"

struct users;

/* Reads the file; without one, users have no names. 0 or -ENOMEM. */
int users_open(struct definer *, const char *path, struct users **out);

/* Writes the user's name if it is new in this epoch. 0 or -errno. */
int users_define(struct users *, uint32_t uid);

/* Accepts NULL. */
void users_close(struct users *);

#endif
