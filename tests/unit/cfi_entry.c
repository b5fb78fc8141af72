/* Call frame information that no assembler writes, byte by byte. */
#include "recorder/cfi_source.h"
#include "recorder/unwind_row.h"
#include "tests/check.h"

#include <dwarf.h>

#define ADDRESS 0x10000

/* In a buffer without room behind it, so that sanitizers see every byte read too far. */
struct crafted {
	struct cfi_source source;
	struct cfi_run run;
	struct unwind_row rows[16];
	int n;
	bool bad; /* the program, behind these rows */
};

static size_t put(uint8_t *to, size_t at, const void *bytes, size_t n)
{
	memcpy(to + at, bytes, n);
	return at + n;
}

static size_t put_u32(uint8_t *to, size_t at, uint32_t value)
{
	return put(to, at, &value, sizeof(value));
}

/* An entry of .eh_frame: a CIE has id 0, an FDE the distance to its CIE. */
static size_t put_entry(uint8_t *to, size_t at, uint32_t id, const void *bytes, size_t n)
{
	at = put_u32(to, at, n + sizeof(id));
	at = put_u32(to, at, id);
	return put(to, at, bytes, n);
}

static struct crafted *craft(const void *bytes, size_t n, bool debug)
{
	struct crafted *crafted = calloc(1, sizeof(*crafted));
	uint8_t *copy = malloc(n);

	CHECK(crafted && copy);
	memcpy(copy, bytes, n);
	crafted->source.elf.bytes = copy;
	crafted->source.section = (struct cfi_section){ copy, n, ADDRESS, debug };
	return crafted;
}

static void crafted_free(struct crafted *crafted)
{
	cfi_source_close(&crafted->source);
	free(crafted);
}

/* Reads all FDEs; returns how many are understood. */
static int read_all(struct crafted *crafted)
{
	const struct cfi_start *start;
	struct cfi_entry entry;
	struct cfi_fde fde;
	size_t at = 0;
	int found = 0;

	while (cfi_entry_next(&crafted->source.section, &at, &entry)) {
		if (!cfi_source_fde(&crafted->source, &entry, &crafted->run, &fde, &start))
			continue;
		found++;
		cfi_run_begin(&crafted->run, &crafted->source.section, start, &fde);
		while (cfi_run_next(&crafted->run) && crafted->n < 16)
			crafted->rows[crafted->n++] = unwind_row_of(
				&start->cie, &crafted->run.rules, crafted->run.start - fde.start);
		crafted->bad = crafted->run.bad;
	}
	return found;
}

/* A CIE that puts the CFA at rsp + 8, and an FDE of 0x100 bytes with a program. */
static struct crafted *craft_program(const uint8_t *program, size_t n)
{
	static const uint8_t cie[] = { 1,
				       'z',
				       'R',
				       0,
				       1,
				       0x78,
				       16,
				       1,
				       DW_EH_PE_udata4,
				       DW_CFA_def_cfa,
				       7,
				       8,
				       DW_CFA_offset | 16,
				       1 };
	uint8_t bytes[512], fde[256] = { 0, 0, 1, 0, 0, 1, 0, 0, 0 };
	size_t at = put_entry(bytes, 0, 0, cie, sizeof(cie));

	put(fde, 9, program, n);
	at = put_entry(bytes, at, at + 4, fde, 9 + n);
	return craft(bytes, at, false);
}

#define PROGRAM(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })
#define ROW(at, kind, cfa_, fp_)                                                                   \
	{                                                                                          \
		.pc = at, .cfa = cfa_, .fp = fp_, .type = kind                                     \
	}

static const struct {
	const uint8_t *program;
	size_t size;
	int n;
	struct unwind_row last;
	bool bad;
} programs[] = {
	{ PROGRAM(DW_CFA_nop), 1, ROW(0, UNWIND_RSP, 1, 0), false },
	{ PROGRAM(DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 16), 2, ROW(1, UNWIND_RSP, 2, 0),
	  false },
	{ PROGRAM(DW_CFA_advance_loc2, 2, 0, DW_CFA_def_cfa_register, 6), 2,
	  ROW(2, UNWIND_RBP, 1, 0), false },
	{ PROGRAM(DW_CFA_advance_loc4, 3, 0, 0, 0, DW_CFA_def_cfa_sf, 6, 0x7e), 2,
	  ROW(3, UNWIND_RBP, 2, 0), false },
	{ PROGRAM(DW_CFA_set_loc, 8, 0, 1, 0, DW_CFA_def_cfa_offset_sf, 0x7e), 2,
	  ROW(8, UNWIND_RSP, 2, 0), false },
	{ PROGRAM(DW_CFA_set_loc, 8, 0, 0, 0), 0, ROW(0, 0, 0, 0), true },
	{ PROGRAM(DW_CFA_offset | 6, 2), 1, ROW(0, UNWIND_RSP | UNWIND_FP_AT_CFA, 1, -2), false },
	{ PROGRAM(DW_CFA_offset_extended, 6, 2), 1, ROW(0, UNWIND_RSP | UNWIND_FP_AT_CFA, 1, -2),
	  false },
	{ PROGRAM(DW_CFA_offset_extended_sf, 6, 0x7e), 1,
	  ROW(0, UNWIND_RSP | UNWIND_FP_AT_CFA, 1, 2), false },
	{ PROGRAM(DW_CFA_GNU_negative_offset_extended, 6, 2), 1,
	  ROW(0, UNWIND_RSP | UNWIND_FP_AT_CFA, 1, 2), false },
	{ PROGRAM(DW_CFA_offset | 6, 2, DW_CFA_restore | 6), 1, ROW(0, UNWIND_RSP, 1, 0), false },
	{ PROGRAM(DW_CFA_offset | 6, 2, DW_CFA_restore_extended, 6), 1, ROW(0, UNWIND_RSP, 1, 0),
	  false },
	{ PROGRAM(DW_CFA_offset | 6, 2, DW_CFA_same_value, 6), 1, ROW(0, UNWIND_RSP, 1, 0), false },
	{ PROGRAM(DW_CFA_offset | 6, 0x81, 1), 1, ROW(0, UNWIND_COMPLEX, 0, 0), false },
	{ PROGRAM(DW_CFA_offset_extended, 40, 2, DW_CFA_val_expression, 40, 1, 0x30), 1,
	  ROW(0, UNWIND_RSP, 1, 0), false },
	{ PROGRAM(DW_CFA_val_offset, 6, 2), 1, ROW(0, UNWIND_COMPLEX, 0, 0), false },
	{ PROGRAM(DW_CFA_val_offset_sf, 6, 2), 1, ROW(0, UNWIND_COMPLEX, 0, 0), false },
	{ PROGRAM(DW_CFA_register, 6, 3), 1, ROW(0, UNWIND_COMPLEX, 0, 0), false },
	{ PROGRAM(DW_CFA_undefined, 16), 1, ROW(0, UNWIND_END, 0, 0), false },
	{ PROGRAM(DW_CFA_offset | 7, 2), 1, ROW(0, UNWIND_COMPLEX, 0, 0), false },
	{ PROGRAM(DW_CFA_def_cfa, 10, 8), 1, ROW(0, UNWIND_COMPLEX, 0, 0), false },
	{ PROGRAM(DW_CFA_def_cfa_offset, 12), 1, ROW(0, UNWIND_COMPLEX, 0, 0), false },
	{ PROGRAM(DW_CFA_def_cfa_offset, 0x80, 0x80, 0x10), 1, ROW(0, UNWIND_COMPLEX, 0, 0),
	  false },
	{ PROGRAM(DW_CFA_expression, 6, 2, DW_OP_breg6, 8), 1,
	  ROW(0, UNWIND_RSP | UNWIND_FP_AT_FP, 1, 1), false },
	{ PROGRAM(DW_CFA_def_cfa_expression, 3, DW_OP_breg6, 0x78, DW_OP_deref), 1,
	  ROW(0, UNWIND_DEREF, -1, 0), false },
	{ PROGRAM(DW_CFA_def_cfa_expression, 5, DW_OP_breg7, 0x78, DW_OP_deref, DW_OP_plus_uconst,
		  8),
	  1, ROW(0, UNWIND_RSP_DEREF, -1, 0), false },
	{ PROGRAM(DW_CFA_def_cfa_expression, 5, DW_OP_breg7, 0x78, DW_OP_deref, DW_OP_plus_uconst,
		  16),
	  1, ROW(0, UNWIND_COMPLEX, 0, 0), false },
	{ PROGRAM(DW_CFA_def_cfa_expression, 11, DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15,
		  DW_OP_and, DW_OP_lit9, DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus),
	  1, ROW(0, UNWIND_PLT, 9, 0), false },
	{ PROGRAM(DW_CFA_def_cfa_expression, 0), 1, ROW(0, UNWIND_COMPLEX, 0, 0), false },
	{ PROGRAM(DW_CFA_def_cfa_expression, 9, DW_OP_breg6), 0, ROW(0, 0, 0, 0), true },
	{ PROGRAM(DW_CFA_GNU_args_size, 0x80, 1, DW_CFA_def_cfa_offset, 24), 1,
	  ROW(0, UNWIND_RSP, 3, 0), false },
	{ PROGRAM(DW_CFA_remember_state, DW_CFA_def_cfa_offset, 24, DW_CFA_advance_loc | 4,
		  DW_CFA_restore_state),
	  2, ROW(4, UNWIND_RSP, 1, 0), false },
	{ PROGRAM(DW_CFA_restore_state), 0, ROW(0, 0, 0, 0), true },
	{ PROGRAM(10, 10, 10, 10, 10, 10, 10, 10, 10), 0, ROW(0, 0, 0, 0), true }, /* remember */
	{ PROGRAM(DW_CFA_advance_loc1, 0xff, DW_CFA_advance_loc1, 0xff, 0x3f), 2,
	  ROW(255, UNWIND_RSP, 1, 0), false },
	{ PROGRAM(DW_CFA_advance_loc | 1, 0x3f), 1, ROW(0, UNWIND_RSP, 1, 0), true },
	{ PROGRAM(DW_CFA_advance_loc4, 1), 0, ROW(0, 0, 0, 0), true },
	{ PROGRAM(DW_CFA_def_cfa_offset, 0x80, 0x80, 0x80), 0, ROW(0, 0, 0, 0), true },
};

static void check_programs(void)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		struct crafted *crafted = craft_program(programs[i].program, programs[i].size);
		const struct unwind_row *last = crafted->rows +
						(programs[i].n ? programs[i].n - 1 : 0);

		CHECK_EQUAL(read_all(crafted), 1);
		if (crafted->n != programs[i].n || crafted->bad != programs[i].bad ||
		    (crafted->n && memcmp(last, &programs[i].last, sizeof(*last))))
			FAIL("program %zu: %d rows, bad %d", i, crafted->n, crafted->bad);
		crafted_free(crafted);
	}
}

/* An FDE of 16 bytes with an encoding. false: refused. */
static bool start_of(uint8_t encoding, const void *bytes, size_t n, uint64_t *start)
{
	const uint8_t cie[] = { 1, 'z', 'R', 0, 1, 0x78, 16, 1, encoding };
	uint8_t section[128], fde[32];
	size_t at = put_entry(section, 0, 0, cie, sizeof(cie)), end;
	struct crafted *crafted;
	bool good;

	end = put(fde, 0, bytes, n);
	end = put(fde, end, (const uint8_t[8]){ 16 }, (encoding & 7) == 1 ? 1 : n);
	end = put(fde, end, (const uint8_t[1]){ 0 }, 1);
	at = put_entry(section, at, at + 4, fde, end);
	crafted = craft(section, at, false);
	good = read_all(crafted) == 1;
	*start = crafted->run.end - 16;
	crafted_free(crafted);
	return good;
}

static void check_encodings(void)
{
	const uint8_t minus_2[8] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	enum { PLACE = ADDRESS + 25 }; /* of the FDE's first address */
	static const struct {
		uint8_t encoding, bytes;
		uint64_t start; /* 0: refused */
	} wanted[] = {
		{ DW_EH_PE_absptr, 8, -2 },
		{ DW_EH_PE_udata2, 2, 0xfffe },
		{ DW_EH_PE_udata4, 4, 0xfffffffe },
		{ DW_EH_PE_udata8 | DW_EH_PE_pcrel, 8, PLACE - 2 },
		{ DW_EH_PE_sdata2 | DW_EH_PE_pcrel, 2, PLACE - 2 },
		{ DW_EH_PE_sdata4 | DW_EH_PE_pcrel, 4, PLACE - 2 },
		{ DW_EH_PE_sdata8 | DW_EH_PE_pcrel, 8, PLACE - 2 },
		{ DW_EH_PE_udata4 | DW_EH_PE_indirect, 4, 0 },
		{ DW_EH_PE_sdata4 | DW_EH_PE_datarel, 4, 0 },
		{ DW_EH_PE_sdata4 | DW_EH_PE_textrel, 4, 0 },
		{ DW_EH_PE_sdata4 | DW_EH_PE_funcrel, 4, 0 },
		{ DW_EH_PE_aligned, 8, 0 },
		{ DW_EH_PE_omit, 8, 0 },
		{ 0x05, 8, 0 },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		uint64_t start, is_wrap = wanted[i].start > UINT64_MAX - 16;
		bool good = start_of(wanted[i].encoding, minus_2, wanted[i].bytes, &start);

		/* An end behind the last address is nonsense. */
		if (good != (wanted[i].start && !is_wrap) || (good && start != wanted[i].start))
			FAIL("encoding %#x: %d %#" PRIx64, wanted[i].encoding, good, start);
	}
}

static int count_fdes(const uint8_t *section, size_t n, bool debug)
{
	struct crafted *crafted = craft(section, n, debug);
	int found = read_all(crafted);

	crafted_free(crafted);
	return found;
}

/* Every beginning of a section that is well is read without a byte too much. */
static void check_hostile(void)
{
	static const uint8_t fde[24] = { 0, 0, 1, 0, 0, 0, 0, 0, 1 };
	static const uint8_t huge[] = { 1,    'z',  'R',  0,    1,    0x78, 16,   0xff, 0xff,
					0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,    0x1b };
	static const uint8_t unterminated[] = { 1, 'z', 'R', 'z', 'z' };
	static const uint8_t plain[] = { 1, 0, 1, 0x78, 16 };
	static const uint8_t restores[] = { 1, 0, 1, 0x78, 16, DW_CFA_restore | 6 };
	uint8_t bytes[CFI_CIE_MAX + 128] = { 0 }, long_cie[CFI_CIE_MAX + 1] = { 1, 0, 1, 0x78, 16 };
	size_t at;

	at = put_entry(bytes, 0, 0, plain, sizeof(plain));
	at = put_entry(bytes, at, at + 4, fde, sizeof(fde));
	CHECK_EQUAL(count_fdes(bytes, at, false), 1);
	for (size_t n = 1; n < at; n++)
		CHECK_EQUAL(count_fdes(bytes, n, false), 0);
	at = put_entry(bytes, 0, 0, huge, sizeof(huge));
	CHECK_EQUAL(count_fdes(bytes, put_entry(bytes, at, at + 4, fde, sizeof(fde)), false), 0);
	at = put_entry(bytes, 0, 0, unterminated, sizeof(unterminated));
	CHECK_EQUAL(count_fdes(bytes, put_entry(bytes, at, at + 4, fde, sizeof(fde)), false), 0);
	at = put_entry(bytes, 0, 0, restores, sizeof(restores));
	CHECK_EQUAL(count_fdes(bytes, put_entry(bytes, at, at + 4, fde, sizeof(fde)), false), 0);
	at = put_entry(bytes, 0, 0, long_cie, sizeof(long_cie));
	CHECK_EQUAL(count_fdes(bytes, put_entry(bytes, at, at + 4, fde, sizeof(fde)), false), 0);
	/* Two FDEs that are each other's CIE, one that is its own, one whose CIE lies in front. */
	at = put_entry(bytes, 0, 4 - 32, fde, sizeof(fde));
	CHECK_EQUAL(count_fdes(bytes, put_entry(bytes, at, at + 4, fde, sizeof(fde)), false), 0);
	CHECK_EQUAL(count_fdes(bytes, put_entry(bytes, 0, 4, fde, sizeof(fde)), false), 0);
	CHECK_EQUAL(count_fdes(bytes, put_entry(bytes, 0, 4000, fde, sizeof(fde)), false), 0);
}

/* Of 64-bit DWARF, and version 4. */
static void check_debug(void)
{
	static const uint8_t cie[] = { 4, 0, 8, 0, 1, 0x78, 16 };
	static const uint64_t fde[] = { 0 /* CIE */, 0x1000, 0x10 };
	uint8_t bytes[128];
	size_t at = put_u32(bytes, 0, UINT32_MAX);
	uint64_t length = 8 + sizeof(cie), id = UINT64_MAX;

	at = put(bytes, at, &length, 8);
	at = put(bytes, at, &id, 8);
	at = put(bytes, at, cie, sizeof(cie));
	length = sizeof(fde);
	at = put_u32(bytes, at, UINT32_MAX);
	at = put(bytes, at, &length, 8);
	at = put(bytes, at, fde, sizeof(fde));
	for (size_t n = 1; n < at; n++)
		CHECK_EQUAL(count_fdes(bytes, n, true), 0);
	CHECK_EQUAL(count_fdes(bytes, at, true), 1);
	bytes[4 + 8 + 8 + 2] = 4; /* 32-bit addresses */
	CHECK_EQUAL(count_fdes(bytes, at, true), 0);
}

int main(void)
{
	check_programs();
	check_encodings();
	check_hostile();
	check_debug();
	return 0;
}
