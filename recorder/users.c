#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "recorder/users.h"

struct user {
	uint32_t uid, epoch; /* in which it stands; 0: none */
	char *name;
};

struct users {
	struct definer *definer;
	struct user *all;
	size_t count;
};

/* "name:password:uid:..." */
static int user_add(struct users *users, char *line)
{
	char *name = strsep(&line, ":"), *uid, *end;
	strsep(&line, ":");
	uid = strsep(&line, ":");
	unsigned long number = uid ? strtoul(uid, &end, 10) : 0;
	if (!uid || end == uid || *end || !*name)
		return 0;
	struct user *all = realloc(users->all, (users->count + 1) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	users->all = all;
	all[users->count] = (struct user){ .uid = (uint32_t)number, .name = strdup(name) };
	return all[users->count++].name ? 0 : -ENOMEM;
}

int users_open(struct definer *definer, const char *path, struct users **out)
{
	struct users *users = *out = calloc(1, sizeof(*users));
	char *line = NULL;
	size_t room = 0;
	int error = 0;
	if (!users)
		return -ENOMEM;
	users->definer = definer;
	FILE *file = fopen(path, "re");
	while (file && !error && getline(&line, &room, file) > 0)
		error = user_add(users, line);
	free(line);
	if (file)
		fclose(file);
	return error;
}

int users_define(struct users *users, uint32_t uid)
{
	struct row row;
	for (size_t i = 0; i < users->count; i++) {
		struct user *user = &users->all[i];
		if (user->uid != uid)
			continue;
		if (user->epoch == users->definer->epoch)
			return 0;
		user->epoch = users->definer->epoch;
		row_begin(&row, "user");
		row_number(&row, "uid", uid);
		row_text(&row, "user", user->name);
		return row_write(&row, users->definer->writer);
	}
	return 0;
}

void users_close(struct users *users)
{
	if (!users)
		return;
	for (size_t i = 0; i < users->count; i++)
		free(users->all[i].name);
	free(users->all);
	free(users);
}
