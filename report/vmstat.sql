-- Processes, memory, swap, blocks, interrupts and CPU, as vmstat(8) prints them.
--
-- The first line is the average since boot, by the time since boot (procps before
-- 4.0.4 divides by that of all CPUs). Memory in kB, rates per second, CPU in
-- percent.
--
--   every   a line every so many seconds (1)

CREATE TEMP TABLE reading AS
SELECT
	session,
	max(ts_ns) AS ts_ns,
	user + nice AS user,
	system + irq + softirq AS system,
	idle,
	iowait,
	coalesce(steal, 0) AS steal,
	coalesce(guest, 0) + coalesce(guest_nice, 0) AS guest,
	intr,
	ctxt,
	procs_running,
	procs_blocked,
	odd_lines
FROM cpu
WHERE ts_ns BETWEEN :from AND :to
GROUP BY session, iif(:every > 1, ts_ns / (:every * 1000000000), ts_ns);

CREATE TEMP TABLE memory AS
SELECT
	session,
	ts_ns,
	SwapTotal - SwapFree AS swpd,
	MemFree AS free,
	Buffers AS buff,
	Cached + coalesce(SReclaimable, 0) AS cache,
	odd_lines
FROM meminfo
WHERE ts_ns BETWEEN :from AND :to;

CREATE TEMP TABLE paging AS
SELECT session, ts_ns, pswpin, pswpout, pgpgin, pgpgout, odd_lines
FROM vmstat
WHERE ts_ns BETWEEN :from AND :to;

CREATE TEMP TABLE up AS
SELECT session, ts_ns, up_s
FROM uptime
WHERE ts_ns BETWEEN :from AND :to;

CREATE TEMP TABLE step AS
SELECT
	r.*,
	u.up_s,
	m.swpd,
	m.free,
	m.buff,
	m.cache,
	p.pswpin * s.page_size_bytes / 1024 AS swapin,
	p.pswpout * s.page_size_bytes / 1024 AS swapout,
	p.pgpgin,
	p.pgpgout
FROM reading AS r
JOIN session AS s ON s.session = r.session
LEFT JOIN memory AS m ON m.session = r.session AND m.ts_ns = r.ts_ns
LEFT JOIN paging AS p ON p.session = r.session AND p.ts_ns = r.ts_ns
LEFT JOIN up AS u ON u.session = r.session AND u.ts_ns = r.ts_ns;

CREATE TEMP TABLE rate AS
SELECT
	session,
	ts_ns,
	procs_running,
	procs_blocked,
	swpd,
	free,
	buff,
	cache,
	iif(row_number() OVER each = 1, up_s, (ts_ns - lag(ts_ns) OVER each) / 1e9) AS seconds,
	rise(swapin, lag(swapin, 1, 0) OVER each) AS si,
	rise(swapout, lag(swapout, 1, 0) OVER each) AS so,
	rise(pgpgin, lag(pgpgin, 1, 0) OVER each) AS bi,
	rise(pgpgout, lag(pgpgout, 1, 0) OVER each) AS bo,
	rise(intr, lag(intr, 1, 0) OVER each) AS interrupts,
	rise(ctxt, lag(ctxt, 1, 0) OVER each) AS switches,
	rise(user, lag(user, 1, 0) OVER each) AS us,
	rise(guest, lag(guest, 1, 0) OVER each) AS gu,
	rise(system, lag(system, 1, 0) OVER each) AS sy,
	max(idle - lag(idle, 1, 0) OVER each, 0) AS id,
	max(iowait - lag(iowait, 1, 0) OVER each, 0) AS wa,
	rise(steal, lag(steal, 1, 0) OVER each) AS st
FROM step
WINDOW each AS (PARTITION BY session ORDER BY ts_ns);

SELECT
	wall_time(ts_ns, session) AS time,
	procs_running AS r,
	procs_blocked AS b,
	swpd,
	free,
	buff,
	cache,
	CAST(si / seconds + 0.5 AS INTEGER) AS si,
	CAST(so / seconds + 0.5 AS INTEGER) AS so,
	CAST(bi / seconds + 0.5 AS INTEGER) AS bi,
	CAST(bo / seconds + 0.5 AS INTEGER) AS bo,
	CAST(interrupts / seconds + 0.5 AS INTEGER) AS "in",
	CAST(switches / seconds + 0.5 AS INTEGER) AS cs,
	(100 * max(us - gu, 0) + ticks / 2) / ticks AS us,
	(100 * sy + ticks / 2) / ticks AS sy,
	(100 * id + ticks / 2) / ticks AS id,
	(100 * wa + ticks / 2) / ticks AS wa,
	(100 * st + ticks / 2) / ticks AS st,
	(100 * gu + ticks / 2) / ticks AS gu
FROM (
	SELECT *, us + sy + id + wa + st AS ticks
	FROM rate
)
ORDER BY session, ts_ns;

-- What is not seen
SELECT note
FROM (
	SELECT 'No /proc/stat was recorded in this window.' AS note
	WHERE NOT EXISTS (SELECT 1 FROM reading)
	UNION ALL
	SELECT printf('Values of /proc/stat, meminfo and vmstat that are no 64-bit numbers: %,d.', sum(odd_lines))
	FROM (
		SELECT odd_lines FROM reading
		UNION ALL
		SELECT odd_lines FROM memory
		UNION ALL
		SELECT odd_lines FROM paging
	)
	HAVING sum(odd_lines) > 0
);
