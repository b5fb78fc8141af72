#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "format/version.h"
#include "recorder/session.h"

void boot_id_read(char *text, size_t size)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	text[0] = '\0';
	if (!file)
		return;
	if (!fgets(text, (int)size, file))
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(file);
}

static int session_row(const struct session *session, struct writer *writer)
{
	struct row row;
	struct utsname host;
	struct tm local;
	time_t now = time(NULL);
	char boot_id[64], kernel[256];
	uname(&host);
	localtime_r(&now, &local);
	boot_id_read(boot_id, sizeof(boot_id));
	snprintf(kernel, sizeof(kernel), "%s %s", host.release, host.version);
	row_begin(&row, "session");
	row_text(&row, "boot_id", boot_id);
	row_text(&row, "host", host.nodename);
	row_text(&row, "kernel_text", kernel);
	row_text(&row, "machine_text", host.machine);
	row_number(&row, "page_size_bytes", (uint64_t)sysconf(_SC_PAGESIZE));
	row_number(&row, "ticks_per_s", (uint64_t)sysconf(_SC_CLK_TCK));
	row_number(&row, "cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	row_text(&row, "zone_text", local.tm_zone);
	row_number(&row, "utc_offset_s", (uint64_t)local.tm_gmtoff);
	row_text(&row, "version_text", MEMTAPE_VERSION);
	row_text(&row, "cmdline", session->cmdline);
	row_number(&row, "start_ns", (uint64_t)session->start_ns);
	row_text(&row, "target_text", session->target);
	return row_write(&row, writer);
}

static int source_row(const struct source_state *state, struct writer *writer)
{
	struct row row;
	row_begin(&row, "source");
	row_text(&row, "source", state->source);
	row_text(&row, "way", state->way);
	row_text(&row, "state", state->state);
	row_text(&row, "why_text", state->why);
	return row_write(&row, writer);
}

int session_write(const struct session *session, const struct ladder *ladder, struct writer *writer)
{
	int error = session_row(session, writer);
	for (int i = 0; i < ladder->state_count && !error; i++)
		error = source_row(&ladder->states[i], writer);
	return error;
}

static uint64_t clock_read(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int clock_write(struct writer *writer)
{
	struct row row;
	row_begin(&row, "clock");
	row_number(&row, "ts_ns", clock_read(CLOCK_MONOTONIC));
	row_number(&row, "boottime_ns", clock_read(CLOCK_BOOTTIME));
	row_number(&row, "realtime_ns", clock_read(CLOCK_REALTIME));
	row_number(&row, "tai_ns", clock_read(CLOCK_TAI));
	return row_write(&row, writer);
}
