#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "format/blocks.h"
#include "format/bytes.h"

int blocks_open(struct blocks *blocks, int fd)
{
	const struct table *end = table_named("end");

	memset(blocks, 0, sizeof(*blocks));
	blocks->input.fd = fd;
	blocks->end = end ? end->number : 0;
	blocks->report.first_damage = blocks->damage;
	blocks_select(blocks, NULL);
	return content_open(&blocks->content);
}

static bool needs_ids(const struct blocks *blocks)
{
	size_t n;
	const struct table *table = tables(&n, NULL);

	for (const struct table *end = table + n; table < end; table++) {
		if (!blocks->all_tables && !table_set_has(&blocks->selection.tables, table->number))
			continue;
		if (table->id >= 0)
			return true;
		for (int i = 0; i < table->n_columns; i++)
			if (table->columns[i].refers)
				return true;
	}
	return false;
}

void blocks_select(struct blocks *blocks, const struct reader_selection *selection)
{
	static const struct reader_selection everything = { .all_times = true };

	blocks->selection = selection ? *selection : everything;
	blocks->all_tables = true;
	for (int i = 0; i < TABLES_MAX / 64; i++)
		blocks->all_tables &= !blocks->selection.tables.bits[i];
	blocks->need_ids = needs_ids(blocks);
}

static void note(struct blocks *blocks, uint64_t offset, const char *prefix, const char *words)
{
	struct reader_report *report = &blocks->report;

	if (!report->damaged_blocks++) {
		report->first_damage_offset = offset;
		snprintf(blocks->damage, sizeof(blocks->damage), "%s %" PRIu64 ": %s", prefix,
			 offset, words);
	}
}

void blocks_damaged(struct blocks *blocks, const char *words)
{
	note(blocks, blocks->block_at, "damaged block at byte", words);
}

static int failed(struct blocks *blocks, int err)
{
	snprintf(blocks->why, sizeof(blocks->why), "%s", strerror(-err));
	return err;
}

/*
 * Goes on behind damage that begins at `offset`, with the first whole header from `from` on. If
 * there is none and the file just ended too early, it was cut off.
 */
static int resync(struct blocks *blocks, uint64_t offset, uint64_t from, bool cut,
		  const char *words)
{
	uint64_t marker;
	int found = input_find_block(&blocks->input, from, UINT64_MAX, &marker);

	if (found < 0)
		return failed(blocks, found);
	if (!found) {
		int err = input_has(&blocks->input, UINT64_MAX);

		if (err < 0)
			return failed(blocks, err);
		marker = blocks->input.size;
	}
	if (cut && !found)
		note(blocks, marker, "cut off at byte", "the last block is incomplete");
	else
		note(blocks, offset, "damaged block at byte", words);
	blocks->at = marker;
	blocks->at_marker = found;
	return 1;
}

static bool wanted(const struct blocks *blocks, const struct block_header *header)
{
	const struct reader_selection *selection = &blocks->selection;
	uint64_t common = 0;

	if (header->stream == STREAM_DEFINITIONS && blocks->need_ids)
		return true;
	for (int i = 0; i < TABLES_MAX / 64; i++)
		common |= header->tables.bits[i] & selection->tables.bits[i];
	if (!blocks->all_tables && !common)
		return false;
	if (header->stream == STREAM_DEFINITIONS || selection->all_times ||
	    (!header->first_ns && !header->last_ns))
		return true;
	return header->last_ns >= selection->from_ns && header->first_ns <= selection->to_ns;
}

static void note_times(struct reader_report *report, const struct block_header *header)
{
	bool none = !report->first_ns && !report->last_ns;

	if (!header->first_ns && !header->last_ns)
		return;
	if (none || header->first_ns < report->first_ns)
		report->first_ns = header->first_ns;
	if (none || header->last_ns > report->last_ns)
		report->last_ns = header->last_ns;
}

static bool repeated(const struct blocks *blocks, const struct block_header *header)
{
	return seen_has(&blocks->session->read[header->stream], header->sequence);
}

/* A block came by, damaged or not. */
static int note_met(struct blocks *blocks, const struct block_header *header)
{
	struct seen *met = &blocks->session->met[header->stream];
	uint64_t missing = met->missing;
	int err = 0;

	if (!seen_has(met, header->sequence))
		err = seen_add(met, header->sequence);
	blocks->report.missing_blocks += met->missing - missing;
	note_times(&blocks->report, header);
	return err;
}

/*
 * A whole block begins. Definitions that come again are decoded again, but not passed on: their
 * epoch may have been left meanwhile.
 */
static int enter(struct blocks *blocks, const struct block_header *header)
{
	struct seen *read = &blocks->session->read[header->stream];
	bool again = repeated(blocks, header);
	int err = note_met(blocks, header);

	if (!err && !again)
		err = seen_add(read, header->sequence);
	if (err)
		return failed(blocks, err);
	blocks->report.repeated_blocks += again;
	blocks->block = *header;
	blocks->pass = !again && wanted(blocks, header);
	if (blocks->pass || header->stream == STREAM_DEFINITIONS)
		sessions_epoch(&blocks->sessions, blocks->session, header->epoch);
	return 0;
}

/* Whose block it is. 1; 0: too many sessions; -errno. */
static int owner(struct blocks *blocks, const struct block_header *header)
{
	int err = sessions_get(&blocks->sessions, header->session, &blocks->session);

	blocks->report.blocks++;
	blocks->report.sessions = blocks->sessions.n;
	if (err == -E2BIG) {
		blocks->session = NULL;
		blocks_damaged(blocks, "it is of one session too many");
		return 0;
	}
	return err ? failed(blocks, err) : 1;
}

void blocks_ended(struct blocks *blocks)
{
	blocks->report.ended_sessions += !blocks->session->ended;
	blocks->session->ended = true;
}

/* Reads the content of a block, to use it or only to check it. 0; 1: damaged, noted; -errno. */
static int block_content(struct blocks *blocks, const struct block_header *header, uint64_t payload,
			 bool use)
{
	int err = content_block(&blocks->content, &blocks->input, payload, header);
	int noted;

	if (!use)
		content_drop(&blocks->content);
	if (err != -EBADMSG && err != -ENODATA)
		return err ? failed(blocks, err) : 0;
	noted = note_met(blocks, header);
	if (noted)
		return failed(blocks, noted);
	return resync(blocks, blocks->block_at, payload, err == -ENODATA, blocks->content.why);
}

/* A block that is all there: decodes it, or hops over it. */
static int block_read(struct blocks *blocks, const struct block_header *header, uint64_t payload)
{
	bool use;
	int err = owner(blocks, header);

	blocks->at = payload + header->stored;
	if (err <= 0)
		return err < 0 ? err : 1;
	use = wanted(blocks, header) &&
	      (!repeated(blocks, header) || header->stream == STREAM_DEFINITIONS);
	if (use || blocks->selection.verify) {
		err = block_content(blocks, header, payload, use);
		if (err)
			return err;
	}
	if (table_set_has(&header->tables, blocks->end))
		blocks_ended(blocks);
	blocks->fresh = true;
	err = enter(blocks, header);
	return err ? err : 1;
}

/* A block header that is whole stands at `marker`. */
static int block_open(struct blocks *blocks, const struct block_header *header, uint64_t marker)
{
	uint64_t payload = marker + header->length, end = payload + header->stored;
	int has = input_has(&blocks->input, end);

	if (has < 0)
		return failed(blocks, has);
	blocks->block_at = marker < BLOCK_SKIPPABLE ? 0 : marker - BLOCK_SKIPPABLE;
	blocks->at_marker = false;
	blocks->headerless = false;
	blocks->session = NULL;
	if (!has)
		return resync(blocks, blocks->block_at, payload, true, "its content is incomplete");
	if (header->version > FORMAT_VERSION) {
		blocks_damaged(blocks, "it is of a newer version of the format");
		blocks->at = end;
		return 1;
	}
	return block_read(blocks, header, payload);
}

static int skippable(struct blocks *blocks, const uint8_t *head, size_t n)
{
	struct block_header header;
	uint64_t at = blocks->at, end = at + BLOCK_SKIPPABLE + get32(head + 4);
	int err = block_decode(head + BLOCK_SKIPPABLE, n - BLOCK_SKIPPABLE, &header);
	int has = input_has(&blocks->input, end);

	if (has < 0)
		return failed(blocks, has);
	if ((!err || err == -ENOMSG) && end == at + BLOCK_SKIPPABLE + header.length)
		return block_open(blocks, &header, at + BLOCK_SKIPPABLE);
	if (!has || block_ours(head, n))
		return resync(blocks, at, at + 1, !has, "its header is damaged");
	blocks->at = end;
	return 1;
}

/* A frame without a block header; one batch may reach from such a frame into the next. */
static int headerless(struct blocks *blocks)
{
	if (!blocks->headerless)
		blocks->session = NULL;
	blocks->headerless = true;
	blocks->block_at = blocks->at;
	content_stream(&blocks->content);
	return 1;
}

static int at_marker(struct blocks *blocks, const uint8_t *head, size_t n)
{
	struct block_header header;
	int err = block_decode(head, n, &header);

	if (!err || err == -ENOMSG)
		return block_open(blocks, &header, blocks->at);
	return resync(blocks, blocks->at, blocks->at + 1, false, "its header is damaged");
}

/* What is left of a batch that no frame continues. */
static void note_leftover(struct blocks *blocks)
{
	if (content_left(&blocks->content))
		blocks_damaged(blocks, "its last batch is incomplete");
	content_drop(&blocks->content);
}

static int frame_next(struct blocks *blocks)
{
	uint8_t head[BLOCK_SKIPPABLE + HEADER_MAX];
	ssize_t n = input_read(&blocks->input, blocks->at, head, sizeof(head));

	if (n < 0)
		return failed(blocks, n);
	if (!blocks->at_marker && n >= 4 && block_zstd(head))
		return headerless(blocks);
	note_leftover(blocks);
	if (!n)
		return 0;
	if (blocks->at_marker)
		return at_marker(blocks, head, n);
	if (n < BLOCK_SKIPPABLE)
		return resync(blocks, blocks->at, blocks->at, true, "");
	if (block_skippable(head))
		return skippable(blocks, head, n);
	return resync(blocks, blocks->at, blocks->at + 1, false, "no zstd frame begins here");
}

static int content_failed(struct blocks *blocks, int err)
{
	if (err != -EBADMSG && err != -ENODATA)
		return failed(blocks, err);
	if (!blocks->headerless) {
		blocks_damaged(blocks, blocks->content.why);
		return 1;
	}
	blocks->headerless = false;
	return resync(blocks, blocks->block_at, blocks->at, err == -ENODATA, blocks->content.why);
}

int blocks_next(struct blocks *blocks, struct wire *out)
{
	struct wire_field field;

	for (;;) {
		int got = content_next(&blocks->content, &blocks->input, &blocks->at, &field);

		if (got > 0 && field.number == 1 && field.type == WIRE_LENGTH) {
			blocks->report.headerless += blocks->headerless;
			*out = field.bytes;
			return 1;
		}
		if (got < 0)
			got = content_failed(blocks, got);
		else if (!got)
			got = frame_next(blocks);
		blocks->report.bytes = blocks->at;
		if (got <= 0)
			return got;
	}
}

static bool same_block(const struct block_header *a, const struct block_header *b)
{
	return !memcmp(a->session, b->session, sizeof(a->session)) && a->epoch == b->epoch &&
	       a->stream == b->stream && a->sequence == b->sequence;
}

int blocks_row(struct blocks *blocks, const struct block_header *row)
{
	int got;

	if (!blocks->headerless) {
		bool fresh = blocks->fresh;

		blocks->fresh = false;
		if (fresh && same_block(row, &blocks->block))
			return 1;
		blocks_drop(blocks, "its row and its header differ");
		return 0;
	}
	blocks->session = NULL;
	if (row->stream >= STREAMS) {
		blocks_damaged(blocks, "it is of no stream");
		return 0;
	}
	got = owner(blocks, row);
	if (got > 0)
		got = enter(blocks, row) ? -ENOMEM : 1;
	return got;
}

void blocks_drop(struct blocks *blocks, const char *words)
{
	blocks_damaged(blocks, words);
	content_drop(&blocks->content);
}

void blocks_rewind(struct blocks *blocks)
{
	content_drop(&blocks->content);
	sessions_free(&blocks->sessions);
	memset(&blocks->report, 0, sizeof(blocks->report));
	blocks->report.first_damage = blocks->damage;
	blocks->damage[0] = 0;
	blocks->at = 0;
	blocks->at_marker = false;
	blocks->headerless = false;
	blocks->session = NULL;
}

void blocks_close(struct blocks *blocks)
{
	content_close(&blocks->content);
	sessions_free(&blocks->sessions);
}
