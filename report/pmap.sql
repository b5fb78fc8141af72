-- The mappings of processes at the end of the window, as pmap -x prints them.
--
-- From smaps, which is recorded of named processes at their beginning and end,
-- and of all with memtape record --smaps TIME. In kB. Grew: by what is mapped,
-- since the window's first reading of the process.
--
--   path   whole paths, and the kernel's names ([heap], [vdso]) (off)

CREATE TEMP TABLE ends AS
SELECT session, process_id, min(ts_ns) AS first_ns, max(ts_ns) AS last_ns
FROM snapshot_process
WHERE file_path = 'smaps'
AND content_text IS NOT NULL
AND ts_ns BETWEEN :from AND :to
AND process_id IN (SELECT process_id FROM selected)
GROUP BY process_id;

CREATE TEMP TABLE stack AS
SELECT process_id, max(ts_ns), startstack AS addr
FROM process_stat
WHERE ts_ns BETWEEN :from AND :to
AND state IS NOT NULL
AND process_id IN (SELECT process_id FROM selected)
GROUP BY process_id;

CREATE TEMP TABLE reading AS
SELECT
	session,
	ts_ns,
	process_id,
	start_addr,
	(end_addr - start_addr) / 1024 AS kb,
	mode,
	path,
	Rss AS rss,
	Shared_Dirty + Private_Dirty AS dirty,
	Pss AS pss,
	Swap AS swap,
	CASE
		WHEN path LIKE '/SYSV%' THEN printf('[ shmid=0x%x ]', inode)
		WHEN :path <> 0 AND path IS NOT NULL THEN path
		WHEN instr(path, '/') THEN replace(path, rtrim(path, replace(path, '/', '')), '')
		ELSE NULL
	END AS mapping,
	end_addr,
	odd_lines
FROM process_maps
WHERE ts_ns BETWEEN :from AND :to
AND process_id IN (SELECT process_id FROM selected)
AND (+process_id, +ts_ns) IN (
	SELECT process_id, first_ns FROM ends
	UNION ALL
	SELECT process_id, last_ns FROM ends
);

CREATE TEMP TABLE line AS
SELECT
	r.*,
	coalesce(r.mapping, iif(s.addr >= r.start_addr AND s.addr < r.end_addr, '[ stack ]', '[ anon ]')) AS name
FROM reading AS r
LEFT JOIN stack AS s ON s.process_id = r.process_id;

SELECT pid, Address, Kbytes, RSS, Dirty, Mode, Mapping, swap AS Swap, comm
FROM (
	SELECT
		l.session,
		p.pid,
		p.comm,
		0 AS place,
		l.rowid AS row,
		printf('%016x', l.start_addr) AS Address,
		l.kb AS Kbytes,
		l.rss AS RSS,
		l.dirty AS Dirty,
		replace(l.mode, 'p', '-') || '-' AS Mode,
		l.name AS Mapping,
		l.swap
	FROM ends AS e
	JOIN line AS l ON l.process_id = e.process_id AND l.ts_ns = e.last_ns
	JOIN process AS p ON p.id = e.process_id
	UNION ALL
	SELECT
		e.session,
		p.pid,
		p.comm,
		1,
		0,
		'total kB',
		sum(l.kb),
		sum(l.rss),
		sum(l.dirty),
		'',
		'',
		sum(l.swap)
	FROM ends AS e
	JOIN line AS l ON l.process_id = e.process_id AND l.ts_ns = e.last_ns
	JOIN process AS p ON p.id = e.process_id
	GROUP BY e.process_id
)
ORDER BY session, pid, comm, place, row;

-- Grew
SELECT
	p.pid,
	l.name AS mapping,
	sum(iif(l.ts_ns = e.last_ns, l.kb, -l.kb)) AS kb,
	sum(iif(l.ts_ns = e.last_ns, l.rss, -l.rss)) AS rss_kb,
	sum(iif(l.ts_ns = e.last_ns, l.dirty, -l.dirty)) AS dirty_kb,
	sum(iif(l.ts_ns = e.last_ns, l.swap, -l.swap)) AS swap_kb,
	sum(iif(l.ts_ns = e.last_ns, 1, -1)) AS mappings,
	wall_time(e.first_ns, e.session) AS since
FROM ends AS e
JOIN line AS l ON l.process_id = e.process_id
JOIN process AS p ON p.id = e.process_id
WHERE e.first_ns < e.last_ns
GROUP BY e.process_id, l.name
HAVING sum(iif(l.ts_ns = e.last_ns, l.kb, -l.kb)) <> 0
OR sum(iif(l.ts_ns = e.last_ns, l.rss, -l.rss)) <> 0
ORDER BY e.session, rss_kb DESC, kb DESC, p.pid, l.name;

-- What is not seen
SELECT note
FROM (
	SELECT 'No smaps was recorded in this window (memtape record --smaps TIME, or of named processes).' AS note
	WHERE NOT EXISTS (SELECT 1 FROM ends)
	UNION ALL
	SELECT printf('Values of smaps that are no 64-bit numbers: %,d.', sum(odd))
	FROM (
		SELECT max(odd_lines) AS odd
		FROM reading
		GROUP BY process_id, ts_ns
	)
	HAVING sum(odd) > 0
);
