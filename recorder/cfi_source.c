#include "recorder/cfi_source.h"

#include <dwarf.h>
#include <errno.h>

/* Without section headers the section ends at its terminator. */
static size_t find_end(const struct elf_section *elf)
{
	uint32_t length;
	size_t at = 0;

	while (elf->size - at >= sizeof(length)) {
		memcpy(&length, elf->bytes + at, sizeof(length));
		if (!length || length > elf->size - at - sizeof(length))
			return at;
		at += sizeof(length) + length;
	}
	return at;
}

static int read_frame(struct elf_file *file, bool debug, struct elf_section *out)
{
	int err = elf_section_read(file, debug ? ".debug_frame" : ".eh_frame", out);
	struct cfi_index index;

	if (err != -ENOENT || debug)
		return err;
	err = cfi_index_open(&index, file);
	if (err)
		return err;
	err = elf_segment_read(file, index.frame, out);
	cfi_index_close(&index);
	if (!err)
		out->size = find_end(out);
	return err;
}

int cfi_source_open(struct cfi_source *source, struct elf_file *file, bool debug)
{
	int err;

	*source = (struct cfi_source){ 0 };
	err = read_frame(file, debug, &source->elf);
	source->section = (struct cfi_section){
		.bytes = source->elf.bytes,
		.size = source->elf.size,
		.address = source->elf.address,
		.debug = debug,
	};
	return err;
}

void cfi_source_close(struct cfi_source *source)
{
	elf_section_free(&source->elf);
}

static const struct cfi_start *find_start(struct cfi_source *source, size_t cie,
					  struct cfi_run *run)
{
	size_t i = (cie / 4 + cie / 256) % CFI_STARTS;

	if (!source->starts[i].known || source->starts[i].start.cie.at != cie) {
		source->starts[i].good = cfi_start_read(run, &source->section, cie,
							&source->starts[i].start);
		source->starts[i].known = true;
	}
	return source->starts[i].good ? &source->starts[i].start : NULL;
}

bool cfi_source_fde(struct cfi_source *source, const struct cfi_entry *entry, struct cfi_run *run,
		    struct cfi_fde *fde, const struct cfi_start **start)
{
	*start = entry->is_cie ? NULL : find_start(source, entry->cie, run);
	return *start && cfi_fde_read(&source->section, &(*start)->cie, entry, fde);
}

static bool read_index(struct cfi_index *index)
{
	struct cfi_section section = { index->elf.bytes, index->elf.size, index->elf.address,
				       false };
	struct cursor cursor = { section.bytes, section.bytes + section.size, false };
	uint8_t version = cursor_byte(&cursor), frame = cursor_byte(&cursor);
	uint8_t count = cursor_byte(&cursor), table = cursor_byte(&cursor);

	index->frame = cfi_pointer(&section, &cursor, frame, section.address);
	if (cursor.bad || version != 1)
		return false;
	if (count == DW_EH_PE_omit || table != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
		return true;
	index->n = cfi_pointer(&section, &cursor, count, section.address);
	index->table = cursor.at;
	if (cursor.bad || index->n > cursor_left(&cursor) / 8)
		index->n = 0;
	return true;
}

int cfi_index_open(struct cfi_index *index, struct elf_file *file)
{
	uint64_t address;
	int err;

	*index = (struct cfi_index){ 0 };
	err = elf_section_read(file, ".eh_frame_hdr", &index->elf);
	if (err == -ENOENT && elf_unwind_header(file, &address))
		err = elf_segment_read(file, address, &index->elf);
	if (!err && !read_index(index)) {
		cfi_index_close(index);
		err = -ENOENT;
	}
	return err;
}

void cfi_index_close(struct cfi_index *index)
{
	elf_section_free(&index->elf);
}

static uint64_t index_number(const struct cfi_index *index, size_t i)
{
	int32_t number;

	memcpy(&number, index->table + i * sizeof(number), sizeof(number));
	return index->elf.address + number;
}

bool cfi_index_find(const struct cfi_index *index, uint64_t address, uint64_t *fde)
{
	size_t low = 0, high = index->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (index_number(index, 2 * middle) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low)
		*fde = index_number(index, 2 * low - 1);
	return low;
}
