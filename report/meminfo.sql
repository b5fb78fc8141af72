-- /proc/meminfo at the end of the window, and how it changed.
--
-- change is what was added since the window's first reading. least and most are
-- of all its readings.

CREATE TEMP TABLE reading AS
SELECT session, ts_ns, name, value, unit, odd_lines
FROM meminfo_value
WHERE ts_ns BETWEEN :from AND :to;

CREATE TEMP TABLE ends AS
SELECT session, min(ts_ns) AS first_ns, max(ts_ns) AS last_ns
FROM reading
GROUP BY session;

SELECT
	r.name,
	sum(iif(r.ts_ns = e.last_ns, r.value, NULL)) AS value,
	r.unit,
	sum(iif(r.ts_ns = e.last_ns, r.value, NULL)) - sum(iif(r.ts_ns = e.first_ns, r.value, NULL)) AS change,
	min(r.value) AS least,
	max(r.value) AS most
FROM ends AS e
JOIN reading AS r ON r.session = e.session
GROUP BY r.session, r.name
ORDER BY r.session, min(r.rowid);

-- What is not seen
SELECT note
FROM (
	SELECT 'No /proc/meminfo was recorded in this window.' AS note
	WHERE NOT EXISTS (SELECT 1 FROM reading)
	UNION ALL
	SELECT printf('Values of /proc/meminfo that are no 64-bit numbers: %,d.', sum(value IS NULL))
	FROM reading
	HAVING sum(value IS NULL) > 0
);
