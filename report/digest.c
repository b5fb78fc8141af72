#include "report/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int64_t number_at(const struct batch *batch, const char *name)
{
	int i = table_column(batch->table, name);

	return i < 0 || column_null(&batch->columns[i], 0) ? 0
							   : (int64_t)batch->columns[i].values[0];
}

static void text_at(const struct batch *batch, const char *name, char *out)
{
	int i = table_column(batch->table, name);
	const ProtobufCBinaryData *text;
	size_t length;

	if (i < 0 || column_null(&batch->columns[i], 0))
		return;
	text = &batch->columns[i].texts[0];
	length = text->len < DIGEST_TEXT_MAX ? text->len : DIGEST_TEXT_MAX - 1;
	if (length)
		memcpy(out, text->data, length);
	out[length] = '\0';
}

static struct digest_session *session_of(struct digest *digest, unsigned number)
{
	struct digest_session *sessions;

	if (number >= digest->n_sessions) {
		sessions = reallocarray(digest->sessions, number + 1, sizeof(*sessions));
		if (!sessions)
			return NULL;
		memset(sessions + digest->n_sessions, 0,
		       (number + 1 - digest->n_sessions) * sizeof(*sessions));
		digest->sessions = sessions;
		digest->n_sessions = number + 1;
	}
	return &digest->sessions[number];
}

/* Every epoch repeats the session's row; the first one tells. */
static void take_session(const struct batch *batch, struct digest_session *session)
{
	if (session->described)
		return;
	session->described = true;
	text_at(batch, "host", session->host);
	text_at(batch, "kernel_text", session->kernel);
	text_at(batch, "target_text", session->target);
	text_at(batch, "version_text", session->version);
	session->cpus = number_at(batch, "cpus");
	session->utc_offset_s = number_at(batch, "utc_offset_s");
	session->start_ns = number_at(batch, "start_ns");
}

static void take_clock(const struct batch *batch, struct digest_session *session)
{
	if (session->clocked)
		return;
	session->clocked = true;
	session->clock_ns = number_at(batch, "ts_ns");
	session->realtime_ns = number_at(batch, "realtime_ns");
}

static void take_end(const struct batch *batch, struct digest_session *session)
{
	session->ended = true;
	text_at(batch, "reason", session->reason);
}

static void take_times(const struct batch *batch, struct digest_session *session)
{
	const struct column *times = &batch->columns[batch->table->ts_ns];

	for (size_t row = 0; row < batch->rows && !times->absent; row++)
		if ((int64_t)times->values[row] > session->last_ns)
			session->last_ns = (int64_t)times->values[row];
}

static int take_batch(struct digest *digest, const struct batch *batch)
{
	static const struct {
		const char *name;
		void (*take)(const struct batch *, struct digest_session *);
	} known[] = { { "session", take_session }, { "clock", take_clock }, { "end", take_end } };
	struct digest_session *session = session_of(digest, batch->session_number);

	if (!session)
		return -ENOMEM;
	if (!batch->rows)
		return 0;
	digest->rows[batch->table->number] += batch->rows;
	if (batch->table->ts_ns >= 0)
		take_times(batch, session);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(batch->table->name, known[i].name))
			known[i].take(batch, session);
	return 0;
}

int digest_read(struct digest *digest, struct reader *reader)
{
	struct batch batch;
	int status;

	*digest = (struct digest){ 0 };
	while ((status = reader_next(reader, &batch)) == 1) {
		int err = take_batch(digest, &batch);

		if (err)
			return err;
	}
	return status;
}

int digest_start(const struct digest_session *session, int64_t *out)
{
	int64_t since_ns, realtime_ns;

	/* In a hostile file the clocks may be anything. */
	if (!session->clocked ||
	    __builtin_sub_overflow(session->start_ns, session->clock_ns, &since_ns) ||
	    __builtin_add_overflow(session->realtime_ns, since_ns, &realtime_ns))
		return -ENODATA;
	*out = realtime_ns / 1000000000;
	return 0;
}

void digest_release(struct digest *digest)
{
	free(digest->sessions);
	*digest = (struct digest){ 0 };
}
