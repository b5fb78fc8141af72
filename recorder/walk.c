#include <errno.h>
#include <string.h>
#include "bpf/definitions.h"
#include "recorder/cfi.h"
#include "recorder/walk.h"

enum { RBP = CFI_RBP, RSP = CFI_RSP, RIP = CFI_RIP };
static const uint64_t pointer_span = 1 << 20; /* as bpf/unwind.h */

struct walk {
	const struct spaces *spaces;
	const struct unwind *unwind; /* NULL: no tables */
	const struct stack_copy *copy;
	bool exact;
};

static bool walk_read(void *context, uint64_t addr, uint64_t *value)
{
	const struct stack_copy *copy = ((const struct walk *)context)->copy;
	uint64_t at = addr - (copy->reg[RSP] & ~7ULL);
	if (at >= copy->bytes || copy->bytes - at < sizeof(*value))
		return false;
	memcpy(value, (const char *)copy->memory + at, sizeof(*value));
	return true;
}

/* Code without rules: by the frame pointer. 0, 1: the outermost frame; -EFAULT. */
static int step_by_pointer(struct cfi_frame *frame, struct walk *walk)
{
	uint64_t fp = frame->reg[RBP], caller_fp, ip;
	if (fp < frame->reg[RSP] || fp & 7 || fp - frame->reg[RSP] >= pointer_span ||
	    !walk_read(walk, fp, &caller_fp) || !walk_read(walk, fp + 8, &ip))
		return -EFAULT;
	frame->reg[RBP] = caller_fp;
	frame->reg[RSP] = fp + 16;
	frame->reg[RIP] = ip;
	frame->known = 1U << RBP | 1U << RSP | 1U << RIP;
	frame->call = true;
	return !ip;
}

/* As unwind_by_row() of bpf/unwind.h; -ENOENT: a row that says too little. */
static int step_by_row(struct cfi_frame *frame, struct unwind_row row, struct walk *walk)
{
	unsigned type = row.type & UNWIND_TYPES;
	bool from_fp = type == UNWIND_RBP || type == UNWIND_DEREF;
	uint64_t fp = frame->reg[RBP], ip;
	uint64_t cfa = (from_fp ? fp : frame->reg[RSP]) + (uint64_t)row.cfa * 8;
	if (type == UNWIND_END)
		return 1;
	if (type == UNWIND_NONE || type == UNWIND_SIGNAL || type == UNWIND_COMPLEX)
		return -ENOENT;
	if (type == UNWIND_PLT)
		cfa = frame->reg[RSP] + 8 + ((frame->reg[RIP] & 15) >= (uint64_t)row.cfa) * 8;
	if ((type == UNWIND_DEREF || type == UNWIND_RSP_DEREF) && !walk_read(walk, cfa, &cfa))
		return -EFAULT;
	if (type == UNWIND_RSP_DEREF)
		cfa += 8;
	uint64_t saved = (row.type & UNWIND_FP_AT_FP ? fp : cfa) + (uint64_t)row.fp * 8;
	if (!walk_read(walk, cfa - 8, &ip) ||
	    (row.type & (UNWIND_FP_AT_FP | UNWIND_FP_AT_CFA) && !walk_read(walk, saved, &fp)))
		return -EFAULT;
	*frame = (struct cfi_frame){ .known = 1U << RBP | 1U << RSP | 1U << RIP, .call = true };
	frame->reg[RBP] = fp;
	frame->reg[RSP] = cfa;
	frame->reg[RIP] = ip;
	return !ip;
}

/* Nothing stands before an entry point: there the return address itself counts. */
static bool walk_row(const struct walk *walk, const struct image *image, uint64_t offset, bool call,
		     struct unwind_row *row)
{
	return unwind_find(walk->unwind, image, offset, row) ||
	       (call && unwind_find(walk->unwind, image, offset + 1, row) &&
		row->type == UNWIND_END);
}

/* By the table's row where that is enough: it takes a tenth of the time, but keeps few registers.
 * So the exact way goes by call frame information wherever there is any. */
static int step_in(struct walk *walk, struct image *image, uint64_t offset, struct cfi_frame *frame)
{
	struct cfi *cfi = walk->exact ? image_cfi(image) : NULL;
	struct unwind_row row;
	int error = cfi ? cfi_step(cfi, offset + frame->call, frame, walk_read, walk) : -ENOENT;
	if (error != -ENOENT || !walk->unwind || !walk_row(walk, image, offset, frame->call, &row))
		return error;
	return step_by_row(frame, row, walk);
}

static int step(struct walk *walk, struct cfi_frame *frame)
{
	uint64_t offset, sp = frame->reg[RSP];
	struct image *image = spaces_find(walk->spaces, (uint32_t)(walk->copy->process_id >> 32),
					  frame->reg[RIP] - frame->call, &offset);
	int error = image ? step_in(walk, image, offset, frame) : -ENOENT;
	if (error == -ENOENT && (walk->exact || !image))
		error = step_by_pointer(frame, walk);
	if (!error && !frame->reg[RIP])
		return 1;
	/* Outwards is upwards, but for a signal's stack. */
	return error || !frame->call || frame->reg[RSP] > sp ? error : -EFAULT;
}

static size_t walk_once(struct walk *walk, uint64_t *ip, uint32_t *end)
{
	struct cfi_frame frame = { .known = (1U << CFI_REGISTERS) - 1 };
	size_t n = 0;
	memcpy(frame.reg, walk->copy->reg, sizeof(frame.reg));
	*end = STACK_DEEP;
	while (n < STACK_FRAMES_MAX && *end == STACK_DEEP) {
		ip[n] = frame.reg[RIP] + (n && !frame.call); /* as in a stack_definition */
		n++;
		int result = step(walk, &frame);
		if (result)
			*end = result == 1 ? STACK_WHOLE : STACK_LOST;
	}
	return n;
}

size_t walk_copy(const struct spaces *spaces, const struct unwind *unwind,
		 const struct stack_copy *copy, uint64_t *ip, uint32_t *end)
{
	struct walk walk = { spaces, unwind, copy, false };
	size_t n = walk_once(&walk, ip, end);
	if (*end != STACK_LOST)
		return n;
	walk.exact = true;
	return walk_once(&walk, ip, end);
}
