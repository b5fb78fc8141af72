/*
 * The kernel's log as people have it, the output of dmesg or journalctl or a file of syslog, as a
 * recording that holds nothing else.
 */
#ifndef REPORT_LOG_IMPORT_H
#define REPORT_LOG_IMPORT_H

#include <stddef.h>
#include <stdint.h>

/* A line without what stands before the message. */
struct log_line {
	int64_t stamp_us; /* -1: not known */
	int priority;     /* -1: not known */
	const char *message;
};

/*
 * Finds the message in a line of dmesg (-r, -T, -x too), /dev/kmsg, journalctl or syslog. A line of
 * none of these is a message.
 */
void log_line_parse(char *line, struct log_line *out);

/*
 * Makes the recording in memory, for as long as this process runs; `path` gets where it can be
 * opened. 0 or -errno.
 */
int log_import(const char *log, char *path, size_t size);

#endif
