#include "recorder/cfi.h"
#include "recorder/cfi_expression.h"
#include "recorder/cfi_source.h"

#include <errno.h>
#include <stdlib.h>

enum { EH_FRAME, DEBUG_FRAME, SOURCES };

/* An FDE. */
struct place {
	uint64_t start;
	size_t at;
};

/* Sorted, for a section without an index. */
struct places {
	struct place *all;
	size_t n, max;
};

struct cfi {
	struct code_map code;
	struct cfi_source sources[SOURCES];
	struct places places[SOURCES];
	struct cfi_index index;
	struct cfi_run run;
};

static int add_place(struct places *places, uint64_t start, size_t at)
{
	size_t max = places->max ? 2 * places->max : 1024;
	struct place *grown;

	if (places->n == places->max) {
		grown = realloc(places->all, max * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		places->all = grown;
		places->max = max;
	}
	places->all[places->n++] = (struct place){ start, at };
	return 0;
}

static int compare_places(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

static int list_places(struct cfi *cfi, int i)
{
	const struct cfi_start *start;
	struct cfi_entry entry;
	struct cfi_fde fde;
	uint64_t offset, room;
	size_t at = 0;
	int err = 0;

	while (!err && cfi_entry_next(&cfi->sources[i].section, &at, &entry)) {
		if (cfi_source_fde(&cfi->sources[i], &entry, &cfi->run, &fde, &start) &&
		    code_map_offset(&cfi->code, fde.start, &offset, &room))
			err = add_place(&cfi->places[i], fde.start, entry.at);
	}
	if (cfi->places[i].n)
		qsort(cfi->places[i].all, cfi->places[i].n, sizeof(struct place), compare_places);
	return err;
}

static int open_sources(struct cfi *cfi, struct elf_file *file)
{
	int err = cfi_index_open(&cfi->index, file), found = 0;

	if (err && err != -ENOENT)
		return err;
	for (int i = 0; i < SOURCES; i++) {
		err = cfi_source_open(&cfi->sources[i], file, i == DEBUG_FRAME);
		if (err == -ENOENT)
			continue;
		found++;
		if (!err && (i == DEBUG_FRAME || !cfi->index.n))
			err = list_places(cfi, i);
		if (err)
			return err;
	}
	return found ? 0 : -ENOENT;
}

int cfi_open(struct elf_file *file, struct cfi **out)
{
	struct cfi *cfi;
	int err;

	if (!elf_is_x86_64(file))
		return -ENOEXEC;
	cfi = calloc(1, sizeof(*cfi));
	if (!cfi)
		return -ENOMEM;
	code_map_init(&cfi->code, file);
	err = open_sources(cfi, file);
	if (err)
		cfi_close(cfi);
	else
		*out = cfi;
	return err;
}

void cfi_close(struct cfi *cfi)
{
	if (!cfi)
		return;
	for (int i = 0; i < SOURCES; i++) {
		cfi_source_close(&cfi->sources[i]);
		free(cfi->places[i].all);
	}
	cfi_index_close(&cfi->index);
	free(cfi);
}

/* The last one that begins at or before the address. */
static bool find_place(const struct places *places, uint64_t address, size_t *at)
{
	size_t low = 0, high = places->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (places->all[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low)
		*at = places->all[low - 1].at;
	return low;
}

static bool find_entry(const struct cfi *cfi, int i, uint64_t address, size_t *at)
{
	uint64_t fde;

	if (i == DEBUG_FRAME || !cfi->index.n)
		return find_place(&cfi->places[i], address, at);
	if (!cfi_index_find(&cfi->index, address, &fde))
		return false;
	*at = fde - cfi->sources[i].section.address;
	return true;
}

static bool begin_run(struct cfi *cfi, int i, uint64_t address)
{
	struct cfi_source *source = &cfi->sources[i];
	const struct cfi_start *start;
	struct cfi_entry entry;
	struct cfi_fde fde;
	size_t at;

	if (!source->section.size || !find_entry(cfi, i, address, &at) ||
	    !cfi_entry_next(&source->section, &at, &entry) ||
	    !cfi_source_fde(source, &entry, &cfi->run, &fde, &start) || address < fde.start ||
	    address >= fde.end)
		return false;
	cfi_run_begin(&cfi->run, &source->section, start, &fde);
	return true;
}

/* Leaves in cfi->run what holds for the address. 0, -ENOENT, -EINVAL. */
static int find_rules(struct cfi *cfi, uint64_t address)
{
	if (!begin_run(cfi, EH_FRAME, address) && !begin_run(cfi, DEBUG_FRAME, address))
		return -ENOENT;
	while (cfi_run_next(&cfi->run)) {
		if (address < cfi->run.next)
			return 0;
	}
	return -EINVAL;
}

static int find_cfa(const struct cfi_scope *scope, const struct cfi_rules *rules, uint64_t *cfa)
{
	if (rules->cfa_expression)
		return cfi_evaluate(scope, rules->cfa_expression, rules->cfa_size, cfa);
	if (rules->cfa_register >= CFI_REGISTERS ||
	    !(scope->frame->known & 1U << rules->cfa_register))
		return -EINVAL;
	*cfa = scope->frame->reg[rules->cfa_register] + rules->cfa_offset;
	return 0;
}

/* A call keeps rbx, rbp, r12 to r15, and returns with rsp at the CFA. */
static bool is_kept(int i)
{
	return i == CFI_RBX || i == CFI_RBP || (i >= CFI_R12 && i < CFI_RIP);
}

static void set_register(struct cfi_frame *frame, int i, uint64_t value)
{
	frame->reg[i] = value;
	frame->known |= 1U << i;
}

static void copy_register(const struct cfi_scope *scope, uint64_t from, int i,
			  struct cfi_frame *out)
{
	if (from < CFI_REGISTERS && scope->frame->known & 1U << from)
		set_register(out, i, scope->frame->reg[from]);
}

static int load_register(const struct cfi_scope *scope, uint64_t address, int i,
			 struct cfi_frame *out)
{
	uint64_t value;

	if (!scope->read(scope->context, address, &value))
		return -EFAULT;
	set_register(out, i, value);
	return 0;
}

static int evaluate_register(const struct cfi_scope *scope, const struct cfi_rule *rule, int i,
			     struct cfi_frame *out)
{
	uint64_t value;
	int err = cfi_evaluate(scope, rule->expression, rule->size, &value);

	if (err)
		return err;
	if (rule->kind == CFI_EXPRESSION)
		return load_register(scope, value, i, out);
	set_register(out, i, value);
	return 0;
}

static int apply_rule(const struct cfi_scope *scope, const struct cfi_rule *rule, int i,
		      struct cfi_frame *out)
{
	switch (rule->kind) {
	case CFI_UNSAID:
		if (i == CFI_RSP)
			set_register(out, i, *scope->cfa);
		else if (is_kept(i))
			copy_register(scope, i, i, out);
		return 0;
	case CFI_SAME:
		copy_register(scope, i, i, out);
		return 0;
	case CFI_REGISTER:
		copy_register(scope, rule->offset, i, out);
		return 0;
	case CFI_OFFSET:
		return load_register(scope, *scope->cfa + rule->offset, i, out);
	case CFI_VAL_OFFSET:
		set_register(out, i, *scope->cfa + rule->offset);
		return 0;
	case CFI_EXPRESSION:
	case CFI_VAL_EXPRESSION:
		return evaluate_register(scope, rule, i, out);
	default:
		return 0;
	}
}

/* Another register than these two may be lost. */
static bool is_needed(int i)
{
	return i == CFI_RIP || i == CFI_RSP;
}

static int apply_rules(struct cfi_scope *scope, const struct cfi_rules *rules,
		       struct cfi_frame *out)
{
	uint64_t cfa;
	int err = find_cfa(scope, rules, &cfa);

	if (err)
		return err;
	scope->cfa = &cfa;
	for (int i = 0; i < CFI_REGISTERS && !err; i++) {
		err = apply_rule(scope, &rules->registers[i], i, out);
		if (!is_needed(i))
			err = 0;
		else if (!err && !(out->known & 1U << i))
			err = -EINVAL;
	}
	scope->cfa = NULL;
	return err;
}

int cfi_step(struct cfi *cfi, uint64_t offset, struct cfi_frame *frame, cfi_read *read,
	     void *context)
{
	struct cfi_scope scope = { .frame = frame, .read = read, .context = context };
	struct cfi_frame caller = { 0 };
	const struct cfi_cie *cie;
	uint64_t address;
	int err;

	if (!code_map_address(&cfi->code, offset - frame->call, &address))
		return -ENOENT;
	err = find_rules(cfi, address);
	if (err)
		return err;
	cie = &cfi->run.from->cie;
	if (cie->return_register != CFI_RIP)
		return -EINVAL;
	if (cfi->run.rules.registers[CFI_RIP].kind == CFI_UNDEFINED)
		return 1;
	scope.bias = frame->reg[CFI_RIP] - frame->call - address;
	err = apply_rules(&scope, &cfi->run.rules, &caller);
	if (err)
		return err;
	if (!caller.reg[CFI_RIP])
		return 1;
	caller.call = !cie->signal;
	*frame = caller;
	return 0;
}
