/*
 * The numbers of tracepoints, which only tracefs tells. It need not be mounted.
 */
#ifndef RECORDER_TRACEFS_H
#define RECORDER_TRACEFS_H

/* A descriptor of its root, which the caller closes; or -errno. */
int tracefs_open(void);

/* The number of the event CATEGORY/NAME, or -errno. */
int tracefs_event(int tracefs, const char *category, const char *name);

#endif
