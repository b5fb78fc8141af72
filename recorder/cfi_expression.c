#include "recorder/cfi_expression.h"
#include "recorder/cursor.h"

#include <dwarf.h>
#include <errno.h>

/* Behind the bottom of the stack everything is 0, and bad is set. */
struct machine {
	const struct cfi_scope *scope;
	const uint8_t *begin;
	struct cursor code;
	uint64_t stack[CFI_STACK_MAX];
	size_t n;
	bool bad;
};

static void push(struct machine *machine, uint64_t value)
{
	if (machine->n < CFI_STACK_MAX)
		machine->stack[machine->n++] = value;
	else
		machine->bad = true;
}

/* The value at a depth: 0 is the top. */
static uint64_t peek(struct machine *machine, size_t depth)
{
	if (depth < machine->n)
		return machine->stack[machine->n - 1 - depth];
	machine->bad = true;
	return 0;
}

static uint64_t pop(struct machine *machine)
{
	uint64_t value = peek(machine, 0);

	machine->n -= machine->n > 0;
	return value;
}

static int push_register(struct machine *machine, uint64_t number)
{
	int64_t offset = cursor_sleb(&machine->code);
	const struct cfi_frame *frame = machine->scope->frame;

	if (number >= CFI_REGISTERS || !(frame->known & 1U << number))
		return -EINVAL;
	push(machine, frame->reg[number] + offset);
	return 0;
}

static int dereference(struct machine *machine, unsigned int bytes)
{
	uint64_t value, address = pop(machine);

	if (!bytes || bytes > 8 || machine->bad)
		return -EINVAL;
	if (!machine->scope->read(machine->scope->context, address, &value))
		return -EFAULT;
	push(machine, bytes == 8 ? value : value & ((1ULL << 8 * bytes) - 1));
	return 0;
}

static int jump(struct machine *machine, bool taken)
{
	int64_t distance = cursor_signed(&machine->code, 2);
	const uint8_t *at = machine->code.at;

	if (!taken)
		return 0;
	if (distance < machine->begin - at || distance > machine->code.end - at)
		return -EINVAL;
	machine->code.at += distance;
	return 0;
}

static int push_constant(struct machine *machine, uint8_t op)
{
	struct cursor *code = &machine->code;

	switch (op) {
	case DW_OP_addr:
		push(machine, cursor_number(code, 8) + machine->scope->bias);
		return 0;
	case DW_OP_constu:
		push(machine, cursor_uleb(code));
		return 0;
	case DW_OP_consts:
		push(machine, cursor_sleb(code));
		return 0;
	case DW_OP_const1u:
	case DW_OP_const2u:
	case DW_OP_const4u:
	case DW_OP_const8u:
		push(machine, cursor_number(code, 1U << (op - DW_OP_const1u) / 2));
		return 0;
	case DW_OP_const1s:
	case DW_OP_const2s:
	case DW_OP_const4s:
	case DW_OP_const8s:
		push(machine, cursor_signed(code, 1U << (op - DW_OP_const1s) / 2));
		return 0;
	default:
		return -EINVAL;
	}
}

static int shuffle(struct machine *machine, uint8_t op)
{
	uint64_t a, b, c;

	switch (op) {
	case DW_OP_dup:
		push(machine, peek(machine, 0));
		return 0;
	case DW_OP_drop:
		pop(machine);
		return 0;
	case DW_OP_over:
		push(machine, peek(machine, 1));
		return 0;
	case DW_OP_pick:
		push(machine, peek(machine, cursor_byte(&machine->code)));
		return 0;
	case DW_OP_swap:
		a = pop(machine);
		b = pop(machine);
		push(machine, a);
		push(machine, b);
		return 0;
	case DW_OP_rot:
		a = pop(machine);
		b = pop(machine);
		c = pop(machine);
		push(machine, a);
		push(machine, c);
		push(machine, b);
		return 0;
	default:
		return push_constant(machine, op);
	}
}

static int change_top(struct machine *machine, uint8_t op)
{
	uint64_t value;

	switch (op) {
	case DW_OP_abs:
		value = pop(machine);
		push(machine, (int64_t)value < 0 ? -value : value);
		return 0;
	case DW_OP_neg:
		push(machine, -pop(machine));
		return 0;
	case DW_OP_not:
		push(machine, ~pop(machine));
		return 0;
	case DW_OP_plus_uconst:
		value = pop(machine);
		push(machine, value + cursor_uleb(&machine->code));
		return 0;
	default:
		return shuffle(machine, op);
	}
}

static int divide(int64_t a, int64_t b, uint64_t *out)
{
	if (!b)
		return -EINVAL;
	*out = b == -1 ? -(uint64_t)a : (uint64_t)(a / b);
	return 0;
}

static int arithmetic(uint8_t op, uint64_t a, uint64_t b, uint64_t *out)
{
	switch (op) {
	case DW_OP_and:
		*out = a & b;
		return 0;
	case DW_OP_or:
		*out = a | b;
		return 0;
	case DW_OP_xor:
		*out = a ^ b;
		return 0;
	case DW_OP_plus:
		*out = a + b;
		return 0;
	case DW_OP_minus:
		*out = a - b;
		return 0;
	case DW_OP_mul:
		*out = a * b;
		return 0;
	case DW_OP_div:
		return divide(a, b, out);
	case DW_OP_mod:
		*out = b ? a % b : 0;
		return b ? 0 : -EINVAL;
	case DW_OP_shl:
		*out = b < 64 ? a << b : 0;
		return 0;
	case DW_OP_shr:
		*out = b < 64 ? a >> b : 0;
		return 0;
	case DW_OP_shra:
		*out = (int64_t)a >> (b < 64 ? b : 63);
		return 0;
	default:
		return -ENOENT;
	}
}

/* Comparisons are signed. */
static int compare(uint8_t op, int64_t a, int64_t b, uint64_t *out)
{
	switch (op) {
	case DW_OP_eq:
		*out = a == b;
		return 0;
	case DW_OP_ne:
		*out = a != b;
		return 0;
	case DW_OP_ge:
		*out = a >= b;
		return 0;
	case DW_OP_gt:
		*out = a > b;
		return 0;
	case DW_OP_le:
		*out = a <= b;
		return 0;
	case DW_OP_lt:
		*out = a < b;
		return 0;
	default:
		return -ENOENT;
	}
}

/* Two operands become one. -ENOENT: it is no such operation. */
static int combine(struct machine *machine, uint8_t op)
{
	uint64_t value, b = machine->n ? peek(machine, 0) : 0;
	uint64_t a = machine->n > 1 ? peek(machine, 1) : 0;
	int err = arithmetic(op, a, b, &value);

	if (err == -ENOENT)
		err = compare(op, a, b, &value);
	if (err)
		return err;
	pop(machine);
	pop(machine);
	push(machine, value);
	return 0;
}

static int execute(struct machine *machine, uint8_t op)
{
	struct cursor *code = &machine->code;
	int err;

	if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
		push(machine, op - DW_OP_lit0);
		return 0;
	}
	if (op >= DW_OP_breg0 && op <= DW_OP_breg31)
		return push_register(machine, op - DW_OP_breg0);
	switch (op) {
	case DW_OP_nop:
		return 0;
	case DW_OP_bregx:
		return push_register(machine, cursor_uleb(code));
	case DW_OP_deref:
		return dereference(machine, 8);
	case DW_OP_deref_size:
		return dereference(machine, cursor_byte(code));
	case DW_OP_skip:
		return jump(machine, true);
	case DW_OP_bra:
		return jump(machine, pop(machine));
	case DW_OP_call_frame_cfa:
		if (!machine->scope->cfa)
			return -EINVAL;
		push(machine, *machine->scope->cfa);
		return 0;
	}
	err = combine(machine, op);
	return err == -ENOENT ? change_top(machine, op) : err;
}

int cfi_evaluate(const struct cfi_scope *scope, const uint8_t *expression, size_t size,
		 uint64_t *value)
{
	struct machine machine = {
		.scope = scope,
		.begin = expression,
		.code = { .at = expression, .end = expression + size },
	};
	int err;

	if (scope->cfa)
		push(&machine, *scope->cfa);
	for (int i = 0; machine.code.at < machine.code.end; i++) {
		if (i == CFI_OPERATIONS_MAX)
			return -EINVAL;
		err = execute(&machine, cursor_byte(&machine.code));
		if (err)
			return err;
		if (machine.bad || machine.code.bad)
			return -EINVAL;
	}
	*value = pop(&machine);
	return machine.bad ? -EINVAL : 0;
}
