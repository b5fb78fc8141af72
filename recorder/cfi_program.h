/*
 * Runs the call frame instructions of one FDE: which rules hold for which addresses.
 */
#ifndef RECORDER_CFI_PROGRAM_H
#define RECORDER_CFI_PROGRAM_H

#include "recorder/cfi_entry.h"
#include "recorder/cfi_frame.h"

/* More levels of DW_CFA_remember_state are refused. */
#define CFI_REMEMBERED_MAX 8

enum cfi_kind {
	CFI_UNSAID,
	CFI_UNDEFINED,
	CFI_SAME,
	CFI_OFFSET,         /* saved at CFA + offset */
	CFI_VAL_OFFSET,     /* is CFA + offset */
	CFI_REGISTER,       /* is in register `offset` */
	CFI_EXPRESSION,     /* saved where the expression says */
	CFI_VAL_EXPRESSION, /* is the expression's value */
};

struct cfi_rule {
	uint8_t kind;  /* enum cfi_kind */
	uint32_t size; /* of the expression */
	union {
		int64_t offset;
		const uint8_t *expression;
	};
};

struct cfi_rules {
	uint64_t cfa_register; /* CFA = register + offset, unless there is an expression */
	int64_t cfa_offset;
	const uint8_t *cfa_expression; /* CFA is its value */
	uint32_t cfa_size;
	struct cfi_rule registers[CFI_REGISTERS];
};

/* What the FDEs of a CIE begin with. */
struct cfi_start {
	struct cfi_cie cie;
	struct cfi_rules rules;
};

struct cfi_run {
	const struct cfi_section *section;
	const struct cfi_start *from;
	struct cursor program;
	uint64_t start, next; /* what `rules` hold for */
	uint64_t end;
	struct cfi_rules rules;
	struct cfi_rules remembered[CFI_REMEMBERED_MAX];
	size_t n_remembered;
	bool bad;
};

/* Reads a CIE and runs its instructions, with `run` as space. false: as of cfi_cie_read(). */
bool cfi_start_read(struct cfi_run *run, const struct cfi_section *, size_t cie,
		    struct cfi_start *out);

/* `from` and section must outlive the run. */
void cfi_run_begin(struct cfi_run *, const struct cfi_section *, const struct cfi_start *from,
		   const struct cfi_fde *);

/*
 * The next addresses that have the same rules: run->start up to run->next. false: the end, or
 * run->bad: nothing that is understood from run->start on.
 */
bool cfi_run_next(struct cfi_run *);

#endif
