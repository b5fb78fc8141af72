#include "recorder/prologue.h"

#include <stdbool.h>
#include <string.h>

enum {
	RDX = 2,
	RSP = 4,
	RSI = 6,
	RDI = 7,
};

/* What follows an opcode, and what it writes. 0: not understood. */
enum {
	PLAIN = 1, /* no operand but rax or flags */
	MODRM = 2,
	IMM8 = 4,
	IMM32 = 8,     /* 16 bits under the operand size prefix */
	TO_RM = 16,    /* writes the register or the memory of the ModRM byte */
	TO_REG = 32,   /* writes the register in the middle of the ModRM byte */
	TO_OPCODE = 64 /* writes the register in the opcode's low bits */
};

/* Without the arithmetic of 00-3f. Opcodes whose meaning depends on the ModRM byte are refined by
 * group(). */
static const uint8_t one_byte[256] = {
	[0x63] = MODRM | TO_REG,
	[0x69] = MODRM | IMM32 | TO_REG,
	[0x6b] = MODRM | IMM8 | TO_REG,
	[0x80] = MODRM | IMM8 | TO_RM,
	[0x81] = MODRM | IMM32 | TO_RM,
	[0x83] = MODRM | IMM8 | TO_RM,
	[0x84 ... 0x85] = MODRM,
	[0x88 ... 0x89] = MODRM | TO_RM,
	[0x8a ... 0x8b] = MODRM | TO_REG,
	[0x8d] = MODRM | TO_REG,
	[0x90] = PLAIN,
	[0x98] = PLAIN,
	[0xa8] = IMM8,
	[0xa9] = IMM32,
	[0xb0 ... 0xb7] = IMM8 | TO_OPCODE,
	[0xb8 ... 0xbf] = IMM32 | TO_OPCODE,
	[0xc0 ... 0xc1] = MODRM | IMM8 | TO_RM,
	[0xc6] = MODRM | IMM8 | TO_RM,
	[0xc7] = MODRM | IMM32 | TO_RM,
	[0xd0 ... 0xd3] = MODRM | TO_RM,
	[0xf6] = MODRM | IMM8,
	[0xf7] = MODRM | IMM32,
	[0xfe ... 0xff] = MODRM | TO_RM,
};

/* After 0f. Moves into vector registers count as writing nothing. */
static const uint8_t two_byte[256] = {
	[0x10] = MODRM,
	[0x1f] = MODRM,
	[0x28] = MODRM,
	[0x40 ... 0x4f] = MODRM | TO_REG,
	[0x57] = MODRM,
	[0x6c] = MODRM,
	[0x6e ... 0x6f] = MODRM,
	[0x90 ... 0x9f] = MODRM | TO_RM,
	[0xa3] = MODRM,
	[0xaf] = MODRM | TO_REG,
	[0xb6 ... 0xb7] = MODRM | TO_REG,
	[0xbc ... 0xbf] = MODRM | TO_REG,
	[0xc8 ... 0xcf] = TO_OPCODE,
	[0xef] = MODRM,
};

static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
static const uint8_t nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

static bool starts_with(const uint8_t *code, size_t length, const uint8_t *bytes, size_t n)
{
	return length >= n && !memcmp(code, bytes, n);
}

/*
 * The length of an instruction that every kernel emulates, else 0. Not 66 90, which some kernels
 * refuse to probe, and not the longer nops, which Linux 6.16 was the first to emulate.
 */
static size_t emulated_length(const uint8_t *code, size_t length)
{
	uint8_t first = code[0], second = length > 1 ? code[1] : 0;
	size_t n = 0;

	if (first >= 0x50 && first <= 0x57)
		n = 1; /* push */
	else if (first == 0x41 && second >= 0x50 && second <= 0x57)
		n = 2; /* push r8 to r15 */
	else if (first == 0x90)
		n = 1; /* nop */
	else if (first == 0xeb || (first >= 0x70 && first <= 0x7f))
		n = 2; /* short jmp, jcc */
	else if (first == 0xe8 || first == 0xe9)
		n = 5; /* call, jmp */
	else if (first == 0x0f && second >= 0x80 && second <= 0x8f)
		n = 6; /* jcc */
	return n <= length ? n : 0;
}

/* add, or, adc, sbb, and, sub, xor, cmp: eight rows of the same six forms. */
static unsigned int arithmetic(uint8_t opcode)
{
	static const uint8_t forms[8] = {
		MODRM | TO_RM, MODRM | TO_RM, MODRM | TO_REG, MODRM | TO_REG, IMM8, IMM32,
	};
	unsigned int what = forms[opcode & 7];

	return opcode >= 0x38 ? what & ~(TO_RM | TO_REG) : what;
}

/* Opcodes that carry their operation in the middle of the ModRM byte. */
static unsigned int group(uint8_t opcode, uint8_t operation, unsigned int what)
{
	switch (opcode) {
	case 0x80:
	case 0x81:
	case 0x83:
		return operation == 7 ? what & ~TO_RM : what;
	case 0xc6:
	case 0xc7:
		return operation == 0 ? what : 0;
	case 0xf6:
	case 0xf7:
		if (operation == 0)
			return what;
		return operation == 2 || operation == 3 ? MODRM | TO_RM : 0;
	case 0xfe:
	case 0xff:
		return operation < 2 ? what : 0;
	default:
		return what;
	}
}

/* One instruction while it is taken apart. */
struct instruction {
	const uint8_t *code;
	size_t length; /* of the code that is there */
	size_t at;
	bool short_operand; /* prefix 66 */
	uint8_t rex;
	bool escaped; /* 0f before the opcode */
	uint8_t opcode;
	unsigned int what;
	uint8_t modrm;
};

static bool take(struct instruction *in, uint8_t *out)
{
	if (in->at >= in->length)
		return false;
	*out = in->code[in->at++];
	return true;
}

static bool take_opcode(struct instruction *in)
{
	uint8_t byte;

	for (;;) {
		if (!take(in, &byte))
			return false;
		if (byte == 0x66)
			in->short_operand = true;
		else if (byte != 0x2e && byte != 0x3e && byte != 0x64 && byte != 0x65)
			break;
	}
	if ((byte & 0xf0) == 0x40) {
		in->rex = byte;
		if (!take(in, &byte))
			return false;
	}
	in->escaped = byte == 0x0f;
	if (in->escaped && !take(in, &byte))
		return false;
	in->opcode = byte;
	if (in->escaped)
		in->what = two_byte[byte];
	else
		in->what = byte < 0x40 ? arithmetic(byte) : one_byte[byte];
	return in->what;
}

static bool take_modrm(struct instruction *in)
{
	uint8_t mod, base;

	if (!take(in, &in->modrm))
		return false;
	if (!in->escaped)
		in->what = group(in->opcode, in->modrm >> 3 & 7, in->what);
	mod = in->modrm >> 6;
	base = in->modrm & 7;
	if (mod == 3)
		return true;
	if (base == 4 && !take(in, &base))
		return false;
	if (mod == 1)
		in->at += 1;
	else if (mod == 2 || (base & 7) == 5)
		in->at += 4;
	return true;
}

static size_t immediate_size(const struct instruction *in)
{
	bool wide = in->rex & 8;

	if (in->what & IMM8)
		return 1;
	if (!(in->what & IMM32))
		return 0;
	if (wide)
		return in->what & TO_OPCODE ? 8 : 4;
	return in->short_operand ? 2 : 4;
}

/*
 * The high byte registers ah, ch, dh, bh share numbers with rsp, rbp, rsi, rdi: dh is a part of rdx
 * and is caught, the others are refused without need.
 */
static bool is_kept(uint8_t rex, uint8_t extension, uint8_t number)
{
	if (rex & extension)
		return true;
	return number != RDX && number != RSP && number != RSI && number != RDI;
}

static bool keeps_arguments(const struct instruction *in)
{
	if (in->what & TO_RM)
		return in->modrm >> 6 == 3 && is_kept(in->rex, 1, in->modrm & 7);
	if (in->what & TO_REG)
		return is_kept(in->rex, 4, in->modrm >> 3 & 7);
	if (in->what & TO_OPCODE)
		return is_kept(in->rex, 1, in->opcode & 7);
	return true;
}

/* The length of a harmless instruction; 0 if it is not one, or not known to be one. */
static size_t harmless_length(const uint8_t *code, size_t length)
{
	struct instruction in = { .code = code, .length = length };

	if (starts_with(code, length, endbr64, sizeof(endbr64)))
		return sizeof(endbr64);
	if (!take_opcode(&in))
		return 0;
	if (in.what & MODRM && !take_modrm(&in))
		return 0;
	if (!in.what || !keeps_arguments(&in))
		return 0;
	in.at += immediate_size(&in);
	return in.at <= length ? in.at : 0;
}

int prologue_probe_offset(const uint8_t *code, size_t length, uint64_t *out)
{
	size_t at = 0, step, newer = SIZE_MAX;

	if (length > PROLOGUE_MAX)
		length = PROLOGUE_MAX;
	for (; at < length; at += step) {
		if (emulated_length(code + at, length - at)) {
			*out = at;
			return 0;
		}
		if (newer == SIZE_MAX && starts_with(code + at, length - at, nop5, sizeof(nop5)))
			newer = at;
		step = harmless_length(code + at, length - at);
		if (!step)
			break;
	}
	*out = newer == SIZE_MAX ? 0 : newer;
	return newer == SIZE_MAX;
}
