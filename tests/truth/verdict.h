/*
 * Compares a stack with libdwfl's, and says why they differ where that can be told.
 */
#ifndef TESTS_TRUTH_VERDICT_H
#define TESTS_TRUTH_VERDICT_H

#include "tests/truth/ours.h"
#include "tests/truth/reference.h"

enum verdict {
	IDENTICAL,
	/* libdwfl cannot know better. */
	REFERENCE_LONG,    /* the stack goes on behind what was copied for it */
	REFERENCE_ASIDE,   /* it goes on elsewhere, in memory that was not copied for it */
	REFERENCE_RUNTIME, /* across code that no file holds: it guesses */
	REFERENCE_BARE,    /* across code without call frame information: it guesses */
	/* The recorder's stack is cut, and marked so. */
	OURS_SHORT,  /* its copy ended */
	OURS_BARE,   /* at code without call frame information */
	OURS_UNREAD, /* the stack's memory could not be read at all */
	/* One of them is wrong. */
	DIFFERENT,
	VERDICTS
};

extern const char *const verdict_text[VERDICTS];

/* A stack that is cut at STACK_FRAMES_MAX is identical if it is so up to there. */
enum verdict verdict_of(const struct stack *, struct reference *, const struct reference_walk *,
			const struct truth_sample *);

/* Prints both, side by side. */
void verdict_show(enum verdict, const struct stack *, struct reference *,
		  const struct reference_walk *, const struct truth_sample *);

#endif
