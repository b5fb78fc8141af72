/* Times as people write them, and where they lie in a recording. */
#include <errno.h>
#include "report/moment.h"
#include "tests/check.h"

static const int64_t second = 1000000000LL;

static void check_form(const char *text, enum moment_kind kind, int64_t ns)
{
	struct moment moment;

	if (moment_parse(text, &moment))
		FAIL("'%s' is refused", text);
	CHECK_EQUAL(moment.kind, kind);
	CHECK_EQUAL(moment.ns, ns);
}

static void check_forms(void)
{
	check_form("00:00:00", MOMENT_TIME, 0);
	check_form("14:03:05", MOMENT_TIME, 50585 * second);
	check_form("14:03:05.25", MOMENT_TIME, 50585 * second + second / 4);
	check_form("2026-05-01T14:03:05", MOMENT_DATE, 1777644185 * second);
	check_form("2024-02-29T00:00:00.000000001", MOMENT_DATE, 1709164800 * second + 1);
	check_form("+90s", MOMENT_AFTER_START, 90 * second);
	check_form("+1.5h", MOMENT_AFTER_START, 5400 * second);
	check_form("+250ms", MOMENT_AFTER_START, second / 4);
	check_form("-10s", MOMENT_BEFORE_END, 10 * second);
	check_form("-2m", MOMENT_BEFORE_END, 120 * second);
	check_form("+0s", MOMENT_AFTER_START, 0);
}

static void check_refused(void)
{
	static const char *const texts[] = {
		"",
		"14:03",
		"24:00:00",
		"14:60:00",
		"14:03:60",
		"4:03:05",
		"14:03:05 ",
		"14:03:05.",
		"2026-02-30T00:00:00",
		"2025-02-29T00:00:00",
		"2026-13-01T00:00:00",
		"2026-05-01",
		"2026-05-01T",
		"1969-12-31T23:59:59",
		"+",
		"+s",
		"+1",
		"+1d",
		"+-1s",
		"-.5s",
		"90s",
		"+1s ",
		"+1.s",
		"+1.2.3s",
		"+9999999s",
		"+99999999999999999999h",
		"T",
		"-T",
		"2101-01-01T00:00:00",
	};
	struct moment moment = { MOMENT_DATE, 42 };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (moment_parse(texts[i], &moment) != -EINVAL)
			FAIL("'%s' is taken for a time", texts[i]);
	CHECK_EQUAL(moment.ns, 42);
}

static int64_t resolve(const char *text, const struct timeline *timeline)
{
	struct moment moment;
	int64_t ns;

	CHECK(!moment_parse(text, &moment));
	CHECK(!moment_resolve(&moment, timeline, &ns));
	return ns;
}

/* From 23:59:50 in UTC+2 on, for 20 s; the clock is set forward by an hour after 15 s. */
static void check_midnight(void)
{
	const int64_t first = 1000 * second, wall = 1777679990 * second;
	const struct moment_clock clocks[] = {
		{ first, wall - 7200 * second },
		{ first + 10 * second, wall - 7190 * second },
		{ first + 15 * second, wall - 3585 * second },
	};
	const struct timeline timeline = { first, first + 20 * second, 7200 * second, clocks, 3 };

	CHECK_EQUAL(resolve("23:59:50", &timeline), first);
	CHECK_EQUAL(resolve("23:59:55.5", &timeline), first + 5500 * second / 1000);
	CHECK_EQUAL(resolve("00:00:02", &timeline), first + 12 * second);
	CHECK_EQUAL(resolve("01:00:06", &timeline), first + 16 * second);
	CHECK_EQUAL(resolve("2026-05-02T00:00:01", &timeline), first + 11 * second);
	CHECK_EQUAL(resolve("+3s", &timeline), first + 3 * second);
	CHECK_EQUAL(resolve("-3s", &timeline), first + 17 * second);
	/* Outside: the day before the recording, or the day after, whichever is nearer. */
	CHECK_EQUAL(resolve("23:00:00", &timeline), first - 3590 * second);
}

static void check_no_clock(void)
{
	const struct timeline timeline = { second, 2 * second, 0, NULL, 0 };
	struct moment moment;
	int64_t ns;

	CHECK_EQUAL(resolve("+1s", &timeline), 2 * second);
	CHECK(!moment_parse("14:03:05", &moment));
	CHECK_EQUAL(moment_resolve(&moment, &timeline, &ns), -ENODATA);
}

int main(void)
{
	check_forms();
	check_refused();
	check_midnight();
	check_no_clock();
	return 0;
}
