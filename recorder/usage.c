#include <sys/resource.h>
#include "recorder/losses.h"
#include "recorder/usage.h"

static int tables_write(struct writer *writer, const struct unwind *unwind, int64_t ts_ns)
{
	struct unwind_counts counts = unwind_counts(unwind);
	int error = counter_write(writer, ts_ns, "recorder.unwind_tables", counts.tables);
	if (!error)
		error = counter_write(writer, ts_ns, "recorder.unwind_evicted", counts.evicted);
	return error ? error
		     : counter_write(writer, ts_ns, "recorder.unwind_refused", counts.refused);
}

int usage_write(struct writer *writer, const struct unwind *unwind, int64_t ts_ns)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	uint64_t cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
			  (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	int error = counter_write(writer, ts_ns, "recorder.cpu_us", cpu_us);
	if (!error)
		error = counter_write(writer, ts_ns, "recorder.max_rss_kb",
				      (uint64_t)usage.ru_maxrss);
	return error || !unwind ? error : tables_write(writer, unwind, ts_ns);
}
