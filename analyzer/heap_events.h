/*
 * The events of a heap pairing, waiting for their time.
 */
#ifndef ANALYZER_HEAP_EVENTS_H
#define ANALYZER_HEAP_EVENTS_H

#include "analyzer/heap_pair.h"

struct ordered_event {
	struct heap_event event;
	size_t order; /* as they came */
};

/* Those of a session that are still to come. */
struct event_queue {
	size_t next, end;
};

struct heap_events {
	struct ordered_event *events;
	size_t n, capacity;
	struct event_queue *queues; /* by session */
	size_t n_queues;
};

/* Before events_begin. 0, -ENOMEM. */
int events_add(struct heap_events *events, const struct heap_event *event);

/* Sorts them; calls after the first do nothing. 0, -ENOMEM. */
int events_begin(struct heap_events *events);

/* Takes the session's next event that happened by then, or NULL. */
static inline const struct heap_event *events_next(struct heap_events *events, unsigned session,
						   int64_t ts_ns)
{
	struct event_queue *queue = session < events->n_queues ? &events->queues[session] : NULL;

	if (!queue || queue->next == queue->end || events->events[queue->next].event.ts_ns > ts_ns)
		return NULL;
	return &events->events[queue->next++].event;
}

void events_free(struct heap_events *events);

#endif
