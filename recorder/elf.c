#include "recorder/elf.h"
#include "recorder/functions.h"

#include <errno.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEGMENTS_MAX 64
#define NOTES_MAX (64 << 10)

struct segment {
	uint64_t offset;
	uint64_t address;
	uint64_t size;
};

struct symbol_table {
	Elf_Scn *section;
	Elf_Data *data;
	size_t count;
	size_t strings;
};

struct elf_file {
	int fd;
	bool own_fd;
	Elf *elf;
	struct segment segments[SEGMENTS_MAX]; /* executable ones */
	size_t n_segments;
	struct symbol_table dynamic, full;
	Elf_Scn *versions;
	uint8_t *bytes;         /* of a file in memory, else NULL */
	struct elf_file *debug; /* holds the full symbol table instead, or NULL */
	bool sorted;
	struct functions functions;
};

static void find_segments(struct elf_file *file)
{
	GElf_Phdr header;
	size_t n;

	if (elf_getphdrnum(file->elf, &n))
		return;
	for (size_t i = 0; i < n && file->n_segments < SEGMENTS_MAX; i++) {
		if (!gelf_getphdr(file->elf, i, &header))
			return;
		if (header.p_type != PT_LOAD || !(header.p_flags & PF_X))
			continue;
		file->segments[file->n_segments++] = (struct segment){
			.offset = header.p_offset,
			.address = header.p_vaddr,
			.size = header.p_filesz,
		};
	}
}

static void find_sections(struct elf_file *file)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(file->elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_size > ELF_TABLE_MAX)
			continue;
		if (header.sh_type == SHT_DYNSYM)
			file->dynamic.section = section;
		else if (header.sh_type == SHT_SYMTAB)
			file->full.section = section;
		else if (header.sh_type == SHT_GNU_versym)
			file->versions = section;
	}
}

static int file_begin(struct elf_file *file, struct elf_file **out)
{
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF) {
		elf_file_close(file);
		return -ENOEXEC;
	}
	find_segments(file);
	find_sections(file);
	*out = file;
	return 0;
}

int elf_file_open(int fd, struct elf_file **out)
{
	struct elf_file *file;

	elf_version(EV_CURRENT);
	file = calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->fd = fd;
	/* Not mapped: the file may shrink while it is read. */
	file->elf = elf_begin(fd, ELF_C_READ, NULL);
	return file_begin(file, out);
}

int elf_file_open_bytes(uint8_t *bytes, size_t n, struct elf_file **out)
{
	struct elf_file *file;

	elf_version(EV_CURRENT);
	file = calloc(1, sizeof(*file));
	if (!file) {
		free(bytes);
		return -ENOMEM;
	}
	file->fd = -1;
	file->bytes = bytes;
	file->elf = elf_memory((char *)bytes, n);
	return file_begin(file, out);
}

void elf_file_close(struct elf_file *file)
{
	if (!file)
		return;
	elf_end(file->elf);
	functions_free(&file->functions);
	elf_file_close(file->debug);
	if (file->own_fd)
		close(file->fd);
	free(file->bytes);
	free(file);
}

struct Elf *elf_handle(struct elf_file *file)
{
	return file->elf;
}

void elf_own_fd(struct elf_file *file)
{
	file->own_fd = true;
}

bool elf_has_symbols(const struct elf_file *file)
{
	return file->full.section || file->debug;
}

void elf_use_debug(struct elf_file *file, struct elf_file *debug)
{
	file->debug = debug;
}

static bool is_named_section(struct elf_file *file, size_t names, Elf_Scn *section,
			     const char *name)
{
	const char *found;
	GElf_Shdr header;

	if (!gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS)
		return false;
	found = elf_strptr(file->elf, names, header.sh_name);
	return found && !strcmp(found, name);
}

int elf_section(struct elf_file *file, const char *name, size_t max, const void **bytes, size_t *n)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	Elf_Data *data;
	size_t names;

	if (elf_getshdrstrndx(file->elf, &names))
		return -ENOENT;
	while ((section = elf_nextscn(file->elf, section)))
		if (is_named_section(file, names, section, name))
			break;
	if (!section || !gelf_getshdr(section, &header) || header.sh_size > max)
		return -ENOENT;
	data = elf_rawdata(section, NULL);
	if (!data || !data->d_buf)
		return -ENOENT;
	*bytes = data->d_buf;
	*n = data->d_size;
	return 0;
}

int elf_address(const struct elf_file *file, int64_t *address_offset)
{
	if (!file->n_segments)
		return -ENOENT;
	*address_offset = (int64_t)(file->segments[0].address - file->segments[0].offset);
	return 0;
}

ssize_t elf_code(struct elf_file *file, uint64_t file_offset, uint8_t *buffer, size_t n)
{
	ssize_t got;

	if (file_offset > INT64_MAX)
		return 0;
	do
		got = pread(file->fd, buffer, n, file_offset);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static bool address_to_offset(const struct elf_file *file, uint64_t address, uint64_t *offset)
{
	for (size_t i = 0; i < file->n_segments; i++) {
		const struct segment *segment = &file->segments[i];

		if (address - segment->address < segment->size) {
			*offset = address - segment->address + segment->offset;
			return true;
		}
	}
	return false;
}

static bool offset_to_address(const struct elf_file *file, uint64_t offset, uint64_t *address)
{
	for (size_t i = 0; i < file->n_segments; i++) {
		const struct segment *segment = &file->segments[i];

		if (offset - segment->offset < segment->size) {
			*address = offset - segment->offset + segment->address;
			return true;
		}
	}
	return false;
}

static bool find_build_id(Elf_Data *notes, char *hex)
{
	size_t at = 0, name, content;
	GElf_Nhdr note;

	while (notes && (at = gelf_getnote(notes, at, &note, &name, &content))) {
		const char *bytes = notes->d_buf;

		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof(ELF_NOTE_GNU) ||
		    memcmp(bytes + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)))
			continue;
		if (!note.n_descsz || note.n_descsz > ELF_BUILD_ID_MAX)
			return false;
		for (size_t i = 0; i < note.n_descsz; i++) {
			uint8_t byte = bytes[content + i];

			*hex++ = "0123456789abcdef"[byte >> 4];
			*hex++ = "0123456789abcdef"[byte & 15];
		}
		*hex = '\0';
		return true;
	}
	return false;
}

static Elf_Data *read_notes(Elf *elf, uint64_t offset, uint64_t size, uint64_t align)
{
	if (size > NOTES_MAX || offset > INT64_MAX)
		return NULL;
	return elf_getdata_rawchunk(elf, offset, size, align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
}

/* Debug files and kernel modules have notes in sections only. */
int elf_build_id(struct elf_file *file, char hex[2 * ELF_BUILD_ID_MAX + 1])
{
	Elf_Scn *section = NULL;
	GElf_Phdr segment;
	GElf_Shdr header;
	size_t n = 0;

	elf_getphdrnum(file->elf, &n);
	for (size_t i = 0; i < n && gelf_getphdr(file->elf, i, &segment); i++) {
		if (segment.p_type == PT_NOTE &&
		    find_build_id(read_notes(file->elf, segment.p_offset, segment.p_filesz,
					     segment.p_align),
				  hex))
			return 0;
	}
	while ((section = elf_nextscn(file->elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_NOTE &&
		    find_build_id(read_notes(file->elf, header.sh_offset, header.sh_size,
					     header.sh_addralign),
				  hex))
			return 0;
	}
	return -ENOENT;
}

static bool section_fits(Elf *elf, size_t index)
{
	Elf_Scn *section = elf_getscn(elf, index);
	GElf_Shdr header;

	return section && gelf_getshdr(section, &header) && header.sh_size <= ELF_TABLE_MAX;
}

static void load_table(Elf *elf, struct symbol_table *table)
{
	GElf_Shdr header;

	if (!table->section || table->data || !gelf_getshdr(table->section, &header) ||
	    !section_fits(elf, header.sh_link))
		return;
	table->data = elf_getdata(table->section, NULL);
	if (!table->data)
		return;
	table->count = table->data->d_size / gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);
	table->strings = header.sh_link;
}

/* Reads symbol i if it is a function defined here. */
static bool read_function(struct elf_file *file, const struct symbol_table *table, size_t i,
			  GElf_Sym *symbol, const char **name)
{
	unsigned int type;

	if (!gelf_getsym(table->data, i, symbol))
		return false;
	type = GELF_ST_TYPE(symbol->st_info);
	if (type != STT_FUNC && type != STT_GNU_IFUNC)
		return false;
	if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS || !symbol->st_value)
		return false;
	*name = elf_strptr(file->elf, table->strings, symbol->st_name);
	return *name && **name;
}

/* Full tables write a version behind the name: name@OLD, name@@DEFAULT. */
static bool is_named(const char *symbol, const char *name, bool *is_default)
{
	size_t n = strlen(name);

	if (strncmp(symbol, name, n) || (symbol[n] && symbol[n] != '@'))
		return false;
	*is_default = !symbol[n] || symbol[n + 1] == '@';
	return true;
}

static bool is_hidden_version(Elf_Data *versions, size_t i)
{
	GElf_Versym version;

	return versions && gelf_getversym(versions, i, &version) && version & 0x8000;
}

static bool find_symbol(struct elf_file *file, struct symbol_table *table, Elf_Scn *versions,
			const char *wanted, GElf_Sym *out)
{
	Elf_Data *version_data = versions ? elf_getdata(versions, NULL) : NULL;
	bool found = false, is_default;
	const char *name;
	GElf_Sym symbol;

	load_table(file->elf, table);
	for (size_t i = 0; i < table->count; i++) {
		if (!read_function(file, table, i, &symbol, &name) ||
		    !is_named(name, wanted, &is_default))
			continue;
		is_default = is_default && !is_hidden_version(version_data, i);
		if (!found || is_default)
			*out = symbol;
		found = true;
		if (is_default)
			break;
	}
	return found;
}

int elf_symbol_offset(struct elf_file *file, const char *name, uint64_t *file_offset,
		      uint64_t *size)
{
	GElf_Sym symbol;

	if (!find_symbol(file, &file->dynamic, file->versions, name, &symbol) &&
	    !find_symbol(file, &file->full, NULL, name, &symbol))
		return -ENOENT;
	if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC ||
	    !address_to_offset(file, symbol.st_value, file_offset))
		return -ENOENT;
	*size = symbol.st_size;
	return 0;
}

/* Where the section ends that holds the address: no function without a size reaches farther. */
static uint64_t section_end(struct elf_file *file, size_t index, uint64_t address)
{
	Elf_Scn *section = elf_getscn(file->elf, index);
	GElf_Shdr header;

	if (!section || !gelf_getshdr(section, &header) ||
	    address - header.sh_addr >= header.sh_size)
		return address;
	return header.sh_addr + header.sh_size;
}

/*
 * A function without a size reaches to the next one, which a stripped file does not tell: there it
 * is left out.
 */
static int add_functions(struct functions *functions, struct elf_file *file,
			 struct symbol_table *table)
{
	const char *name;
	GElf_Sym symbol;
	uint64_t end;
	int err = 0;

	load_table(file->elf, table);
	for (size_t i = 0; i < table->count && !err; i++) {
		if (!read_function(file, table, i, &symbol, &name))
			continue;
		end = symbol.st_value + symbol.st_size;
		if (!symbol.st_size && file->full.section)
			end = section_end(file, symbol.st_shndx, symbol.st_value);
		err = functions_add(functions,
				    &(struct function){
					    .start = symbol.st_value,
					    .end = end,
					    .name = name,
					    .sized = symbol.st_size,
					    .local = GELF_ST_BIND(symbol.st_info) == STB_LOCAL,
				    });
	}
	return err;
}

static int load_functions(struct elf_file *file)
{
	int err = add_functions(&file->functions, file, &file->dynamic);

	if (!err)
		err = add_functions(&file->functions, file, &file->full);
	if (!err && file->debug)
		err = add_functions(&file->functions, file->debug, &file->debug->full);
	if (err) {
		functions_free(&file->functions);
		return err;
	}
	functions_sort(&file->functions);
	file->sorted = true;
	return 0;
}

int elf_function_at(struct elf_file *file, uint64_t file_offset, const char **name,
		    uint64_t *function_offset)
{
	const struct function *function;
	uint64_t address;
	int err;

	if (!offset_to_address(file, file_offset, &address))
		return -ENOENT;
	err = file->sorted ? 0 : load_functions(file);
	if (err)
		return err;
	function = functions_find(&file->functions, address);
	if (!function)
		return -ENOENT;
	*name = function->name;
	*function_offset = address - function->start;
	return 0;
}
