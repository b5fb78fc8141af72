-- All processes at the end of the window, as ps aux prints them; and who grew.
--
-- Words that a program was called with are only there if they were recorded
-- (memtape record --cmdline), else its name stands in brackets. RSS and VSZ in
-- kB. Grew: resident memory since the window's first reading of the process.
--
--   sort   pid, rss, vsz, cpu, mem, time, swap or start (pid)
--   top    so many processes; -1: all (-1)

CREATE TEMP TABLE moment AS
SELECT
	t.session,
	t.first_ns,
	t.last_ns,
	coalesce(c.offset_ns, 0) AS boot_offset_ns
FROM (
	SELECT session, min(ts_ns) AS first_ns, max(ts_ns) AS last_ns
	FROM snapshot_tick
	WHERE round = 3
	AND ts_ns BETWEEN :from AND :to
	GROUP BY session
) AS t
LEFT JOIN (
	SELECT session, max(ts_ns), boottime_ns - ts_ns AS offset_ns
	FROM clock
	GROUP BY session
) AS c ON c.session = t.session;

CREATE TEMP TABLE total AS
SELECT session, max(ts_ns), MemTotal AS kb
FROM meminfo
WHERE ts_ns BETWEEN :from AND :to
GROUP BY session;

-- Each epoch repeats every text, so what held at a moment was written in the 330 s before.
CREATE TEMP TABLE stat AS
SELECT
	session,
	process_id,
	max(ts_ns),
	pid,
	comm,
	state,
	pgrp,
	leader,
	tty_nr,
	tpgid,
	utime + stime AS ticks,
	nice,
	num_threads,
	starttime,
	vsize / 1024 AS vsz,
	rss
FROM process_stat
WHERE ts_ns BETWEEN (SELECT min(last_ns) - 330000000000 FROM moment) AND :to
AND process_id IN (SELECT process_id FROM selected)
GROUP BY process_id;

CREATE TEMP TABLE status AS
SELECT process_id, max(ts_ns), euid, VmRSS AS rss, VmSize AS vsz, VmLck AS locked, VmSwap AS swap, odd_lines
FROM process_status
WHERE ts_ns BETWEEN (SELECT min(last_ns) - 330000000000 FROM moment) AND :to
AND process_id IN (SELECT process_id FROM selected)
GROUP BY process_id;

CREATE TEMP TABLE began AS
SELECT process_id, min(ts_ns) AS ts_ns, rss
FROM process_stat
WHERE ts_ns BETWEEN :from AND (SELECT max(first_ns) + 330000000000 FROM moment)
AND state IS NOT NULL
AND process_id IN (SELECT process_id FROM selected)
GROUP BY process_id;

CREATE TEMP TABLE words AS
SELECT process_id, max(ts_ns), cmdline
FROM snapshot_cmdline
WHERE ts_ns <= :to
AND process_id IN (SELECT process_id FROM selected)
GROUP BY process_id;

CREATE TEMP TABLE line AS
SELECT
	t.session,
	t.process_id,
	coalesce(n.user, u.euid) AS user,
	t.pid,
	CAST(1e12 * t.ticks / s.ticks_per_s
		/ max(m.last_ns + m.boot_offset_ns - t.starttime * (1000000000 / s.ticks_per_s), 1) AS INTEGER) AS cpu_permille,
	min(coalesce(u.rss, iif(t.rss = 0, 0, NULL)) * 1000 / nullif(a.kb, 0), 999) AS mem_permille,
	t.vsz,
	-- A thread of the kernel has none.
	coalesce(u.rss, iif(t.rss = 0, 0, NULL)) AS rss,
	u.swap,
	CASE
		WHEN t.tty_nr = 0 THEN '?'
		WHEN t.tty_nr >> 8 & 4095 BETWEEN 136 AND 143
			THEN 'pts/' || (((t.tty_nr >> 8 & 4095) - 136) * 256 + (t.tty_nr & 255 | t.tty_nr >> 12 & 1048320))
		WHEN t.tty_nr >> 8 & 4095 = 4 AND (t.tty_nr & 255) < 64 THEN 'tty' || (t.tty_nr & 255)
		WHEN t.tty_nr >> 8 & 4095 = 4 THEN 'ttyS' || ((t.tty_nr & 255) - 64)
		WHEN t.tty_nr = 1281 THEN 'console'
		ELSE printf('%d:%d', t.tty_nr >> 8 & 4095, t.tty_nr & 255)
	END AS tty,
	t.state
		|| CASE WHEN t.nice < 0 THEN '<' WHEN t.nice > 0 THEN 'N' ELSE '' END
		|| iif(u.locked > 0, 'L', '')
		|| iif(t.leader = t.pid, 's', '')
		|| iif(t.num_threads > 1, 'l', '')
		|| iif(t.tpgid = t.pgrp, '+', '') AS stat,
	t.starttime * (1000000000 / s.ticks_per_s) - m.boot_offset_ns AS start_ns,
	m.last_ns,
	t.ticks / s.ticks_per_s AS seconds,
	t.comm,
	iif(w.cmdline <> '', w.cmdline, '[' || t.comm || ']') || iif(t.state = 'Z', ' <defunct>', '') AS command,
	(t.rss - b.rss) * s.page_size_bytes / 1024 AS growth_kb,
	b.ts_ns AS began_ns,
	u.odd_lines
FROM stat AS t
JOIN moment AS m ON m.session = t.session
JOIN session AS s ON s.session = t.session
LEFT JOIN total AS a ON a.session = t.session
LEFT JOIN status AS u ON u.process_id = t.process_id
LEFT JOIN user AS n ON n.session = t.session AND n.uid = u.euid
LEFT JOIN words AS w ON w.process_id = t.process_id
LEFT JOIN began AS b ON b.process_id = t.process_id
WHERE t.state IS NOT NULL;

SELECT
	user AS USER,
	pid AS PID,
	iif(cpu_permille > 999, printf('%d', cpu_permille / 10), printf('%d.%d', cpu_permille / 10, cpu_permille % 10))
		AS "%CPU",
	iif(mem_permille IS NULL, NULL, printf('%d.%d', mem_permille / 10, mem_permille % 10)) AS "%MEM",
	vsz AS VSZ,
	rss AS RSS,
	tty AS TTY,
	stat AS STAT,
	CASE
		WHEN wall_date(start_ns, session) = wall_date(last_ns, session) THEN substr(wall_time(start_ns, session), 1, 5)
		WHEN substr(wall_date(start_ns, session), 1, 4) = substr(wall_date(last_ns, session), 1, 4)
			THEN substr('JanFebMarAprMayJunJulAugSepOctNovDec', substr(wall_date(start_ns, session), 6, 2) * 3 - 2, 3)
				|| substr(wall_date(start_ns, session), 9, 2)
		ELSE substr(wall_date(start_ns, session), 1, 4)
	END AS START,
	printf('%d:%02d', seconds / 60, seconds % 60) AS TIME,
	command AS COMMAND
FROM line
ORDER BY
	CASE :sort
		WHEN 'rss' THEN -rss
		WHEN 'mem' THEN -rss
		WHEN 'vsz' THEN -vsz
		WHEN 'cpu' THEN -cpu_permille
		WHEN 'time' THEN -seconds
		WHEN 'swap' THEN -coalesce(swap, 0)
		WHEN 'start' THEN -start_ns
		ELSE pid
	END,
	session,
	pid
LIMIT coalesce(:top, -1);

-- Grew
SELECT growth_kb, rss AS rss_kb, pid, comm, wall_time(began_ns, session) AS since
FROM line
WHERE growth_kb > 0
ORDER BY growth_kb DESC, session, pid
LIMIT 20;

-- What is not seen
SELECT note
FROM (
	SELECT 'No files of processes were recorded in this window.' AS note
	WHERE NOT EXISTS (SELECT 1 FROM line)
	UNION ALL
	SELECT 'Command lines were not recorded: names stand in brackets.'
	WHERE EXISTS (SELECT 1 FROM line)
	AND NOT EXISTS (SELECT 1 FROM words)
	UNION ALL
	SELECT printf('Values of /proc/PID/status that are no 64-bit numbers: %,d.', sum(odd_lines))
	FROM line
	HAVING sum(odd_lines) > 0
);
