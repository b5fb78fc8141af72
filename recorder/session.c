#include <time.h>
#include "format/version.h"
#include "recorder/session.h"

static int session_row(const struct session *session, struct writer *writer)
{
	const struct host *host = session->host;
	struct row row;
	row_begin(&row, "session");
	row_text(&row, "boot_id", host->boot_id);
	row_text(&row, "host", host->name);
	row_text(&row, "kernel_text", host->kernel);
	row_text(&row, "machine_text", host->machine);
	row_number(&row, "page_size_bytes", host->page_size_bytes);
	row_number(&row, "ticks_per_s", host->ticks_per_s);
	row_number(&row, "cpus", host->cpus);
	row_text(&row, "zone_text", host->zone);
	row_number(&row, "utc_offset_s", (uint64_t)host->utc_offset_s);
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

int clock_write_at(struct writer *writer, int64_t ts_ns, int64_t realtime_ns)
{
	struct row row;
	row_begin(&row, "clock");
	row_number(&row, "ts_ns", (uint64_t)ts_ns);
	row_number(&row, "boottime_ns", (uint64_t)ts_ns);
	row_number(&row, "realtime_ns", (uint64_t)realtime_ns);
	row_number(&row, "tai_ns", (uint64_t)realtime_ns);
	return row_write(&row, writer);
}
