-- Memory over time: how much, how fast it moves, and who waited.
--
-- Sizes in kB; faults, and pages that were scanned, stolen and faulted in again
-- (refault: of files and anonymous ones), per second; some_pct and full_pct: how
-- much of the time tasks waited for memory (PSI); ooms: processes killed.
--
--   every   a line every so many seconds (1)

CREATE TEMP TABLE memory AS
SELECT
	session,
	max(ts_ns) AS ts_ns,
	MemFree AS free,
	MemAvailable AS available,
	Cached AS cached,
	AnonPages AS anon,
	Dirty AS dirty,
	SwapTotal - SwapFree AS swap,
	odd_lines
FROM meminfo
WHERE ts_ns BETWEEN :from AND :to
GROUP BY session, iif(:every > 1, ts_ns / (:every * 1000000000), ts_ns);

CREATE TEMP TABLE counts AS
SELECT
	session,
	ts_ns,
	pgfault,
	pgmajfault,
	coalesce(
		pgscan_anon + pgscan_file,
		pgscan_kswapd + pgscan_direct + coalesce(pgscan_khugepaged, 0) + coalesce(pgscan_proactive, 0)
	) AS pgscan,
	coalesce(
		pgsteal_anon + pgsteal_file,
		pgsteal_kswapd + pgsteal_direct + coalesce(pgsteal_khugepaged, 0) + coalesce(pgsteal_proactive, 0)
	) AS pgsteal,
	coalesce(workingset_refault_file, workingset_refault) AS refault_file,
	workingset_refault_anon AS refault_anon,
	oom_kill,
	odd_lines
FROM vmstat
WHERE ts_ns BETWEEN :from AND :to;

CREATE TEMP TABLE pressure AS
SELECT
	session,
	ts_ns,
	max(iif(kind = 'some', total_us, NULL)) AS some_us,
	max(iif(kind = 'full', total_us, NULL)) AS full_us
FROM psi
WHERE path = '/proc/pressure/memory'
AND ts_ns BETWEEN :from AND :to
GROUP BY session, ts_ns;

CREATE TEMP TABLE step AS
SELECT
	m.session,
	m.ts_ns,
	m.free,
	m.available,
	m.cached,
	m.anon,
	m.dirty,
	m.swap,
	(m.ts_ns - lag(m.ts_ns) OVER each) / 1e9 AS seconds,
	rise(c.pgfault, lag(c.pgfault) OVER each) AS faults,
	rise(c.pgmajfault, lag(c.pgmajfault) OVER each) AS major,
	rise(c.pgscan, lag(c.pgscan) OVER each) AS scanned,
	rise(c.pgsteal, lag(c.pgsteal) OVER each) AS stolen,
	rise(c.refault_file, lag(c.refault_file) OVER each) AS refault_file,
	rise(c.refault_anon, lag(c.refault_anon) OVER each) AS refault_anon,
	rise(p.some_us, lag(p.some_us) OVER each) AS some_us,
	rise(p.full_us, lag(p.full_us) OVER each) AS full_us,
	rise(c.oom_kill, lag(c.oom_kill) OVER each) AS ooms
FROM memory AS m
LEFT JOIN counts AS c ON c.session = m.session AND c.ts_ns = m.ts_ns
LEFT JOIN pressure AS p ON p.session = m.session AND p.ts_ns = m.ts_ns
WINDOW each AS (PARTITION BY m.session ORDER BY m.ts_ns);

SELECT
	wall_time(ts_ns, session) AS time,
	free,
	available,
	cached,
	anon,
	dirty,
	swap,
	CAST(faults / seconds + 0.5 AS INTEGER) AS "fault/s",
	CAST(major / seconds + 0.5 AS INTEGER) AS "majflt/s",
	CAST(scanned / seconds + 0.5 AS INTEGER) AS "scan/s",
	CAST(stolen / seconds + 0.5 AS INTEGER) AS "steal/s",
	CAST(refault_file / seconds + 0.5 AS INTEGER) AS "refault_file/s",
	CAST(refault_anon / seconds + 0.5 AS INTEGER) AS "refault_anon/s",
	some_us / seconds / 1e4 AS some_pct,
	full_us / seconds / 1e4 AS full_pct,
	ooms
FROM step
ORDER BY session, ts_ns;

-- What is not seen
SELECT note
FROM (
	SELECT 'No /proc/meminfo was recorded in this window.' AS note
	WHERE NOT EXISTS (SELECT 1 FROM memory)
	UNION ALL
	SELECT printf('Values of /proc/meminfo and vmstat that are no 64-bit numbers: %,d.', sum(odd_lines))
	FROM (
		SELECT odd_lines FROM memory
		UNION ALL
		SELECT odd_lines FROM counts
	)
	HAVING sum(odd_lines) > 0
);
