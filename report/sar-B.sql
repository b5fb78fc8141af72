-- Paging, second by second, as sar -B prints it.
--
-- Per second; pgpgin and pgpgout in kB. Pages that were scanned and stolen are
-- counted once: those of files and anonymous ones, where the kernel tells them
-- apart, else by who did it (sysstat before 12.7.9 adds both).
--
--   every   a line every so many seconds (1)
--   wide    also by who scanned and stole (off)

CREATE TEMP TABLE reading AS
SELECT
	session,
	max(ts_ns) AS ts_ns,
	pgpgin,
	pgpgout,
	pgfault,
	pgmajfault,
	pgfree,
	pgscan_kswapd,
	pgscan_direct,
	pgscan_khugepaged,
	pgscan_proactive,
	pgscan_kswapd + pgscan_direct + coalesce(pgscan_khugepaged, 0) + coalesce(pgscan_proactive, 0) AS pgscan,
	pgsteal_kswapd,
	pgsteal_direct,
	pgsteal_khugepaged,
	pgsteal_proactive,
	coalesce(
		pgsteal_anon + pgsteal_file,
		pgsteal_kswapd + pgsteal_direct + coalesce(pgsteal_khugepaged, 0) + coalesce(pgsteal_proactive, 0)
	) AS pgsteal,
	odd_lines
FROM vmstat
WHERE ts_ns BETWEEN :from AND :to
GROUP BY session, iif(:every > 1, ts_ns / (:every * 1000000000), ts_ns);

CREATE TEMP TABLE step AS
SELECT
	session,
	ts_ns,
	(ts_ns - lag(ts_ns) OVER each) / 1e9 AS seconds,
	rise(pgpgin, lag(pgpgin) OVER each) AS pgpgin,
	rise(pgpgout, lag(pgpgout) OVER each) AS pgpgout,
	rise(pgfault, lag(pgfault) OVER each) AS pgfault,
	rise(pgmajfault, lag(pgmajfault) OVER each) AS pgmajfault,
	rise(pgfree, lag(pgfree) OVER each) AS pgfree,
	rise(pgscan_kswapd, lag(pgscan_kswapd) OVER each) AS pgscan_kswapd,
	rise(pgscan_direct, lag(pgscan_direct) OVER each) AS pgscan_direct,
	rise(pgscan_khugepaged, lag(pgscan_khugepaged) OVER each) AS pgscan_khugepaged,
	rise(pgscan_proactive, lag(pgscan_proactive) OVER each) AS pgscan_proactive,
	rise(pgscan, lag(pgscan) OVER each) AS pgscan,
	rise(pgsteal_kswapd, lag(pgsteal_kswapd) OVER each) AS pgsteal_kswapd,
	rise(pgsteal_direct, lag(pgsteal_direct) OVER each) AS pgsteal_direct,
	rise(pgsteal_khugepaged, lag(pgsteal_khugepaged) OVER each) AS pgsteal_khugepaged,
	rise(pgsteal_proactive, lag(pgsteal_proactive) OVER each) AS pgsteal_proactive,
	rise(pgsteal, lag(pgsteal) OVER each) AS pgsteal
FROM reading
WINDOW each AS (PARTITION BY session ORDER BY ts_ns);

SELECT
	wall_time(ts_ns, session) AS time,
	pgpgin / seconds AS "pgpgin/s",
	pgpgout / seconds AS "pgpgout/s",
	pgfault / seconds AS "fault/s",
	pgmajfault / seconds AS "majflt/s",
	pgfree / seconds AS "pgfree/s",
	pgscan_kswapd / seconds AS "pgscank/s",
	pgscan_direct / seconds AS "pgscand/s",
	pgsteal / seconds AS "pgsteal/s",
	iif(pgscan = 0, 0.0, 100.0 * pgsteal / pgscan) AS "%vmeff"
FROM step
WHERE seconds > 0
ORDER BY session, ts_ns;

-- By who did it
SELECT
	wall_time(ts_ns, session) AS time,
	pgscan_kswapd / seconds AS "kswapd_scan/s",
	pgsteal_kswapd / seconds AS "kswapd_steal/s",
	pgscan_direct / seconds AS "direct_scan/s",
	pgsteal_direct / seconds AS "direct_steal/s",
	pgscan_khugepaged / seconds AS "khugepaged_scan/s",
	pgsteal_khugepaged / seconds AS "khugepaged_steal/s",
	pgscan_proactive / seconds AS "proactive_scan/s",
	pgsteal_proactive / seconds AS "proactive_steal/s"
FROM step
WHERE seconds > 0
AND :wide <> 0
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
