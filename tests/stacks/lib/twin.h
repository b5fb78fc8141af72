/* Two libraries that differ in nothing but names. */
#ifndef TESTS_STACKS_LIB_TWIN_H
#define TESTS_STACKS_LIB_TWIN_H

#include "tests/stacks/leaves.h"

#define TWIN(name)                                                                                 \
	LEAVES(name)                                                                               \
	void name##_frame(long count);                                                             \
	__attribute__((noipa)) void name##_frame(long count)                                       \
	{                                                                                          \
		events = count;                                                                    \
		MAKE_EVENTS(name);                                                                 \
	}

#endif
