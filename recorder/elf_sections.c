#include "recorder/elf_sections.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

static Elf_Scn *find_section(struct elf_file *file, const char *name, GElf_Shdr *header)
{
	Elf *elf = elf_handle(file);
	Elf_Scn *section = NULL;
	const char *found;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, header) || header->sh_type == SHT_NOBITS)
			continue;
		found = elf_strptr(elf, names, header->sh_name);
		if (found && !strcmp(found, name))
			return section;
	}
	return NULL;
}

/* What the file ends before is left out. */
static int read_part(struct elf_file *file, uint64_t offset, uint64_t size, struct elf_section *out)
{
	ssize_t got = 1;

	if (!size || size > ELF_TABLE_MAX)
		return -ENOENT;
	out->bytes = malloc(size);
	if (!out->bytes)
		return -ENOMEM;
	out->size = 0;
	while (out->size < size && got > 0) {
		got = elf_code(file, offset + out->size, out->bytes + out->size, size - out->size);
		if (got > 0)
			out->size += got;
	}
	if (out->size)
		return 0;
	elf_section_free(out);
	return -ENOENT;
}

static int read_compressed(Elf_Scn *section, struct elf_section *out)
{
	GElf_Chdr compression;
	Elf_Data *data;

	if (!gelf_getchdr(section, &compression) || compression.ch_size > ELF_TABLE_MAX ||
	    elf_compress(section, 0, 0) < 0)
		return -ENOENT;
	data = elf_getdata(section, NULL);
	if (!data || !data->d_size || !data->d_buf)
		return -ENOENT;
	out->bytes = malloc(data->d_size);
	if (!out->bytes)
		return -ENOMEM;
	memcpy(out->bytes, data->d_buf, data->d_size);
	out->size = data->d_size;
	return 0;
}

int elf_section_read(struct elf_file *file, const char *name, struct elf_section *out)
{
	GElf_Shdr header;
	Elf_Scn *section = find_section(file, name, &header);

	*out = (struct elf_section){ 0 };
	if (!section)
		return -ENOENT;
	out->address = header.sh_addr;
	if (header.sh_flags & SHF_COMPRESSED)
		return read_compressed(section, out);
	return read_part(file, header.sh_offset, header.sh_size, out);
}

int elf_segment_read(struct elf_file *file, uint64_t address, struct elf_section *out)
{
	Elf *elf = elf_handle(file);
	GElf_Phdr header;
	uint64_t into;
	size_t n = 0;

	*out = (struct elf_section){ .address = address };
	elf_getphdrnum(elf, &n);
	for (size_t i = 0; i < n && gelf_getphdr(elf, i, &header); i++) {
		into = address - header.p_vaddr;
		if (header.p_type == PT_LOAD && into < header.p_filesz)
			return read_part(file, header.p_offset + into, header.p_filesz - into, out);
	}
	return -ENOENT;
}

void elf_section_free(struct elf_section *section)
{
	free(section->bytes);
	*section = (struct elf_section){ 0 };
}

bool elf_section_find(struct elf_file *file, const char *name, uint64_t *address, uint64_t *size)
{
	GElf_Shdr header;

	if (!find_section(file, name, &header))
		return false;
	*address = header.sh_addr;
	*size = header.sh_size;
	return true;
}

bool elf_unwind_header(struct elf_file *file, uint64_t *address)
{
	Elf *elf = elf_handle(file);
	GElf_Phdr header;
	size_t n = 0;

	elf_getphdrnum(elf, &n);
	for (size_t i = 0; i < n && gelf_getphdr(elf, i, &header); i++) {
		if (header.p_type != PT_GNU_EH_FRAME)
			continue;
		*address = header.p_vaddr;
		return true;
	}
	return false;
}

bool elf_is_x86_64(struct elf_file *file)
{
	GElf_Ehdr header;

	return gelf_getehdr(elf_handle(file), &header) && header.e_ident[EI_CLASS] == ELFCLASS64 &&
	       header.e_ident[EI_DATA] == ELFDATA2LSB && header.e_machine == EM_X86_64;
}

uint64_t elf_entry(struct elf_file *file)
{
	GElf_Ehdr header;

	return gelf_getehdr(elf_handle(file), &header) ? header.e_entry : 0;
}

void code_map_init(struct code_map *map, struct elf_file *file)
{
	Elf *elf = elf_handle(file);
	GElf_Phdr header;
	size_t n = 0;

	map->n = 0;
	elf_getphdrnum(elf, &n);
	for (size_t i = 0; i < n && map->n < CODE_SEGMENTS_MAX; i++) {
		if (!gelf_getphdr(elf, i, &header))
			return;
		if (header.p_type != PT_LOAD || !(header.p_flags & PF_X))
			continue;
		map->segments[map->n].address = header.p_vaddr;
		map->segments[map->n].offset = header.p_offset;
		map->segments[map->n++].size = header.p_filesz;
	}
}

bool code_map_offset(const struct code_map *map, uint64_t address, uint64_t *offset, uint64_t *room)
{
	for (size_t i = 0; i < map->n; i++) {
		uint64_t into = address - map->segments[i].address;

		if (into >= map->segments[i].size)
			continue;
		*offset = map->segments[i].offset + into;
		*room = map->segments[i].size - into;
		return true;
	}
	return false;
}

bool code_map_address(const struct code_map *map, uint64_t offset, uint64_t *address)
{
	for (size_t i = 0; i < map->n; i++) {
		uint64_t into = offset - map->segments[i].offset;

		if (into >= map->segments[i].size)
			continue;
		*address = map->segments[i].address + into;
		return true;
	}
	return false;
}
