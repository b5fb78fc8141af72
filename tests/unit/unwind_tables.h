/* Unwind tables as a recorder has them, in the maps that the kernel side reads. */
#ifndef TESTS_UNIT_UNWIND_TABLES_H
#define TESTS_UNIT_UNWIND_TABLES_H

#include "recorder/ladder.h"
#include "recorder/unwind.h"
#include "tests/check.h"

struct tables {
	struct definer definer;
	struct shared *shared;
	struct images *images;
	struct unwind *unwind; /* NULL: not possible here, `why` says why */
	char why[256];
};

/* With so little memory as can be, 4 MiB of tables. */
static inline void tables_open(struct tables *tables)
{
	struct ladder ladder = { 0 };
	enum stack_way way = STACKS_TABLES;
	int error = shared_open(1, &tables->shared);

	CHECK_EQUAL(images_open(&tables->definer, &tables->images), 0);
	if (error) {
		snprintf(tables->why, sizeof(tables->why), "BPF is refused: %s", strerror(-error));
		return;
	}
	struct object_setup setup = { .shared = tables->shared, .stacks = way };
	CHECK_EQUAL(ladder_stacks(&ladder, &setup, &way), 0);
	if (way == STACKS_TABLES)
		CHECK_EQUAL(unwind_open(tables->shared, tables->images, &tables->unwind), 0);
	else
		snprintf(tables->why, sizeof(tables->why), "no unwind tables here: %.200s",
			 ladder.states[0].why);
	ladder_release(&ladder);
}

static inline void tables_close(struct tables *tables)
{
	unwind_close(tables->unwind);
	images_close(tables->images);
	shared_close(tables->shared);
}

#endif
