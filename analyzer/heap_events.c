#include "analyzer/heap_events.h"

#include <errno.h>
#include <stdlib.h>
#include "analyzer/index.h"

int events_add(struct heap_events *events, const struct heap_event *event)
{
	size_t n = events->n;

	if (array_grow(&events->events, &events->capacity, n, sizeof(*events->events)))
		return -ENOMEM;
	events->events[n] = (struct ordered_event){ .event = *event, .order = n };
	events->n++;
	return 0;
}

static int event_compare(const void *left, const void *right)
{
	const struct ordered_event *a = left, *b = right;

	if (a->event.session != b->event.session)
		return a->event.session < b->event.session ? -1 : 1;
	if (a->event.ts_ns != b->event.ts_ns)
		return a->event.ts_ns < b->event.ts_ns ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

int events_begin(struct heap_events *events)
{
	size_t n = events->n;

	if (events->queues || !n)
		return 0;
	qsort(events->events, n, sizeof(*events->events), event_compare);
	events->n_queues = events->events[n - 1].event.session + 1;
	events->queues = calloc(events->n_queues, sizeof(*events->queues));
	if (!events->queues)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct event_queue *queue = &events->queues[events->events[i].event.session];

		if (!queue->end)
			queue->next = i;
		queue->end = i + 1;
	}
	return 0;
}

void events_free(struct heap_events *events)
{
	free(events->events);
	free(events->queues);
	*events = (struct heap_events){ 0 };
}
