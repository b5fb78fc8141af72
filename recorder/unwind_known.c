#include "recorder/unwind_known.h"

#include <errno.h>
#include <string.h>

/* No code at an entry point that calls, and no makecontext(), is longer. */
#define ENTRY_BYTES 128
#define MAKECONTEXT_BYTES 1024
/* Files that export more names than fit are not libc. */
#define LIBC_NAMES_MAX (1 << 20)

struct known {
	struct unwind_pieces *pieces;
	struct elf_file *file;
	const struct code_map *code;
};

/* A part of the code at an address, as file offsets. false: no code, or it has rows already. */
static bool find_bare(const struct known *known, uint64_t address, uint64_t size, uint32_t *start,
		      uint32_t *end)
{
	uint64_t offset, room;

	if (!code_map_offset(known->code, address, &offset, &room) || offset > UINT32_MAX)
		return false;
	if (size > room)
		size = room;
	if (size > UINT32_MAX - offset)
		size = UINT32_MAX - offset;
	*start = offset;
	*end = offset + size;
	return size && unwind_pieces_next(known->pieces, *start) >= *end;
}

static bool find_bare_section(const struct known *known, const char *name, uint32_t *start,
			      uint32_t *end)
{
	uint64_t address, size;

	return elf_section_find(known->file, name, &address, &size) &&
	       find_bare(known, address, size, start, end);
}

/* _start of the dynamic linker has none; _dl_start_user is behind it and belongs to it. */
static int add_entry(const struct known *known)
{
	uint64_t offset, room, address = elf_entry(known->file);
	uint32_t start, end;

	if (!address || !code_map_offset(known->code, address, &offset, &room) ||
	    offset > UINT32_MAX)
		return 0;
	room = unwind_pieces_next(known->pieces, offset) - offset;
	if (!find_bare(known, address, room < ENTRY_BYTES ? room : ENTRY_BYTES, &start, &end))
		return 0;
	return unwind_piece_add(known->pieces, start, end,
				(struct unwind_row){ .type = UNWIND_END });
}

/* .init and .fini: how the code begins that the compiler puts around theirs, and ends. */
static const struct frame_code {
	size_t n_first, n_last;
	uint8_t first[9], last[6];
} frame_codes[] = {
	/* sub $8,%rsp; ... add $8,%rsp; ret */
	{ 4, 5, { 0x48, 0x83, 0xec, 8 }, { 0x48, 0x83, 0xc4, 8, 0xc3 } },
	/* endbr64; the same */
	{ 8, 5, { 0xf3, 0xf, 0x1e, 0xfa, 0x48, 0x83, 0xec, 8 }, { 0x48, 0x83, 0xc4, 8, 0xc3 } },
	/* push %rax; ... pop %rax; ret */
	{ 1, 2, { 0x50 }, { 0x58, 0xc3 } },
};

static bool has_code(const struct known *known, uint32_t offset, const uint8_t *wanted, size_t n)
{
	uint8_t code[16];

	return elf_code(known->file, offset, code, n) == (ssize_t)n && !memcmp(code, wanted, n);
}

static int add_frame_rows(const struct known *known, uint32_t start, uint32_t end, uint32_t pushed)
{
	struct unwind_row row = { .type = UNWIND_RSP, .cfa = 1 };
	int err = unwind_piece_add(known->pieces, start, end, row);

	row.pc = pushed;
	row.cfa = 2;
	err = err ? err : unwind_piece_row(known->pieces, row);
	row.pc = end - 1;
	row.cfa = 1;
	return err ? err : unwind_piece_row(known->pieces, row);
}

static int add_frame(const struct known *known, const char *name)
{
	uint32_t start, end;

	if (!find_bare_section(known, name, &start, &end))
		return 0;
	for (size_t i = 0; i < sizeof(frame_codes) / sizeof(*frame_codes); i++) {
		const struct frame_code *code = &frame_codes[i];

		if (end - start >= code->n_first + code->n_last &&
		    has_code(known, start, code->first, code->n_first) &&
		    has_code(known, end - code->n_last, code->last, code->n_last))
			return add_frame_rows(known, start, end, start + code->n_first);
	}
	return 0;
}

/* lld describes no PLT. The first entry finds a number pushed, and pushes the object's. */
static int add_lazy_plt(const struct known *known)
{
	static const uint8_t push[] = { 0xff, 0x35 }, jump[] = { 0xff, 0x25 };
	static const uint8_t endbr_push[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0x68 };
	enum { ENTRY = 16, PUSH_END = 6 };
	struct unwind_row row = { .type = UNWIND_RSP, .cfa = 2 };
	uint32_t start, end;
	int err;

	if (!find_bare_section(known, ".plt", &start, &end) || end - start < 2 * ENTRY ||
	    start % ENTRY || !has_code(known, start, push, sizeof(push)))
		return 0;
	err = unwind_piece_add(known->pieces, start, end, row);
	row.pc = start + PUSH_END;
	row.cfa = 3;
	err = err ? err : unwind_piece_row(known->pieces, row);
	row = (struct unwind_row){ .pc = start + ENTRY };
	if (has_code(known, start + ENTRY, jump, sizeof(jump)))
		row = (struct unwind_row){ .pc = row.pc, .type = UNWIND_PLT, .cfa = 11 };
	else if (has_code(known, start + ENTRY, endbr_push, sizeof(endbr_push)))
		row = (struct unwind_row){ .pc = row.pc, .type = UNWIND_PLT, .cfa = 9 };
	return err ? err : unwind_piece_row(known->pieces, row);
}

/* Entries that only jump. */
static int add_plain_plt(const struct known *known, const char *name)
{
	uint32_t start, end;

	if (!find_bare_section(known, name, &start, &end))
		return 0;
	return unwind_piece_add(known->pieces, start, end,
				(struct unwind_row){ .type = UNWIND_RSP, .cfa = 1 });
}

static bool exports_makecontext(struct elf_file *file)
{
	static const char name[] = "\0makecontext";
	uint64_t address, size;
	struct elf_section names;
	bool found;

	if (!elf_section_find(file, ".dynstr", &address, &size) || size > LIBC_NAMES_MAX ||
	    elf_section_read(file, ".dynstr", &names))
		return false;
	found = memmem(names.bytes, names.size, name, sizeof(name));
	elf_section_free(&names);
	return found;
}

/* The target of `lea n(%rip),%register`, as a file offset. */
static bool lea_target(const struct known *known, const uint8_t *code, uint64_t code_offset,
		       uint32_t *target)
{
	enum { LEA_BYTES = 7 };
	uint64_t address, offset, room;
	int32_t distance;

	if ((code[0] & 0xfb) != 0x48 || code[1] != 0x8d || (code[2] & 0xc7) != 0x05 ||
	    !code_map_address(known->code, code_offset, &address))
		return false;
	memcpy(&distance, code + 3, sizeof(distance));
	if (!code_map_offset(known->code, address + LEA_BYTES + distance, &offset, &room) ||
	    offset > UINT32_MAX)
		return false;
	*target = offset;
	return true;
}

static int end_at(const struct known *known, uint32_t target)
{
	static const uint8_t takes_stack[] = { 0x48, 0x89, 0xdc }; /* mov %rbx,%rsp */
	struct unwind_piece *piece = unwind_piece_at(known->pieces, target);
	uint32_t end = piece ? piece->end : target + 1;

	if (!has_code(known, target, takes_stack, sizeof(takes_stack)))
		return 0;
	if (piece)
		*piece = known->pieces->all[--known->pieces->n];
	return unwind_piece_add(known->pieces, target, end,
				(struct unwind_row){ .type = UNWIND_END });
}

/*
 * A coroutine returns to libc's __start_context, which has no symbol and the rows of a function
 * that was called. makecontext() loads its address.
 */
static int add_coroutine(const struct known *known)
{
	uint8_t code[MAKECONTEXT_BYTES];
	uint64_t offset, size;
	uint32_t target;
	ssize_t n;
	int err = 0;

	if (!exports_makecontext(known->file) ||
	    elf_symbol_offset(known->file, "makecontext", &offset, &size))
		return 0;
	n = elf_code(known->file, offset, code, size < sizeof(code) ? size : sizeof(code));
	for (ssize_t i = 0; i + 7 <= n && !err; i++) {
		if (lea_target(known, code + i, offset + i, &target))
			err = end_at(known, target);
	}
	return err;
}

int unwind_known_add(struct unwind_pieces *pieces, struct elf_file *file,
		     const struct code_map *code)
{
	static const char *const frames[] = { ".init", ".fini" };
	static const char *const plts[] = { ".plt.sec", ".plt.got", ".iplt" };
	struct known known = { pieces, file, code };
	int err = add_coroutine(&known);

	err = err ? err : add_entry(&known);
	for (size_t i = 0; !err && i < sizeof(frames) / sizeof(*frames); i++)
		err = add_frame(&known, frames[i]);
	err = err ? err : add_lazy_plt(&known);
	for (size_t i = 0; !err && i < sizeof(plts) / sizeof(*plts); i++)
		err = add_plain_plt(&known, plts[i]);
	return err;
}
