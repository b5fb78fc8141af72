-- Swap space, second by second, as sar -S prints it: kB.
--
--   every   a line every so many seconds (1)

CREATE TEMP TABLE reading AS
SELECT
	session,
	max(ts_ns) AS ts_ns,
	SwapTotal AS total,
	SwapFree AS free,
	SwapCached AS cached,
	odd_lines
FROM meminfo
WHERE ts_ns BETWEEN :from AND :to
GROUP BY session, iif(:every > 1, ts_ns / (:every * 1000000000), ts_ns);

SELECT
	wall_time(ts_ns, session) AS time,
	free AS kbswpfree,
	total - free AS kbswpused,
	iif(total = 0, 0.0, 100.0 * (total - free) / total) AS "%swpused",
	cached AS kbswpcad,
	iif(total = free, 0.0, 100.0 * cached / (total - free)) AS "%swpcad"
FROM reading
ORDER BY session, ts_ns;

-- What is not seen
SELECT note
FROM (
	SELECT 'No /proc/meminfo was recorded in this window.' AS note
	WHERE NOT EXISTS (SELECT 1 FROM reading)
	UNION ALL
	SELECT printf('Values of /proc/meminfo that are no 64-bit numbers: %,d.', sum(odd_lines))
	FROM reading
	HAVING sum(odd_lines) > 0
);
