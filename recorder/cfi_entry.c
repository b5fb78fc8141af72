#include "recorder/cfi_entry.h"

#include <dwarf.h>

#define ADDRESS_BYTES 8

static uint64_t read_format(struct cursor *cursor, uint8_t encoding)
{
	switch (encoding & 0xf) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return cursor_number(cursor, 8);
	case DW_EH_PE_uleb128:
		return cursor_uleb(cursor);
	case DW_EH_PE_udata2:
		return cursor_number(cursor, 2);
	case DW_EH_PE_udata4:
		return cursor_number(cursor, 4);
	case DW_EH_PE_sleb128:
		return cursor_sleb(cursor);
	case DW_EH_PE_sdata2:
		return cursor_signed(cursor, 2);
	case DW_EH_PE_sdata4:
		return cursor_signed(cursor, 4);
	default:
		cursor->bad = true;
		return 0;
	}
}

uint64_t cfi_pointer(const struct cfi_section *section, struct cursor *cursor, uint8_t encoding,
		     uint64_t data)
{
	uint64_t place = section->address + (cursor->at - section->bytes), value;

	value = read_format(cursor, encoding);
	if (encoding & DW_EH_PE_indirect)
		cursor->bad = true;
	switch (encoding & 0x70) {
	case DW_EH_PE_absptr:
		return value;
	case DW_EH_PE_pcrel:
		return value + place;
	case DW_EH_PE_datarel:
		if (data)
			return value + data;
		/* fallthrough */
	default:
		cursor->bad = true;
		return 0;
	}
}

/* The length in front of an entry; of 64-bit DWARF too. 0: padding. */
static uint64_t read_length(struct cursor *cursor, bool *is_64)
{
	uint64_t length = cursor_number(cursor, 4);

	*is_64 = length == UINT32_MAX;
	if (*is_64)
		length = cursor_number(cursor, 8);
	if (length > cursor_left(cursor))
		cursor->bad = true;
	return length;
}

static bool read_id(const struct cfi_section *section, bool is_64, struct cfi_entry *entry)
{
	size_t place = entry->content.at - section->bytes;
	uint64_t id = cursor_number(&entry->content, is_64 && section->debug ? 8 : 4);

	if (!section->debug) {
		entry->is_cie = !id;
		entry->cie = place - id;
		return id <= place;
	}
	entry->is_cie = id == (is_64 ? UINT64_MAX : UINT32_MAX);
	entry->cie = id;
	return true;
}

bool cfi_entry_next(const struct cfi_section *section, size_t *at, struct cfi_entry *out)
{
	struct cursor cursor = { .end = section->bytes + section->size };
	uint64_t length = 0;
	bool is_64 = false;

	for (;;) {
		if (*at >= section->size)
			return false;
		cursor.at = section->bytes + *at;
		out->at = *at;
		length = read_length(&cursor, &is_64);
		if (cursor.bad)
			return false;
		*at = cursor.at + length - section->bytes;
		out->content = (struct cursor){ .at = cursor.at, .end = cursor.at + length };
		if (length && read_id(section, is_64, out) && !out->content.bad)
			return true;
	}
}

/* One letter of a "z" augmentation. false: the letters behind it have no meaning any more. */
static bool read_augmentation(struct cursor *data, char letter, struct cfi_cie *cie)
{
	switch (letter) {
	case 'R':
		cie->encoding = cursor_byte(data);
		return true;
	case 'P':
		read_format(data, cursor_byte(data));
		return true;
	case 'L':
		cursor_byte(data);
		return true;
	case 'S':
		cie->signal = true;
		return true;
	case 'B':
		return true;
	default:
		return false;
	}
}

static bool read_cie_augmentation(struct cursor *cursor, const char *letters, struct cfi_cie *cie)
{
	struct cursor data = *cursor;
	uint64_t size;

	if (*letters != 'z')
		return !*letters;
	size = cursor_uleb(cursor);
	data.at = cursor->at;
	cursor_skip(cursor, size);
	data.end = cursor->at;
	cie->augmented = true;
	while (*++letters && read_augmentation(&data, *letters, cie))
		;
	return !data.bad;
}

bool cfi_cie_read(const struct cfi_section *section, size_t at, struct cfi_cie *out)
{
	struct cursor *cursor = &out->program;
	const char *letters, *end;
	struct cfi_entry entry;
	uint8_t version;

	*out = (struct cfi_cie){ .at = at, .encoding = DW_EH_PE_absptr };
	if (!cfi_entry_next(section, &at, &entry) || entry.at != out->at || !entry.is_cie ||
	    cursor_left(&entry.content) > CFI_CIE_MAX)
		return false;
	*cursor = entry.content;
	version = cursor_byte(cursor);
	letters = (const char *)cursor->at;
	end = memchr(letters, '\0', cursor_left(cursor));
	if (!end || (version != 1 && version != 3 && version != 4))
		return false;
	cursor_skip(cursor, end + 1 - letters);
	if (version == 4 && (cursor_byte(cursor) != ADDRESS_BYTES || cursor_byte(cursor)))
		return false;
	if (!strcmp(letters, "eh")) { /* gcc 2 */
		cursor_skip(cursor, ADDRESS_BYTES);
		letters = end;
	}
	out->code_align = cursor_uleb(cursor);
	out->data_align = cursor_sleb(cursor);
	out->return_register = version == 1 ? cursor_byte(cursor) : cursor_uleb(cursor);
	return read_cie_augmentation(cursor, letters, out) && !cursor->bad;
}

bool cfi_fde_read(const struct cfi_section *section, const struct cfi_cie *cie,
		  const struct cfi_entry *entry, struct cfi_fde *out)
{
	struct cursor *cursor = &out->program;

	*cursor = entry->content;
	out->start = cfi_pointer(section, cursor, cie->encoding, 0);
	out->end = out->start + read_format(cursor, cie->encoding);
	if (cie->augmented)
		cursor_skip(cursor, cursor_uleb(cursor));
	return !cursor->bad && out->end > out->start;
}
