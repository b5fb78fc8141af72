-- Zones and their watermarks at the end of the window, and how near they came.
--
-- In kB. Below low kswapd is woken; below min tasks must reclaim themselves;
-- above high kswapd sleeps again. least_free is of the readings in the window,
-- above_low how much of it was left above low (negative: kswapd had to work).

CREATE TEMP TABLE reading AS
SELECT
	session,
	ts_ns,
	node,
	zone,
	max(iif(name = 'free', value, NULL)) AS free,
	max(iif(name = 'min', value, NULL)) AS min,
	max(iif(name = 'low', value, NULL)) AS low,
	max(iif(name = 'high', value, NULL)) AS high,
	max(iif(name = 'boost', value, NULL)) AS boost,
	max(iif(name = 'present', value, NULL)) AS present,
	max(iif(name = 'managed', value, NULL)) AS managed,
	max(iif(name = 'cma', value, NULL)) AS cma,
	max(iif(name = 'start_pfn', value, NULL)) AS start_pfn,
	max(odd_lines) AS odd_lines
FROM zoneinfo
WHERE ts_ns BETWEEN :from AND :to
AND zone IS NOT NULL
GROUP BY session, ts_ns, node, zone;

CREATE TEMP TABLE ends AS
SELECT session, node, zone, max(ts_ns) AS last_ns, min(free) AS least_free, min(iif(managed > 0, free - low, NULL)) AS above_low
FROM reading
GROUP BY session, node, zone;

SELECT
	r.node,
	r.zone,
	r.free * s.page_size_bytes / 1024 AS free,
	r.min * s.page_size_bytes / 1024 AS min,
	r.low * s.page_size_bytes / 1024 AS low,
	r.high * s.page_size_bytes / 1024 AS high,
	r.boost * s.page_size_bytes / 1024 AS boost,
	r.present * s.page_size_bytes / 1024 AS present,
	r.managed * s.page_size_bytes / 1024 AS managed,
	r.cma * s.page_size_bytes / 1024 AS cma,
	e.least_free * s.page_size_bytes / 1024 AS least_free,
	e.above_low * s.page_size_bytes / 1024 AS above_low
FROM ends AS e
JOIN session AS s ON s.session = e.session
JOIN reading AS r ON r.session = e.session AND r.node = e.node AND r.zone = e.zone AND r.ts_ns = e.last_ns
ORDER BY r.session, r.node, r.start_pfn IS NULL, r.start_pfn, r.zone;

-- What is not seen
SELECT note
FROM (
	SELECT 'No /proc/zoneinfo was recorded in this window.' AS note
	WHERE NOT EXISTS (SELECT 1 FROM reading)
	UNION ALL
	SELECT printf('Values of /proc/zoneinfo that are no 64-bit numbers: %,d.', sum(odd_lines))
	FROM (
		SELECT max(odd_lines) AS odd_lines
		FROM reading
		GROUP BY session, ts_ns
	)
	HAVING sum(odd_lines) > 0
);
