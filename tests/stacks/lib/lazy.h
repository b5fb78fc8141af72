/* Functions of a library whose calls are bound when they are first made. */
#ifndef TESTS_STACKS_LIB_LAZY_H
#define TESTS_STACKS_LIB_LAZY_H

/* Bound by a function of the library that has this name as well, and calls lazy_bind. */
void lazy_function(void);

/* Makes the events itself. */
void library_function(long count);

#endif
