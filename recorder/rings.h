/*
 * Takes records from the kernel's rings.
 */
#ifndef RECORDER_RINGS_H
#define RECORDER_RINGS_H

#include "recorder/losses.h"
#include "recorder/order.h"
#include "recorder/records.h"
#include "recorder/shared.h"

struct rings;

/* 0 or -errno. */
int rings_open(const struct shared *, struct records *, struct losses *, struct order *,
	       struct rings **out);

/* Moves all records to where records_sort puts them; *bytes is their size. 0 or -errno. */
int rings_drain(struct rings *, size_t *bytes);

/* Accepts NULL. */
void rings_close(struct rings *);

#endif
