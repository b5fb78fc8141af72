/*
 * Checks of the unit tests. A failed check prints where and what, and ends the program with status
 * 1; SKIP ends it with 77 and the reason.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAIL(...)                                                                                  \
	do {                                                                                       \
		fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                    \
		fprintf(stderr, __VA_ARGS__);                                                      \
		fputc('\n', stderr);                                                               \
		exit(1);                                                                           \
	} while (0)

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			FAIL("not true: %s", #condition);                                          \
	} while (0)

/* Two integers are equal. */
#define CHECK_EQUAL(got, wanted)                                                                   \
	do {                                                                                       \
		int64_t got_ = (int64_t)(got), wanted_ = (int64_t)(wanted);                        \
		if (got_ != wanted_)                                                               \
			FAIL("%s is %" PRId64 ", not %" PRId64, #got, got_, wanted_);              \
	} while (0)

#define CHECK_TEXT(got, wanted)                                                                    \
	do {                                                                                       \
		const char *got_ = (got), *wanted_ = (wanted);                                     \
		if (!got_ || strcmp(got_, wanted_))                                                \
			FAIL("%s is \"%s\", not \"%s\"", #got, got_ ? got_ : "(null)", wanted_);   \
	} while (0)

#define SKIP(...)                                                                                  \
	do {                                                                                       \
		printf(__VA_ARGS__);                                                               \
		putchar('\n');                                                                     \
		exit(77);                                                                          \
	} while (0)

#endif
