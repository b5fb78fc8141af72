#include "recorder/cfi_program.h"

#include <dwarf.h>

/* Moves to an address, the same one too. */
static bool move_to(struct cfi_run *run, uint64_t address)
{
	if (address < run->start)
		return false;
	run->next = address < run->end ? address : run->end;
	return true;
}

static bool advance(struct cfi_run *run, uint64_t delta)
{
	uint64_t address;

	if (__builtin_mul_overflow(delta, run->from->cie.code_align, &delta) ||
	    __builtin_add_overflow(run->start, delta, &address))
		return false;
	return move_to(run, address);
}

/* Rules of registers that nobody asks for, as the vector ones, are dropped. */
static bool set_rule(struct cfi_run *run, uint64_t number, enum cfi_kind kind, int64_t offset)
{
	if (number < CFI_REGISTERS)
		run->rules.registers[number] = (struct cfi_rule){ .kind = kind, .offset = offset };
	return true;
}

static int64_t scale(const struct cfi_run *run, int64_t offset)
{
	return (uint64_t)offset * run->from->cie.data_align;
}

static bool set_offset(struct cfi_run *run, enum cfi_kind kind, bool is_signed)
{
	uint64_t number = cursor_uleb(&run->program);

	return set_rule(run, number, kind, scale(run, cursor_leb(&run->program, is_signed)));
}

static bool read_block(struct cfi_run *run, const uint8_t **bytes, uint32_t *size)
{
	uint64_t n = cursor_uleb(&run->program);

	*bytes = run->program.at;
	*size = n;
	cursor_skip(&run->program, n);
	return n <= UINT32_MAX;
}

static bool set_expression(struct cfi_run *run, enum cfi_kind kind)
{
	uint64_t number = cursor_uleb(&run->program);
	struct cfi_rule rule = { .kind = kind };

	if (!read_block(run, &rule.expression, &rule.size))
		return false;
	if (number < CFI_REGISTERS)
		run->rules.registers[number] = rule;
	return true;
}

static bool set_cfa(struct cfi_run *run, uint64_t number, int64_t offset)
{
	run->rules.cfa_register = number;
	run->rules.cfa_offset = offset;
	run->rules.cfa_expression = NULL;
	return true;
}

/* The CIE's own instructions have nothing to restore. */
static bool restore_rule(struct cfi_run *run, uint64_t number)
{
	if (run->start == run->end)
		return false;
	if (number < CFI_REGISTERS)
		run->rules.registers[number] = run->from->rules.registers[number];
	return true;
}

static bool remember(struct cfi_run *run)
{
	if (run->n_remembered == CFI_REMEMBERED_MAX)
		return false;
	run->remembered[run->n_remembered++] = run->rules;
	return true;
}

static bool restore_remembered(struct cfi_run *run)
{
	if (!run->n_remembered)
		return false;
	run->rules = run->remembered[--run->n_remembered];
	return true;
}

static bool execute_cfa(struct cfi_run *run, uint8_t op)
{
	struct cursor *program = &run->program;
	uint64_t number;

	switch (op) {
	case DW_CFA_def_cfa:
		number = cursor_uleb(program);
		return set_cfa(run, number, cursor_uleb(program));
	case DW_CFA_def_cfa_sf:
		number = cursor_uleb(program);
		return set_cfa(run, number, scale(run, cursor_sleb(program)));
	case DW_CFA_def_cfa_register:
		return set_cfa(run, cursor_uleb(program), run->rules.cfa_offset);
	case DW_CFA_def_cfa_offset:
		return set_cfa(run, run->rules.cfa_register, cursor_uleb(program));
	case DW_CFA_def_cfa_offset_sf:
		return set_cfa(run, run->rules.cfa_register, scale(run, cursor_sleb(program)));
	case DW_CFA_def_cfa_expression:
		return read_block(run, &run->rules.cfa_expression, &run->rules.cfa_size);
	case DW_CFA_GNU_args_size:
		cursor_uleb(program);
		return true;
	default:
		return false;
	}
}

static bool execute_rule(struct cfi_run *run, uint8_t op)
{
	struct cursor *program = &run->program;
	uint64_t number;

	switch (op) {
	case DW_CFA_offset_extended:
		return set_offset(run, CFI_OFFSET, false);
	case DW_CFA_offset_extended_sf:
		return set_offset(run, CFI_OFFSET, true);
	case DW_CFA_val_offset:
		return set_offset(run, CFI_VAL_OFFSET, false);
	case DW_CFA_val_offset_sf:
		return set_offset(run, CFI_VAL_OFFSET, true);
	case DW_CFA_GNU_negative_offset_extended:
		number = cursor_uleb(program);
		return set_rule(run, number, CFI_OFFSET, scale(run, -cursor_uleb(program)));
	case DW_CFA_restore_extended:
		return restore_rule(run, cursor_uleb(program));
	case DW_CFA_undefined:
		return set_rule(run, cursor_uleb(program), CFI_UNDEFINED, 0);
	case DW_CFA_same_value:
		return set_rule(run, cursor_uleb(program), CFI_SAME, 0);
	case DW_CFA_register:
		number = cursor_uleb(program);
		return set_rule(run, number, CFI_REGISTER, cursor_uleb(program));
	case DW_CFA_expression:
		return set_expression(run, CFI_EXPRESSION);
	case DW_CFA_val_expression:
		return set_expression(run, CFI_VAL_EXPRESSION);
	default:
		return execute_cfa(run, op);
	}
}

static bool execute(struct cfi_run *run, uint8_t op)
{
	struct cursor *program = &run->program;

	switch (op & 0xc0) {
	case DW_CFA_advance_loc:
		return advance(run, op & 0x3f);
	case DW_CFA_offset:
		return set_rule(run, op & 0x3f, CFI_OFFSET, scale(run, cursor_uleb(program)));
	case DW_CFA_restore:
		return restore_rule(run, op & 0x3f);
	}
	switch (op) {
	case DW_CFA_nop:
		return true;
	case DW_CFA_set_loc:
		return move_to(run, cfi_pointer(run->section, program, run->from->cie.encoding, 0));
	case DW_CFA_advance_loc1:
		return advance(run, cursor_byte(program));
	case DW_CFA_advance_loc2:
		return advance(run, cursor_number(program, 2));
	case DW_CFA_advance_loc4:
		return advance(run, cursor_number(program, 4));
	case DW_CFA_remember_state:
		return remember(run);
	case DW_CFA_restore_state:
		return restore_remembered(run);
	default:
		return execute_rule(run, op);
	}
}

/* Up to the first instruction that moves, or the end. */
static void execute_until_move(struct cfi_run *run)
{
	run->next = run->start;
	while (run->program.at < run->program.end && run->next == run->start) {
		if (!execute(run, cursor_byte(&run->program)) || run->program.bad) {
			run->bad = true;
			return;
		}
	}
	if (run->next == run->start)
		run->next = run->end;
}

bool cfi_start_read(struct cfi_run *run, const struct cfi_section *section, size_t cie,
		    struct cfi_start *out)
{
	memset(&out->rules, 0, sizeof(out->rules));
	if (!cfi_cie_read(section, cie, &out->cie))
		return false;
	cfi_run_begin(run, section, out, &(struct cfi_fde){ .program = out->cie.program });
	execute_until_move(run);
	if (run->bad)
		return false;
	out->rules = run->rules;
	return true;
}

void cfi_run_begin(struct cfi_run *run, const struct cfi_section *section,
		   const struct cfi_start *from, const struct cfi_fde *fde)
{
	run->section = section;
	run->from = from;
	run->program = fde->program;
	run->next = run->start = fde->start;
	run->end = fde->end;
	run->rules = from->rules;
	run->n_remembered = 0;
	run->bad = false;
}

bool cfi_run_next(struct cfi_run *run)
{
	if (run->bad || run->next == run->end)
		return false;
	run->start = run->next;
	execute_until_move(run);
	return !run->bad;
}
