#include "report/moment.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

static const int64_t second_ns = 1000000000LL, day_ns = 86400 * 1000000000LL;

/* Reads up to `digits` digits; returns how many there were. */
static int read_digits(const char **at, int digits, int64_t *out)
{
	int n = 0;

	for (*out = 0; n < digits && isdigit((unsigned char)**at); n++)
		*out = *out * 10 + *(*at)++ - '0';
	return n;
}

/* An optional fraction of `unit` nanoseconds; what is finer than a nanosecond is dropped. */
static bool read_fraction(const char **at, int64_t unit, int64_t *ns)
{
	const char *begin;

	if (**at != '.')
		return true;
	for (begin = ++*at; isdigit((unsigned char)**at); ++*at) {
		unit /= 10;
		*ns += (**at - '0') * unit;
	}
	return *at > begin;
}

static bool read_number(const char **at, int digits, int64_t most, char end, int64_t *out)
{
	return read_digits(at, digits, out) == digits && *out <= most && (!end || *(*at)++ == end);
}

/* HH:MM:SS[.fraction] to the text's end. */
static bool read_time(const char *at, int64_t *ns)
{
	int64_t hours, minutes, seconds;

	if (!read_number(&at, 2, 23, ':', &hours) || !read_number(&at, 2, 59, ':', &minutes) ||
	    !read_number(&at, 2, 59, '\0', &seconds))
		return false;
	*ns = ((hours * 60 + minutes) * 60 + seconds) * second_ns;
	return read_fraction(&at, second_ns, ns) && !*at;
}

/* YYYY-MM-DDT, then a time. */
static bool read_date(const char *at, int64_t *ns)
{
	struct tm date = { 0 }, asked;
	int64_t year, month, day;
	time_t midnight;

	if (!read_number(&at, 4, 2100, '-', &year) || !read_number(&at, 2, 12, '-', &month) ||
	    !read_number(&at, 2, 31, 'T', &day) || !read_time(at, ns) || year < 1970)
		return false;
	date.tm_year = (int)year - 1900;
	date.tm_mon = (int)month - 1;
	date.tm_mday = (int)day;
	asked = date;
	midnight = timegm(&date);
	*ns += midnight * second_ns;
	return date.tm_mon == asked.tm_mon && date.tm_mday == asked.tm_mday;
}

/* A number with its unit, to the text's end; a million hours at most, so that sums cannot overflow.
 */
static bool read_duration(const char *at, int64_t *ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = { { "ms", 1000000 },
		      { "s", 1000000000 },
		      { "m", 60 * 1000000000LL },
		      { "h", 3600 * 1000000000LL } };
	const char *begin = at, *unit = at + strspn(at, "0123456789.");
	int64_t whole;

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(unit, units[i].name))
			continue;
		at = begin;
		if (!read_digits(&at, 6, &whole))
			return false;
		*ns = whole * units[i].ns;
		return read_fraction(&at, units[i].ns, ns) && at == unit;
	}
	return false;
}

int moment_parse(const char *text, struct moment *out)
{
	struct moment moment = { .kind = MOMENT_TIME };
	bool good;

	if (*text == '+' || *text == '-') {
		moment.kind = *text == '+' ? MOMENT_AFTER_START : MOMENT_BEFORE_END;
		good = read_duration(text + 1, &moment.ns);
	} else if (strchr(text, 'T')) {
		moment.kind = MOMENT_DATE;
		good = read_date(text, &moment.ns);
	} else {
		good = read_time(text, &moment.ns);
	}
	if (!good)
		return -EINVAL;
	*out = moment;
	return 0;
}

static int64_t distance(int64_t a, int64_t b)
{
	return a < b ? b - a : a - b;
}

/* Wall time is measured from the nearest clock row, as the clock may have been set in between. */
static int64_t wall_to_ts(const struct timeline *timeline, int64_t wall_ns)
{
	int64_t realtime_ns = wall_ns - timeline->utc_offset_ns;
	const struct moment_clock *nearest = timeline->clocks;

	for (size_t i = 1; i < timeline->n_clocks; i++)
		if (distance(timeline->clocks[i].realtime_ns, realtime_ns) <
		    distance(nearest->realtime_ns, realtime_ns))
			nearest = &timeline->clocks[i];
	return nearest->ts_ns + (realtime_ns - nearest->realtime_ns);
}

static int64_t distance_to_recording(const struct timeline *timeline, int64_t ts_ns)
{
	return ts_ns < timeline->first_ns  ? timeline->first_ns - ts_ns
	       : ts_ns > timeline->last_ns ? ts_ns - timeline->last_ns
					   : 0;
}

/* The day on which this time of day lies in the recording, or nearest to it; the first of several.
 */
static int64_t time_of_day_to_ts(const struct timeline *timeline, int64_t time_ns)
{
	const struct moment_clock *first = timeline->clocks;
	const struct moment_clock *last = first + timeline->n_clocks - 1;
	int64_t day = (first->realtime_ns + timeline->utc_offset_ns) / day_ns - 1;
	int64_t end = (last->realtime_ns + timeline->utc_offset_ns) / day_ns + 1;
	int64_t best = wall_to_ts(timeline, day * day_ns + time_ns);

	while (++day <= end) {
		int64_t ts_ns = wall_to_ts(timeline, day * day_ns + time_ns);

		if (distance_to_recording(timeline, ts_ns) < distance_to_recording(timeline, best))
			best = ts_ns;
	}
	return best;
}

int moment_resolve(const struct moment *moment, const struct timeline *timeline, int64_t *out)
{
	if (moment->kind <= MOMENT_DATE && !timeline->n_clocks)
		return -ENODATA;
	switch (moment->kind) {
	case MOMENT_TIME:
		*out = time_of_day_to_ts(timeline, moment->ns);
		break;
	case MOMENT_DATE:
		*out = wall_to_ts(timeline, moment->ns);
		break;
	case MOMENT_AFTER_START:
		*out = timeline->first_ns + moment->ns;
		break;
	case MOMENT_BEFORE_END:
		*out = timeline->last_ns - moment->ns;
		break;
	}
	return 0;
}
