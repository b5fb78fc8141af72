#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "format/sessions.h"

static int add(struct sessions *sessions, const uint8_t id[16], struct session **out)
{
	struct session **list, *session;

	if (sessions->n == SESSIONS_MAX)
		return -E2BIG;
	list = realloc(sessions->list, (sessions->n + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	sessions->list = list;
	session = calloc(1, sizeof(*session));
	if (!session)
		return -ENOMEM;
	memcpy(session->id, id, sizeof(session->id));
	session->number = sessions->n;
	list[sessions->n++] = session;
	*out = session;
	return 0;
}

int sessions_get(struct sessions *sessions, const uint8_t id[16], struct session **out)
{
	int err = 0;

	*out = sessions->last;
	if (*out && !memcmp((*out)->id, id, 16))
		return 0;
	*out = NULL;
	for (unsigned i = 0; i < sessions->n && !*out; i++)
		if (!memcmp(sessions->list[i]->id, id, 16))
			*out = sessions->list[i];
	if (!*out)
		err = add(sessions, id, out);
	if (!err)
		sessions->last = *out;
	return err;
}

/* A file of many sessions: those not read just now have to define their ids again. */
static void make_room(struct sessions *sessions, const struct session *current)
{
	for (unsigned i = 0; i < sessions->n; i++)
		if (sessions->list[i] != current)
			ids_clear(&sessions->list[i]->ids, &sessions->pages);
}

void sessions_epoch(struct sessions *sessions, struct session *session, uint32_t epoch)
{
	if (session->epoch != epoch)
		ids_clear(&session->ids, &sessions->pages);
	session->epoch = epoch;
	if (sessions->pages > IDS_PAGES_MAX / 2)
		make_room(sessions, session);
}

void sessions_free(struct sessions *sessions)
{
	for (unsigned i = 0; i < sessions->n; i++) {
		struct session *session = sessions->list[i];

		ids_clear(&session->ids, &sessions->pages);
		for (int stream = 0; stream < STREAMS; stream++) {
			seen_free(&session->met[stream]);
			seen_free(&session->read[stream]);
		}
		free(session);
	}
	free(sessions->list);
	memset(sessions, 0, sizeof(*sessions));
}
