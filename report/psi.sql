-- Pressure: how long tasks waited for memory, io and CPU (PSI).
--
-- some: at least one task waited, full: all that could run did. avg10, avg60
-- and avg300 are the kernel's, in percent; those of a line over time are of the
-- time since the line before.
--
--   every   a line every so many seconds (1)

CREATE TEMP TABLE reading AS
SELECT
	session,
	max(ts_ns) AS ts_ns,
	substr(path, 16) AS resource,
	kind,
	avg10,
	avg60,
	avg300,
	total_us,
	odd_lines
FROM psi
WHERE ts_ns BETWEEN :from AND :to
GROUP BY session, path, kind, iif(:every > 1, ts_ns / (:every * 1000000000), ts_ns);

CREATE TEMP TABLE step AS
SELECT
	*,
	rise(total_us, lag(total_us) OVER each) AS stall_us,
	(ts_ns - lag(ts_ns) OVER each) / 1e3 AS us
FROM reading
WINDOW each AS (PARTITION BY session, resource, kind ORDER BY ts_ns);

SELECT
	resource,
	kind,
	avg10,
	avg60,
	avg300,
	total_us / 1e3 AS total_ms,
	stall_us / 1e3 AS waited_ms,
	100.0 * stall_us / nullif(us, 0) AS waited_pct,
	most_pct
FROM (
	SELECT
		session,
		max(ts_ns) AS ts_ns,
		resource,
		kind,
		avg10,
		avg60,
		avg300,
		total_us,
		sum(stall_us) OVER every AS stall_us,
		sum(us) OVER every AS us,
		max(100.0 * stall_us / us) OVER every AS most_pct,
		row_number() OVER (PARTITION BY session, resource, kind ORDER BY ts_ns DESC) AS from_end
	FROM step
	GROUP BY session, resource, kind, ts_ns
	WINDOW every AS (PARTITION BY session, resource, kind)
)
WHERE from_end = 1
ORDER BY session, resource <> 'memory', resource DESC, kind DESC;

-- Over time, percent of it
SELECT
	wall_time(ts_ns, session) AS time,
	max(iif(resource = 'memory' AND kind = 'some', pct, NULL)) AS memory_some_pct,
	max(iif(resource = 'memory' AND kind = 'full', pct, NULL)) AS memory_full_pct,
	max(iif(resource = 'io' AND kind = 'some', pct, NULL)) AS io_some_pct,
	max(iif(resource = 'io' AND kind = 'full', pct, NULL)) AS io_full_pct,
	max(iif(resource = 'cpu' AND kind = 'some', pct, NULL)) AS cpu_some_pct
FROM (
	SELECT session, ts_ns, resource, kind, 100.0 * stall_us / us AS pct
	FROM step
	WHERE us > 0
)
GROUP BY session, ts_ns
ORDER BY session, ts_ns;

-- What is not seen
SELECT note
FROM (
	SELECT 'No /proc/pressure was recorded in this window (kernels without PSI, or psi=0).' AS note
	WHERE NOT EXISTS (SELECT 1 FROM reading)
	UNION ALL
	SELECT printf('Values of /proc/pressure that are no numbers: %,d.', sum(odd_lines))
	FROM reading
	HAVING sum(odd_lines) > 0
);
