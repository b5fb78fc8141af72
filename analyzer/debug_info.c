#include "analyzer/debug_info.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "analyzer/index.h"

/* Addresses of a compilation unit: not all compilers write .debug_aranges. */
struct range {
	Dwarf_Addr start, end;
	Dwarf_Off unit;
};

/* libdw walks the whole symbol table for every address. */
struct function {
	Dwarf_Addr start, end; /* end 0: it has no size and reaches to the next */
	const char *name;
	bool global;
};

/* Functions inside others are few: so many are stepped over to find the one around. */
enum { NESTED_MAX = 16 };

struct debug_info {
	Dwfl_Callbacks callbacks;
	char *folder;
	Dwfl *dwfl;
	Dwfl_Module *module;
	Dwarf *dwarf; /* NULL: the file has none */
	struct range *ranges;
	size_t n_ranges, capacity;
	struct function *functions; /* by start; of one start the best is the last */
	size_t n_functions, function_capacity;
};

static int ranges_add(struct debug_info *info, Dwarf_Die *unit)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(unit, at, &base, &start, &end)) > 0) {
		if (array_grow(&info->ranges, &info->capacity, info->n_ranges,
			       sizeof(*info->ranges)))
			return -ENOMEM;
		info->ranges[info->n_ranges++] = (struct range){ start, end,
								 dwarf_dieoffset(unit) };
	}
	return 0;
}

static int ranges_read(struct debug_info *info)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;
	int err = 0;

	while (info->dwarf && !err &&
	       !dwarf_get_units(info->dwarf, cu, &cu, NULL, NULL, &unit, NULL))
		err = ranges_add(info, &unit);
	return err;
}

static int function_compare(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (!a->end != !b->end)
		return a->end ? 1 : -1;
	if (a->global != b->global)
		return a->global ? 1 : -1;
	return -strcmp(a->name, b->name);
}

static int functions_read(struct debug_info *info)
{
	int n = dwfl_module_getsymtab(info->module);

	for (int i = 1; i < n; i++) {
		GElf_Sym symbol;
		GElf_Addr start;
		const char *name = dwfl_module_getsym_info(info->module, i, &symbol, &start, NULL,
							   NULL, NULL);
		int type = name ? GELF_ST_TYPE(symbol.st_info) : STT_NOTYPE;

		if ((type != STT_FUNC && type != STT_GNU_IFUNC) || !*name ||
		    symbol.st_shndx == SHN_UNDEF)
			continue;
		if (array_grow(&info->functions, &info->function_capacity, info->n_functions,
			       sizeof(*info->functions)))
			return -ENOMEM;
		info->functions[info->n_functions++] = (struct function){
			.start = start,
			.end = symbol.st_size ? start + symbol.st_size : 0,
			.name = name,
			.global = GELF_ST_BIND(symbol.st_info) != STB_LOCAL,
		};
	}
	if (info->n_functions)
		qsort(info->functions, info->n_functions, sizeof(*info->functions),
		      function_compare);
	return 0;
}

static int module_open(struct debug_info *info, const char *path)
{
	Dwarf_Addr bias;
	int fd, err;

	info->dwfl = dwfl_begin(&info->callbacks);
	if (!info->dwfl)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	/* Based at 0, so that addresses are the file's own. */
	info->module = dwfl_report_elf(info->dwfl, path, path, fd, 0, true);
	if (!info->module) {
		close(fd);
		return -ENOEXEC;
	}
	dwfl_report_end(info->dwfl, NULL, NULL);
	info->dwarf = dwfl_module_getdwarf(info->module, &bias);
	err = functions_read(info);
	return err ? err : ranges_read(info);
}

int debug_info_open(const char *path, const char *folder, struct debug_info **out)
{
	struct debug_info *info = calloc(1, sizeof(*info));
	int err;

	if (!info)
		return -ENOMEM;
	info->folder = strdup(folder);
	info->callbacks = (Dwfl_Callbacks){
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.debuginfo_path = &info->folder,
	};
	err = info->folder ? module_open(info, path) : -ENOMEM;
	if (err)
		debug_info_close(info);
	else
		*out = info;
	return err;
}

void debug_info_close(struct debug_info *info)
{
	if (!info)
		return;
	if (info->dwfl)
		dwfl_end(info->dwfl);
	free(info->folder);
	free(info->ranges);
	free(info->functions);
	free(info);
}

int64_t debug_info_address_offset(struct debug_info *info)
{
	GElf_Addr bias;
	GElf_Phdr header;
	size_t n = 0;
	Elf *elf = dwfl_module_getelf(info->module, &bias);

	if (!elf || elf_getphdrnum(elf, &n))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD &&
		    header.p_flags & PF_X)
			return header.p_filesz ? (int64_t)(header.p_vaddr - header.p_offset) : 0;
	return 0;
}

static bool unit_find(struct debug_info *info, Dwarf_Addr address, Dwarf_Die *unit)
{
	for (size_t i = 0; i < info->n_ranges; i++)
		if (address >= info->ranges[i].start && address < info->ranges[i].end)
			return dwarf_offdie(info->dwarf, info->ranges[i].unit, unit);
	return false;
}

static const char *function_symbol(Dwarf_Die *function)
{
	Dwarf_Attribute attribute;
	const char *symbol = NULL;

	if (dwarf_attr_integrate(function, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr_integrate(function, DW_AT_MIPS_linkage_name, &attribute))
		symbol = dwarf_formstring(&attribute);
	return symbol ? symbol : dwarf_diename(function);
}

static uint64_t number(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	return dwarf_attr(die, name, &attribute) && !dwarf_formudata(&attribute, &value) ? value
											 : 0;
}

/* Where the function that was put inline is called. */
static void call_find(Dwarf_Die *unit, Dwarf_Die *inlined, struct scope *caller)
{
	Dwarf_Files *files;
	size_t n;
	uint64_t file = number(inlined, DW_AT_call_file);

	caller->line = number(inlined, DW_AT_call_line);
	if (!dwarf_getsrcfiles(unit, &files, &n) && file < n)
		caller->path = dwarf_filesrc(files, file, NULL, NULL);
}

/* `scopes` go from the innermost block to the unit. */
static void scopes_take(Dwarf_Die *unit, Dwarf_Die *scopes, int n, struct place *out)
{
	for (int i = 0; i < n && out->n_scopes < SCOPES_MAX; i++) {
		int tag = dwarf_tag(&scopes[i]);

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		out->scopes[out->n_scopes++].symbol = function_symbol(&scopes[i]);
		if (tag == DW_TAG_subprogram)
			return;
		if (out->n_scopes < SCOPES_MAX)
			call_find(unit, &scopes[i], &out->scopes[out->n_scopes]);
	}
}

/* dwarf_getscopes goes on where an inlined function is written, not where it is called: only its
 * innermost scope counts. */
static void functions_find(Dwarf_Die *unit, Dwarf_Addr address, struct place *out)
{
	Dwarf_Die *scopes = NULL, innermost;
	int n = dwarf_getscopes(unit, address, &scopes);

	if (n <= 0)
		return;
	innermost = scopes[0];
	free(scopes);
	scopes = NULL;
	n = dwarf_getscopes_die(&innermost, &scopes);
	if (n > 0)
		scopes_take(unit, scopes, n, out);
	free(scopes);
}

static void source_find(struct debug_info *info, uint64_t address, struct place *out)
{
	Dwarf_Line *line;
	Dwarf_Die unit;
	int number;

	if (!unit_find(info, address, &unit))
		return;
	line = dwarf_getsrc_die(&unit, address);
	if (line) {
		out->scopes[0].path = dwarf_linesrc(line, NULL, NULL);
		if (!dwarf_lineno(line, &number) && number > 0)
			out->scopes[0].line = (uint64_t)number;
	}
	functions_find(&unit, address, out);
	/* Assembly has lines and no functions. */
	if (!out->n_scopes && out->scopes[0].path)
		out->n_scopes = 1;
}

static void symbol_find(const struct debug_info *info, uint64_t address, struct place *out)
{
	size_t low = 0, high = info->n_functions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (info->functions[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (int i = 0; i < NESTED_MAX && low--; i++) {
		const struct function *function = &info->functions[low];

		if (address >= function->end && (i || function->end))
			continue;
		out->symbol = function->name;
		out->symbol_offset = address - function->start;
		return;
	}
}

void debug_info_find(struct debug_info *info, uint64_t address, struct place *out)
{
	memset(out, 0, sizeof(*out));
	symbol_find(info, address, out);
	if (info->dwarf)
		source_find(info, address, out);
}
