-- Swapping, second by second, as sar -W prints it: pages per second.
--
--   every   a line every so many seconds (1)

CREATE TEMP TABLE reading AS
SELECT session, max(ts_ns) AS ts_ns, pswpin, pswpout, odd_lines
FROM vmstat
WHERE ts_ns BETWEEN :from AND :to
GROUP BY session, iif(:every > 1, ts_ns / (:every * 1000000000), ts_ns);

CREATE TEMP TABLE step AS
SELECT
	session,
	ts_ns,
	(ts_ns - lag(ts_ns) OVER each) / 1e9 AS seconds,
	rise(pswpin, lag(pswpin) OVER each) AS pswpin,
	rise(pswpout, lag(pswpout) OVER each) AS pswpout
FROM reading
WINDOW each AS (PARTITION BY session ORDER BY ts_ns);

SELECT
	wall_time(ts_ns, session) AS time,
	pswpin / seconds AS "pswpin/s",
	pswpout / seconds AS "pswpout/s"
FROM step
WHERE seconds > 0
ORDER BY session, ts_ns;

-- What is not seen
SELECT note
FROM (
	SELECT 'A rate needs two readings of /proc/vmstat in the window.' AS note
	WHERE NOT EXISTS (SELECT 1 FROM step WHERE seconds > 0)
	UNION ALL
	SELECT printf('Values of /proc/vmstat that are no 64-bit numbers: %,d.', sum(odd_lines))
	FROM reading
	HAVING sum(odd_lines) > 0
);
