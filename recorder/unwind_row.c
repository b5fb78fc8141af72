#include "recorder/unwind_row.h"

#include <dwarf.h>

/* Where the kernel's signal frame has rbp, rsp and rip: uc_mcontext's place in ucontext is 40. */
enum { SIGNAL_RBP = 120, SIGNAL_RSP = 160, SIGNAL_RIP = 168 };

static bool to_words(int64_t bytes, int64_t min, int64_t max, int64_t *words)
{
	*words = bytes / 8;
	return bytes % 8 == 0 && *words >= min && *words <= max;
}

static bool set_cfa(struct unwind_row *row, int64_t bytes)
{
	int64_t words;

	if (!to_words(bytes, INT16_MIN, INT16_MAX, &words))
		return false;
	row->cfa = words;
	return true;
}

/* The expression begins with register + offset. */
static bool begins_with(struct cursor *expression, unsigned int number, int64_t *offset)
{
	if (cursor_byte(expression) != DW_OP_breg0 + number)
		return false;
	*offset = cursor_sleb(expression);
	return !expression->bad;
}

static bool is_rest(const struct cursor *expression, const void *bytes, size_t size)
{
	return cursor_left(expression) == size && !memcmp(expression->at, bytes, size);
}

/* The rule is: saved at register + offset. */
static bool is_at(const struct cfi_rule *rule, unsigned int number, int64_t *offset)
{
	struct cursor expression;

	if (rule->kind != CFI_EXPRESSION)
		return false;
	expression = (struct cursor){ rule->expression, rule->expression + rule->size, false };
	return begins_with(&expression, number, offset) && !cursor_left(&expression);
}

static bool is_signal(const struct cfi_rules *rules, int64_t cfa)
{
	int64_t rbp, rip;

	return cfa == SIGNAL_RSP && is_at(&rules->registers[CFI_RBP], CFI_RSP, &rbp) &&
	       rbp == SIGNAL_RBP && is_at(&rules->registers[CFI_RIP], CFI_RSP, &rip) &&
	       rip == SIGNAL_RIP;
}

/* rsp + 8 + ((rip & 15) >= n) * 8: the entries of a PLT push 8 bytes at their ends. */
static bool is_plt(const struct cursor *expression, int64_t offset, struct unwind_row *row)
{
	uint8_t wanted[] = { DW_OP_breg16, 0,          DW_OP_lit15, DW_OP_and, DW_OP_lit0,
			     DW_OP_ge,     DW_OP_lit3, DW_OP_shl,   DW_OP_plus };
	enum { N = 4 };

	if (offset != 8 || cursor_left(expression) != sizeof(wanted) ||
	    expression->at[N] < DW_OP_lit0 || expression->at[N] > DW_OP_lit15)
		return false;
	wanted[N] = expression->at[N];
	row->cfa = wanted[N] - DW_OP_lit0;
	row->type = UNWIND_PLT;
	return is_rest(expression, wanted, sizeof(wanted));
}

static bool set_expression(const struct cfi_rules *rules, struct unwind_row *row)
{
	static const uint8_t deref[] = { DW_OP_deref },
			     deref_8[] = { DW_OP_deref, DW_OP_plus_uconst, 8 };
	struct cursor expression = { rules->cfa_expression, rules->cfa_expression + rules->cfa_size,
				     false };
	int64_t offset;

	if (begins_with(&expression, CFI_RBP, &offset)) {
		row->type = UNWIND_DEREF;
		return is_rest(&expression, deref, sizeof(deref)) && set_cfa(row, offset);
	}
	expression.at = rules->cfa_expression;
	if (!begins_with(&expression, CFI_RSP, &offset))
		return false;
	row->type = UNWIND_RSP_DEREF;
	if (is_rest(&expression, deref_8, sizeof(deref_8)))
		return set_cfa(row, offset);
	return is_plt(&expression, offset, row);
}

static bool set_register(const struct cfi_rules *rules, struct unwind_row *row)
{
	if (rules->cfa_register != CFI_RSP && rules->cfa_register != CFI_RBP)
		return false;
	row->type = rules->cfa_register == CFI_RSP ? UNWIND_RSP : UNWIND_RBP;
	return set_cfa(row, rules->cfa_offset);
}

static bool set_fp(const struct cfi_rule *rule, struct unwind_row *row)
{
	int64_t offset, words;
	uint8_t flag;

	switch (rule->kind) {
	case CFI_UNSAID:
	case CFI_UNDEFINED: /* all the same: nobody is to need it */
	case CFI_SAME:
		return true;
	case CFI_OFFSET:
		offset = rule->offset;
		flag = UNWIND_FP_AT_CFA;
		break;
	default:
		if (!is_at(rule, CFI_RBP, &offset))
			return false;
		flag = UNWIND_FP_AT_FP;
	}
	if (!to_words(offset, INT8_MIN, INT8_MAX, &words))
		return false;
	row->fp = words;
	row->type |= flag;
	return true;
}

static bool is_signal_frame(const struct cfi_rules *rules)
{
	static const uint8_t deref[] = { DW_OP_deref };
	struct cursor expression = { rules->cfa_expression, rules->cfa_expression + rules->cfa_size,
				     false };
	int64_t offset;

	return rules->cfa_expression && begins_with(&expression, CFI_RSP, &offset) &&
	       is_rest(&expression, deref, sizeof(deref)) && is_signal(rules, offset);
}

static bool set_row(const struct cfi_cie *cie, const struct cfi_rules *rules,
		    struct unwind_row *row)
{
	const struct cfi_rule *rip = &rules->registers[CFI_RIP];

	if (cie->signal || cie->return_register != CFI_RIP || rip->kind != CFI_OFFSET ||
	    rip->offset != -8 || rules->registers[CFI_RSP].kind != CFI_UNSAID)
		return false;
	if (!(rules->cfa_expression ? set_expression(rules, row) : set_register(rules, row)))
		return false;
	return set_fp(&rules->registers[CFI_RBP], row);
}

struct unwind_row unwind_row_of(const struct cfi_cie *cie, const struct cfi_rules *rules,
				uint32_t pc)
{
	struct unwind_row row = { .pc = pc };

	if (cie->return_register == CFI_RIP && rules->registers[CFI_RIP].kind == CFI_UNDEFINED)
		row.type = UNWIND_END;
	else if (cie->signal && is_signal_frame(rules))
		row.type = UNWIND_SIGNAL;
	else if (!set_row(cie, rules, &row))
		row = (struct unwind_row){ .pc = pc, .type = UNWIND_COMPLEX };
	return row;
}
