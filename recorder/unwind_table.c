#include "recorder/unwind_table.h"
#include "recorder/cfi_source.h"
#include "recorder/unwind_known.h"
#include "recorder/unwind_pieces.h"

#include <errno.h>
#include <stdlib.h>

struct builder {
	struct elf_file *file;
	struct code_map code;
	struct unwind_pieces pieces;
	struct cfi_source source;
	struct cfi_run run;
	bool beyond; /* something was left out */
};

/* Cuts an FDE to what the file holds of its code. false: nothing. */
static bool place(struct builder *builder, struct cfi_fde *fde, uint32_t *offset)
{
	uint64_t found, room;

	if (!code_map_offset(&builder->code, fde->start, &found, &room))
		return false;
	if (found >= UINT32_MAX) {
		builder->beyond = true;
		return false;
	}
	if (room > UINT32_MAX - found)
		room = UINT32_MAX - found;
	if (fde->end - fde->start > room)
		fde->end = fde->start + room;
	*offset = found;
	return true;
}

static int add_rows(struct builder *builder, const struct cfi_start *start, uint32_t offset)
{
	struct cfi_run *run = &builder->run;
	uint64_t address = run->start;
	int err = 0;

	while (!err && cfi_run_next(run))
		err = unwind_piece_row(
			&builder->pieces,
			unwind_row_of(&start->cie, &run->rules, offset + (run->start - address)));
	if (!err && run->bad)
		err = unwind_piece_row(&builder->pieces,
				       (struct unwind_row){
					       .pc = offset + (run->start - address),
				       });
	return err;
}

static int add_fde(struct builder *builder, const struct cfi_entry *entry)
{
	const struct cfi_start *start;
	struct cfi_fde fde;
	uint32_t offset;
	int err;

	if (!cfi_source_fde(&builder->source, entry, &builder->run, &fde, &start) ||
	    !place(builder, &fde, &offset))
		return 0;
	err = unwind_piece_begin(&builder->pieces, offset, offset + (fde.end - fde.start));
	if (err)
		return err;
	cfi_run_begin(&builder->run, &builder->source.section, start, &fde);
	return add_rows(builder, start, offset);
}

static int add_source(struct builder *builder, bool debug)
{
	struct cfi_entry entry;
	size_t at = 0;
	int err = cfi_source_open(&builder->source, builder->file, debug);

	if (err)
		return err == -ENOENT ? 0 : err;
	while (!err && cfi_entry_next(&builder->source.section, &at, &entry)) {
		if (!entry.is_cie)
			err = add_fde(builder, &entry);
	}
	cfi_source_close(&builder->source);
	return err;
}

static int build(struct builder *builder, struct unwind_table *out)
{
	int err = add_source(builder, false);

	if (!err)
		err = add_source(builder, true);
	if (err)
		return err;
	if (!builder->pieces.n)
		return builder->beyond ? -E2BIG : -ENOENT;
	err = unwind_known_add(&builder->pieces, builder->file, &builder->code);
	return err ? err : unwind_pieces_join(&builder->pieces, &out->rows, &out->count);
}

int unwind_table_build(struct elf_file *file, struct unwind_table *out)
{
	struct builder *builder;
	int err;

	*out = (struct unwind_table){ 0 };
	if (!elf_is_x86_64(file))
		return -ENOEXEC;
	builder = calloc(1, sizeof(*builder));
	if (!builder)
		return -ENOMEM;
	builder->file = file;
	code_map_init(&builder->code, file);
	err = build(builder, out);
	unwind_pieces_free(&builder->pieces);
	free(builder);
	return err;
}

void unwind_table_free(struct unwind_table *table)
{
	free(table->rows);
	*table = (struct unwind_table){ 0 };
}
