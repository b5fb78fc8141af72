/*
 * Records of all rings in order of time. Records are copied in as they are taken from the rings and
 * come out sorted, once they are old enough that no older one can still turn up.
 */
#ifndef RECORDER_ORDER_H
#define RECORDER_ORDER_H

#include <stdint.h>
#include <stddef.h>

struct order;

int order_open(struct order **out);

/*
 * Adds a record of time `ts_ns`, copied. `kind` comes back with it. 0 or -ENOMEM.
 */
int order_add(struct order *, int64_t ts_ns, uint64_t kind, const void *record, size_t size);

/*
 * Passes the records older than `before_ns` to `each` in order of time, equal times in order of
 * adding, and forgets them. Ends with each's first negative result; 0 otherwise. `late` counts the
 * records that are older than one that an earlier call passed on.
 */
typedef int order_each(void *context, int64_t ts_ns, uint64_t kind, const void *record,
		       size_t size);
int order_take(struct order *, int64_t before_ns, order_each *each, void *context);

uint64_t order_late(const struct order *);

/* Bytes of the records that wait. */
size_t order_waiting(const struct order *);

/* Accepts NULL. */
void order_close(struct order *);

#endif
