/*
 * Copied stacks: this program's own, taken as the kernel side would, against backtrace(3), by call
 * frame information and by tables; and crafted ones of code that no file holds, which are walked by
 * frame pointers.
 */
#include <execinfo.h>
#include <setjmp.h>
#include <sys/uio.h>
#include <unistd.h>
#include "bpf/definitions.h"
#include "recorder/cfi.h"
#include "recorder/elf.h"
#include "recorder/walk.h"
#include "tests/unit/unwind_tables.h"

enum { NOBODY = 1 << 24, DEPTH = 40, CUT = 12, CODE = 0x5000 };

static const uint64_t stack_at = 0x7ffc00001000;

/* ---- this program's own stack */

struct taken {
	struct stack_copy copy;
	uint64_t ip[STACK_FRAMES_MAX]; /* as backtrace has it */
	size_t frames;
};

/* Page by page, up to the end of the stack. */
static void take_memory(struct stack_copy *copy)
{
	uint64_t sp = copy->reg[CFI_RSP] & ~7ULL, bytes = 0, n;

	for (; bytes < sizeof(copy->memory); bytes += n) {
		n = STACK_PAGE - ((sp + bytes) & (STACK_PAGE - 1));
		if (n > sizeof(copy->memory) - bytes)
			n = sizeof(copy->memory) - bytes;
		struct iovec to = { (char *)copy->memory + bytes, n };
		struct iovec from = { (void *)(sp + bytes), n };
		if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != (ssize_t)n)
			break;
	}
	copy->bytes = bytes;
}

/* From the frame on that is not backtrace's, or a sanitizer's around it, but our caller's. */
__attribute__((noinline)) static void take_addresses(struct taken *taken)
{
	void *addresses[STACK_FRAMES_MAX];
	size_t count = (size_t)backtrace(addresses, STACK_FRAMES_MAX), own = 0;
	const void *here = __builtin_return_address(0);

	while (own < count && addresses[own] != here)
		own++;
	CHECK(own < count);
	taken->frames = count - own;
	for (size_t i = 0; i < taken->frames; i++)
		taken->ip[i] = (uintptr_t)addresses[own + i];
	taken->ip[0] = taken->copy.reg[CFI_RIP]; /* there it has where we were called */
}

__attribute__((noinline)) static void take(struct taken *taken)
{
	uint64_t *reg = (uint64_t *)taken->copy.reg;

	__asm__ volatile("movq %%rax, 0(%0)\n\tmovq %%rdx, 8(%0)\n\tmovq %%rcx, 16(%0)\n\t"
			 "movq %%rbx, 24(%0)\n\tmovq %%rsi, 32(%0)\n\tmovq %%rdi, 40(%0)\n\t"
			 "movq %%rbp, 48(%0)\n\tmovq %%rsp, 56(%0)\n\tmovq %%r8, 64(%0)\n\t"
			 "movq %%r9, 72(%0)\n\tmovq %%r10, 80(%0)\n\tmovq %%r11, 88(%0)\n\t"
			 "movq %%r12, 96(%0)\n\tmovq %%r13, 104(%0)\n\tmovq %%r14, 112(%0)\n\t"
			 "movq %%r15, 120(%0)\n\tleaq 1f(%%rip), %%rax\n\tmovq %%rax, 128(%0)\n1:"
			 :
			 : "r"(reg)
			 : "rax", "memory");
	taken->copy.process_id = (uint64_t)getpid() << 32;
	take_memory(&taken->copy);
	take_addresses(taken);
	__asm__ volatile(""); /* no tail call */
}

__attribute__((noinline, noreturn)) static void take_and_leave(struct taken *taken, jmp_buf out)
{
	take(taken);
	longjmp(out, 1);
}

/* Its return address is in the next function already. */
__attribute__((noinline, noreturn)) static void end_with_call(struct taken *taken, jmp_buf out)
{
	volatile char room[200] = { 1 };

	(void)room;
	take_and_leave(taken, out);
}

/* Frames of all kinds, by turns: of a fixed size, and found by rbp. None is a tail call. */
__attribute__((noinline)) static int descend(struct taken *taken, int depth, jmp_buf out);

__attribute__((noinline)) static int descend_by_rbp(struct taken *taken, int depth, jmp_buf out)
{
	volatile char *room = __builtin_alloca((size_t)depth * 3 + 1);

	room[0] = (char)depth;
	return descend(taken, depth - 1, out) + room[0];
}

static int descend(struct taken *taken, int depth, jmp_buf out)
{
	volatile char room[72] = { (char)depth };

	if (!depth)
		end_with_call(taken, out);
	return descend_by_rbp(taken, depth, out) + room[0];
}

static void check_frames(const uint64_t *ip, size_t frames, const struct taken *taken)
{
	CHECK_EQUAL(frames, taken->frames);
	for (size_t i = 0; i < frames; i++)
		CHECK_EQUAL(ip[i], taken->ip[i]);
}

static void check_own(const struct spaces *spaces, const struct unwind *unwind, struct taken *taken)
{
	uint64_t ip[STACK_FRAMES_MAX], bytes = taken->copy.bytes;
	uint32_t end = 0;

	size_t frames = walk_copy(spaces, unwind, &taken->copy, ip, &end);
	CHECK_EQUAL(end, STACK_WHOLE);
	check_frames(ip, frames, taken);
	/* With less of its memory it is cut, and marked so, but not wrong. */
	for (int i = 0; i < CUT; i++) {
		taken->copy.bytes = (uint64_t)i * DEPTH;
		frames = walk_copy(spaces, unwind, &taken->copy, ip, &end);
		CHECK_EQUAL(end, STACK_LOST);
		CHECK(frames >= 1 && frames < taken->frames);
		for (size_t j = 0; j < frames; j++)
			CHECK_EQUAL(ip[j], taken->ip[j]);
	}
	taken->copy.bytes = bytes;
}

/* Files whose call frame information is gone, so that there are only the rows made before. */
static void forget_files(const struct spaces *spaces, const struct taken *taken)
{
	uint64_t offset;

	for (size_t i = 0; i < taken->frames; i++) {
		struct image *image = spaces_find(spaces, (uint32_t)getpid(), taken->ip[i],
						  &offset);
		CHECK(image);
		elf_file_close(image->elf);
		cfi_close(image->cfi);
		image->elf = NULL;
		image->cfi = NULL;
	}
}

static void check_rows(struct tables *tables, const struct spaces *spaces, struct taken *taken)
{
	if (!tables->unwind) {
		printf("not by tables: %s\n", tables->why);
		return;
	}
	CHECK_EQUAL(unwind_expect_command(tables->unwind, "/proc/self/exe"), 0);
	CHECK(unwind_counts(tables->unwind).tables > 1);
	check_own(spaces, tables->unwind, taken);
	forget_files(spaces, taken);
	check_own(spaces, tables->unwind, taken);
}

/* ---- crafted ones */

/* A stack of frames with saved frame pointers, `step` words each; rsp is at `rsp` words. */
static void craft(struct stack_copy *copy, size_t frames, size_t step)
{
	memset(copy, 0, sizeof(*copy));
	copy->process_id = (uint64_t)NOBODY << 32;
	copy->bytes = sizeof(copy->memory);
	copy->reg[CFI_RIP] = CODE;
	copy->reg[CFI_RSP] = stack_at;
	copy->reg[CFI_RBP] = stack_at + 8;
	for (size_t i = 0; i + 1 < frames; i++) {
		copy->memory[1 + i * step] = stack_at + 8 * (1 + (i + 1) * step);
		copy->memory[2 + i * step] = CODE + i + 1;
	}
}

static size_t walk(const struct spaces *spaces, const struct stack_copy *copy, uint32_t *end)
{
	uint64_t ip[STACK_FRAMES_MAX];
	size_t frames = walk_copy(spaces, NULL, copy, ip, end);

	for (size_t i = 0; i < frames; i++)
		CHECK_EQUAL(ip[i], CODE + i);
	return frames;
}

static void check_pointers(const struct spaces *spaces)
{
	static struct stack_copy copy;
	uint32_t end;

	craft(&copy, 1, 2); /* a return address of 0 has no caller */
	CHECK_EQUAL(walk(spaces, &copy, &end), 1);
	CHECK_EQUAL(end, STACK_WHOLE);
	craft(&copy, 30, 5);
	CHECK_EQUAL(walk(spaces, &copy, &end), 30);
	CHECK_EQUAL(end, STACK_WHOLE);
	craft(&copy, STACK_FRAMES_MAX + 50, 2);
	CHECK_EQUAL(walk(spaces, &copy, &end), STACK_FRAMES_MAX);
	CHECK_EQUAL(end, STACK_DEEP);
	copy.bytes = 8 * (3 + 20 * 2); /* the 21st frame's words, and then none */
	CHECK_EQUAL(walk(spaces, &copy, &end), 22);
	CHECK_EQUAL(end, STACK_LOST);
}

/* A frame pointer that cannot be one ends the stack where it is. */
static void check_bad_pointers(const struct spaces *spaces)
{
	static const uint64_t bad[] = { 0,
					1,
					stack_at - 8,
					stack_at + 8 * 11 + 4,
					stack_at + (1 << 20) + 4096,
					UINT64_MAX - 7 };
	static struct stack_copy copy;
	uint32_t end;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		craft(&copy, 30, 5);
		copy.memory[1] = bad[i]; /* what the second frame goes by */
		CHECK_EQUAL(walk(spaces, &copy, &end), 2);
		CHECK_EQUAL(end, STACK_LOST);
		craft(&copy, 30, 5);
		copy.reg[CFI_RBP] = bad[i];
		CHECK_EQUAL(walk(spaces, &copy, &end), 1);
		CHECK_EQUAL(end, STACK_LOST);
	}
	/* Inside the frame before, and that frame itself: a ring. */
	for (uint64_t i = 1; i <= 2; i++) {
		craft(&copy, 30, 5);
		copy.memory[1] = stack_at + 8 * i;
		CHECK_EQUAL(walk(spaces, &copy, &end), 2);
		CHECK_EQUAL(end, STACK_LOST);
	}
}

int main(void)
{
	static struct taken taken;
	struct tables tables = { 0 };
	struct spaces *spaces;
	jmp_buf out;

	tables_open(&tables);
	CHECK_EQUAL(spaces_open(tables.images, &spaces), 0);
	check_pointers(spaces);
	check_bad_pointers(spaces);
	CHECK_EQUAL(spaces_scan(spaces, (uint32_t)getpid()), 0);
	if (!setjmp(out))
		descend(&taken, DEPTH, out);
	CHECK(taken.frames > 2 * DEPTH);
	check_own(spaces, NULL, &taken);
	check_rows(&tables, spaces, &taken);
	spaces_close(spaces);
	tables_close(&tables);
	return 0;
}
