#include "analyzer/heap_books.h"

int books_open(struct heap_books *books)
{
	int err = array_grow(&books->processes, &books->process_capacity, 0,
			     sizeof(*books->processes));

	if (err)
		return err;
	books->processes[0] = (struct heap_process){ .ended = true };
	books->n_processes = 1;
	return 0;
}

static uint32_t process_add(struct heap_books *books, uint64_t hash, unsigned session, uint64_t id)
{
	uint32_t at = (uint32_t)books->n_processes;

	if (array_grow(&books->processes, &books->process_capacity, at,
		       sizeof(*books->processes)) ||
	    index_add(&books->by_process, hash, at))
		return 0;
	books->processes[at] = (struct heap_process){
		.id = id,
		.session = session,
		.last_fork_ns = INT64_MIN,
	};
	books->n_processes++;
	return at;
}

uint32_t books_process(struct heap_books *books, unsigned session, uint64_t id)
{
	uint64_t hash = hash_pair(id, session);
	uint32_t at;

	for (size_t step = 0; (at = index_next(&books->by_process, hash, &step)) != INDEX_NONE;)
		if (books->processes[at].id == id && books->processes[at].session == session)
			return at;
	return process_add(books, hash, session, id);
}

static uint32_t site_add(struct heap_books *books, uint64_t hash, const struct heap_site_key *key)
{
	uint32_t at = (uint32_t)books->n_sites;

	if (array_grow(&books->sites, &books->site_capacity, at, sizeof(*books->sites)) ||
	    index_add(&books->by_site, hash, at))
		return INDEX_NONE;
	books->sites[at] = (struct heap_site){
		.session = books->processes[key->process].session,
		.process_id = books->processes[key->process].id,
		.stack_id = key->stack_id,
		.op = key->op,
		.tid = key->tid,
		.first_ns = INT64_MAX,
		.last_ns = INT64_MIN,
		.process = key->process,
	};
	books->n_sites++;
	return at;
}

static bool site_is(const struct heap_site *site, const struct heap_site_key *key)
{
	return site->stack_id == key->stack_id && site->process == key->process &&
	       site->op == key->op && site->tid == key->tid;
}

uint32_t books_site(struct heap_books *books, const struct heap_site_key *key, uint64_t hash,
		    uint32_t guess)
{
	uint32_t at;

	if (guess != INDEX_NONE && site_is(&books->sites[guess], key))
		return guess;
	for (size_t step = 0; (at = index_next(&books->by_site, hash, &step)) != INDEX_NONE;)
		if (site_is(&books->sites[at], key))
			return at;
	return site_add(books, hash, key);
}

static int note_add(struct heap_books *books, uint64_t hash, const struct heap_note *note)
{
	uint32_t at = (uint32_t)books->n_notes;

	if (array_grow(&books->notes, &books->note_capacity, at, sizeof(*books->notes)) ||
	    index_add(&books->by_note, hash, at))
		return -ENOMEM;
	books->notes[at] = *note;
	books->n_notes++;
	return 0;
}

int books_note(struct heap_books *books, uint32_t process, uint64_t stack_id,
	       enum heap_note_kind kind, int64_t n)
{
	uint64_t hash = hash_pair(stack_id, (uint64_t)process << 32 ^ kind);
	struct heap_note note;
	uint32_t at;

	for (size_t step = 0; (at = index_next(&books->by_note, hash, &step)) != INDEX_NONE;) {
		struct heap_note *old = &books->notes[at];

		if (old->stack_id == stack_id && old->process == process && old->kind == kind) {
			old->n += (uint64_t)n;
			return 0;
		}
	}
	note = (struct heap_note){
		.session = books->processes[process].session,
		.process_id = books->processes[process].id,
		.stack_id = stack_id,
		.kind = kind,
		.n = (uint64_t)n,
		.process = process,
	};
	return note_add(books, hash, &note);
}

void books_close(struct heap_books *books)
{
	free(books->processes);
	free(books->sites);
	free(books->notes);
	index_free(&books->by_process);
	index_free(&books->by_site);
	index_free(&books->by_note);
}
