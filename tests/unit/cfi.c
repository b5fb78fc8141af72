/* What cfi_step() and unwind rows make of a frame, judged by libdw; of the files that are named. */
#include "recorder/cfi.h"
#include "recorder/cfi_expression.h"
#include "recorder/elf_sections.h"
#include "recorder/unwind_table.h"
#include "tests/check.h"

#include <alloca.h>
#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/lib-names.h>
#include <unistd.h>

#define BIAS 0x7f1234500000

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 31) * 0x9e3779b97f4a7c15;
	return value ^ value >> 29;
}

/* A stack that holds something else everywhere. */
static bool read_mixed(void *context, uint64_t addr, uint64_t *value)
{
	(void)context;
	*value = mix(addr) & ~7ULL;
	return true;
}

static uint64_t mixed_at(uint64_t addr)
{
	uint64_t value;

	read_mixed(NULL, addr, &value);
	return value;
}

static struct cfi_frame frame_at(uint64_t address)
{
	struct cfi_frame frame = { .known = (1U << CFI_REGISTERS) - 1 };

	for (int i = 0; i < CFI_REGISTERS; i++)
		frame.reg[i] = mix(i + address) & ~7ULL;
	frame.reg[CFI_RIP] = BIAS + address;
	return frame;
}

/* ---- the judge */

static uint64_t binary(uint8_t op, uint64_t a, uint64_t b)
{
	switch (op) {
	case DW_OP_plus:
		return a + b;
	case DW_OP_mul:
		return a * b;
	case DW_OP_and:
		return a & b;
	case DW_OP_shl:
		return a << b;
	case DW_OP_ge:
		return (int64_t)a >= (int64_t)b;
	default:
		FAIL("libdw says %#x", op);
	}
}

/* Where libdw says a register is, or what, if *is_value. */
static uint64_t evaluate(const Dwarf_Op *ops, size_t n, const struct cfi_frame *frame, uint64_t cfa,
			 bool *is_value)
{
	uint64_t stack[16] = { 0 };
	int top = -1;

	*is_value = false;
	for (size_t i = 0; i < n; i++) {
		uint8_t op = ops[i].atom;

		CHECK(top < 14);
		if (op >= DW_OP_breg0 && op <= DW_OP_breg16) {
			stack[++top] = frame->reg[op - DW_OP_breg0] + ops[i].number;
		} else if (op == DW_OP_regx) {
			stack[++top] = frame->reg[ops[i].number];
			*is_value = true;
		} else if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
			stack[++top] = op - DW_OP_lit0;
		} else if (op == DW_OP_bregx) {
			stack[++top] = frame->reg[ops[i].number] + ops[i].number2;
		} else if (op == DW_OP_call_frame_cfa) {
			stack[++top] = cfa;
		} else if (op == DW_OP_plus_uconst) {
			stack[top] += ops[i].number;
		} else if (op == DW_OP_deref) {
			stack[top] = mixed_at(stack[top]);
		} else if (op == DW_OP_stack_value) {
			*is_value = true;
		} else {
			top--;
			stack[top] = binary(op, stack[top], stack[top + 1]);
		}
	}
	CHECK(top >= 0);
	return stack[top];
}

/* The caller's registers as of libdw; false: outermost. */
static bool step_by_libdw(Dwarf_Frame *rules, const struct cfi_frame *frame, struct cfi_frame *out)
{
	Dwarf_Op memory[3], *ops;
	uint64_t value, cfa;
	bool is_value;
	size_t n;

	*out = (struct cfi_frame){ 0 };
	CHECK_EQUAL(dwarf_frame_cfa(rules, &ops, &n), 0);
	cfa = n ? evaluate(ops, n, frame, 0, &is_value) : 0;
	for (int i = 0; i < CFI_REGISTERS; i++) {
		CHECK_EQUAL(dwarf_frame_register(rules, i, memory, &ops, &n), 0);
		if (!n && ops == memory) {
			if (i == CFI_RIP)
				return false;
			continue;
		}
		value = n ? evaluate(ops, n, frame, cfa, &is_value) : frame->reg[i];
		out->reg[i] = !n || is_value ? value : mixed_at(value);
		out->known |= 1U << i;
	}
	return true;
}

/* ---- the judged */

struct judged {
	const char *path;
	struct code_map code;
	struct unwind_table table;
	struct cfi *cfi;
	Dwarf_CFI *judge;
	int complex, outermost, gaps, known;
};

/* A step as BPF programs do it. false: the row cannot. */
static bool step_by_row(const struct unwind_row *row, struct cfi_frame *frame)
{
	uint64_t rsp = frame->reg[CFI_RSP], rbp = frame->reg[CFI_RBP], ip = frame->reg[CFI_RIP];
	int64_t n = 8 * row->cfa, fp = 8 * row->fp;
	uint64_t cfa;

	switch (row->type & UNWIND_TYPES) {
	case UNWIND_RSP:
		cfa = rsp + n;
		break;
	case UNWIND_RBP:
		cfa = rbp + n;
		break;
	case UNWIND_PLT:
		cfa = rsp + 8 + 8 * ((int)(ip & 15) >= row->cfa);
		break;
	case UNWIND_DEREF:
		cfa = mixed_at(rbp + n);
		break;
	case UNWIND_RSP_DEREF:
		cfa = mixed_at(rsp + n) + 8;
		break;
	case UNWIND_SIGNAL:
		frame->reg[CFI_RBP] = mixed_at(rsp + 120);
		frame->reg[CFI_RSP] = mixed_at(rsp + 160);
		frame->reg[CFI_RIP] = mixed_at(rsp + 168);
		frame->call = false;
		return true;
	default:
		return false;
	}
	if (row->type & UNWIND_FP_AT_CFA)
		frame->reg[CFI_RBP] = mixed_at(cfa + fp);
	else if (row->type & UNWIND_FP_AT_FP)
		frame->reg[CFI_RBP] = mixed_at(rbp + fp);
	frame->reg[CFI_RSP] = cfa;
	frame->reg[CFI_RIP] = mixed_at(cfa - 8);
	frame->call = true;
	return true;
}

static void check_row(const struct judged *judged, const struct unwind_row *row, uint64_t address,
		      const struct cfi_frame *caller)
{
	static const int compared[] = { CFI_RBP, CFI_RSP, CFI_RIP };
	struct cfi_frame frame = frame_at(address);

	if (!step_by_row(row, &frame))
		return;
	CHECK_EQUAL(frame.call, caller->call);
	for (int i = 0; i < 3; i++) {
		int r = compared[i];

		if (caller->known & 1U << r && frame.reg[r] != caller->reg[r])
			FAIL("%s: row at %#" PRIx64 ": register %d", judged->path, address, r);
	}
}

/* Neither knows the code, but rows may. */
static void check_gap(struct judged *judged, const struct unwind_row *row, int err)
{
	CHECK_EQUAL(err, -ENOENT);
	judged->gaps += row->type == UNWIND_NONE;
	judged->known += row->type != UNWIND_NONE;
}

static void check_address(struct judged *judged, const struct unwind_row *row, uint64_t address,
			  uint64_t offset)
{
	struct cfi_frame frame = frame_at(address), before = frame, wanted, got = frame;
	Dwarf_Frame *rules = NULL;
	int err = cfi_step(judged->cfi, offset, &got, read_mixed, NULL);

	if (dwarf_cfi_addrframe(judged->judge, address, &rules)) {
		check_gap(judged, row, err);
		return;
	}
	judged->complex += row->type == UNWIND_COMPLEX;
	if (!step_by_libdw(rules, &frame, &wanted)) {
		CHECK_EQUAL(err, 1);
		CHECK(!memcmp(&got, &before, sizeof(got)));
		CHECK_EQUAL(row->type, UNWIND_END);
		judged->outermost++;
		free(rules);
		return;
	}
	free(rules);
	if (err)
		FAIL("%s: %#" PRIx64 ": %d", judged->path, address, err);
	/* Where nothing is said of rax and rbx, libdw takes the first for the one that calls keep.
	 */
	CHECK_EQUAL(got.known & ~(1U << 0 | 1U << CFI_RBX),
		    wanted.known & ~(1U << 0 | 1U << CFI_RBX));
	for (int i = 0; i < CFI_REGISTERS; i++) {
		if (got.known & wanted.known & 1U << i && got.reg[i] != wanted.reg[i])
			FAIL("%s: %#" PRIx64 ": register %d", judged->path, address, i);
	}
	check_row(judged, row, address, &got);
}

/* At the first address of every row, and as a return address in the middle of it. */
static void check_rows(struct judged *judged)
{
	const struct unwind_table *table = &judged->table;
	uint64_t address, middle;

	for (size_t i = 0; i + 1 < table->count; i++) {
		const struct unwind_row *row = &table->rows[i];

		if (!code_map_address(&judged->code, row->pc, &address)) {
			CHECK_EQUAL(row->type, UNWIND_NONE); /* a segment's end */
			continue;
		}
		check_address(judged, row, address, row->pc);
		middle = (row[1].pc - row->pc) / 2;
		if (row->type != UNWIND_NONE)
			check_address(judged, row, address + middle, row->pc + middle);
	}
}

static void check_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct judged judged = { .path = path };
	struct elf_file *file;
	Elf *elf;

	CHECK(fd >= 0);
	CHECK_EQUAL(elf_file_open(fd, &file), 0);
	CHECK_EQUAL(cfi_open(file, &judged.cfi), 0);
	CHECK_EQUAL(unwind_table_build(file, &judged.table), 0);
	code_map_init(&judged.code, file);
	elf_file_close(file);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	judged.judge = dwarf_getcfi_elf(elf);
	CHECK(judged.judge);
	check_rows(&judged);
	printf("%s: %zu rows, %d complex, %d outermost, %d gaps, %d where libdw knows nothing\n",
	       path, judged.table.count, judged.complex, judged.outermost, judged.gaps,
	       judged.known);
	CHECK(judged.known < 64);
	dwarf_cfi_end(judged.judge);
	elf_end(elf);
	unwind_table_free(&judged.table);
	cfi_close(judged.cfi);
	close(fd);
}

/* ---- what no compiler writes */

#define EXPRESSION(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static const struct {
	const uint8_t *code;
	size_t size;
	int64_t value;
	int err;
} expressions[] = {
	{ EXPRESSION(DW_OP_lit5, DW_OP_lit3, DW_OP_minus), 2, 0 },
	{ EXPRESSION(DW_OP_const1s, 0xff, DW_OP_lit2, DW_OP_mul), -2, 0 },
	{ EXPRESSION(DW_OP_const2s, 0xfe, 0xff, DW_OP_abs), 2, 0 },
	{ EXPRESSION(DW_OP_const4u, 0xff, 0xff, 0xff, 0xff), 0xffffffff, 0 },
	{ EXPRESSION(DW_OP_const8u, 1, 0, 0, 0, 0, 0, 0, 0x80, DW_OP_lit1, DW_OP_shr), 1LL << 62,
	  0 },
	{ EXPRESSION(DW_OP_consts, 0x7f, DW_OP_lit4, DW_OP_shra), -1, 0 },
	{ EXPRESSION(DW_OP_lit1, DW_OP_lit2, DW_OP_lit3, DW_OP_rot, DW_OP_drop), 1, 0 },
	{ EXPRESSION(DW_OP_lit7, DW_OP_lit2, DW_OP_over, DW_OP_pick, 1), 2, 0 },
	{ EXPRESSION(DW_OP_lit7, DW_OP_lit2, DW_OP_swap, DW_OP_mod), 2, 0 },
	{ EXPRESSION(DW_OP_lit7, DW_OP_neg, DW_OP_lit2, DW_OP_div), -3, 0 },
	{ EXPRESSION(DW_OP_lit1, DW_OP_bra, 1, 0, DW_OP_lit9, DW_OP_lit4), 4, 0 },
	{ EXPRESSION(DW_OP_breg7, 8, DW_OP_not, DW_OP_not), 1008, 0 },
	{ EXPRESSION(DW_OP_bregx, 7, 0x78, DW_OP_nop), 992, 0 },
	{ EXPRESSION(DW_OP_addr, 1, 0, 0, 0, 0, 0, 0, 0), BIAS + 1, 0 },
	{ EXPRESSION(DW_OP_lit8, DW_OP_deref_size, 0), 0, -EINVAL },
	{ EXPRESSION(DW_OP_call_frame_cfa), 0, -EINVAL },
	{ EXPRESSION(DW_OP_breg0, 0), 0, -EINVAL },
	{ EXPRESSION(DW_OP_bregx, 17, 0), 0, -EINVAL },
	{ EXPRESSION(DW_OP_lit1, DW_OP_lit0, DW_OP_div), 0, -EINVAL },
	{ EXPRESSION(DW_OP_lit1, DW_OP_lit0, DW_OP_mod), 0, -EINVAL },
	{ EXPRESSION(DW_OP_lit1, DW_OP_plus), 0, -EINVAL },
	{ EXPRESSION(DW_OP_drop), 0, -EINVAL },
	{ EXPRESSION(DW_OP_lit1, DW_OP_drop), 0, -EINVAL },
	{ EXPRESSION(DW_OP_const8u, 1), 0, -EINVAL },
	{ EXPRESSION(DW_OP_skip, 0xfd, 0xff), 0, -EINVAL },
	{ EXPRESSION(DW_OP_skip, 0xfc, 0xff), 0, -EINVAL },
	{ EXPRESSION(DW_OP_lit1, DW_OP_skip, 0xfc, 0xff), 0, -EINVAL },
	{ EXPRESSION(DW_OP_skip, 1, 0), 0, -EINVAL },
	{ EXPRESSION(0xff), 0, -EINVAL },
	{ EXPRESSION(DW_OP_reg0), 0, -EINVAL },
};

static void check_expressions(void)
{
	const struct cfi_frame frame = { .reg = { [CFI_RSP] = 1000 }, .known = 1U << CFI_RSP };
	const struct cfi_scope scope = { .frame = &frame, .bias = BIAS, .read = read_mixed };

	for (size_t i = 0; i < sizeof(expressions) / sizeof(*expressions); i++) {
		uint64_t value = 0;
		int err = cfi_evaluate(&scope, expressions[i].code, expressions[i].size, &value);

		if (err != expressions[i].err || (!err && value != (uint64_t)expressions[i].value))
			FAIL("expression %zu: %d, %" PRId64, i, err, (int64_t)value);
	}
}

/* gcc finds its CFA in memory, and before that in r10; judged, not run. */
__attribute__((noinline, used)) static int realigned(int n)
{
	char bytes[256] __attribute__((aligned(64)));
	char *more = alloca(n);

	snprintf(bytes, sizeof(bytes), "%d", n);
	memset(more, 0, n);
	return puts(bytes) + puts(more);
}

int main(int argc, char **argv)
{
	char self[4096] = "";
	Dl_info info;

	for (int i = 1; i < argc; i++)
		check_file(argv[i]);
	if (argc > 1)
		return 0;
	CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	CHECK(dladdr(dlsym(dlopen(LIBC_SO, RTLD_NOW), "malloc"), &info));
	check_expressions();
	check_file(info.dli_fname);
	check_file(self);
	CHECK(dladdr(dlsym(RTLD_DEFAULT, "_r_debug"), &info));
	check_file(info.dli_fname);
	return 0;
}
