#include <errno.h>
#include <stdlib.h>
#include "recorder/rings.h"

struct rings {
	struct ring_buffer *buffer;
	struct records *records;
	struct losses *losses;
	struct order *order;
	size_t bytes;
};

static int rings_take(void *context, void *data, size_t size)
{
	struct rings *rings = context;
	losses_taken(rings->losses, *(const uint64_t *)data);
	rings->bytes += size;
	return records_sort(rings->records, rings->order, data, size);
}

int rings_open(const struct shared *shared, struct records *records, struct losses *losses,
	       struct order *order, struct rings **out)
{
	struct rings *rings = *out = calloc(1, sizeof(*rings));
	if (!rings)
		return -ENOMEM;
	*rings = (struct rings){ .records = records, .losses = losses, .order = order };
	rings->buffer = ring_buffer__new(shared_ring_fd(shared, 0), rings_take, rings, NULL);
	if (!rings->buffer)
		return -errno;
	for (uint32_t i = 1; i < shared_ring_count(shared); i++) {
		int error = ring_buffer__add(rings->buffer, shared_ring_fd(shared, i), rings_take,
					     rings);
		if (error)
			return error;
	}
	return 0;
}

int rings_drain(struct rings *rings, size_t *bytes)
{
	rings->bytes = 0;
	int taken = ring_buffer__consume(rings->buffer);
	*bytes = rings->bytes;
	return taken < 0 ? taken : 0;
}

void rings_close(struct rings *rings)
{
	if (!rings)
		return;
	ring_buffer__free(rings->buffer);
	free(rings);
}
