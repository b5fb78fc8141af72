-- System V shared memory call by call, and what became of each segment; memfd and POSIX shared memory.
--
-- RET is an address, a number or an error. Segments: `attached` is what the
-- recorded processes hold at the end of the window, inherited by fork, gone with
-- exec and exit; `nattch` what the kernel counted then, of the whole host (in the
-- recorder's IPC namespace). POSIX shared memory is what was mapped of /dev/shm.
--
--   rows   so many calls, the first ones (50)
--   top    so many segments, files and stacks (20)

CREATE TEMP TABLE call AS
SELECT
	*,
	result BETWEEN -4095 AND -1 AS failed
FROM shm_call
WHERE ts_ns BETWEEN :from AND :to
AND coalesce(process_id, 0) IN (SELECT process_id FROM selected);

SELECT
	wall_time(c.ts_ns, c.session) AS TIME,
	p.pid AS PID,
	p.comm AS COMM,
	CASE c.op WHEN 1 THEN 'SHMGET' WHEN 2 THEN 'SHMAT' WHEN 3 THEN 'SHMDT' WHEN 4 THEN 'SHMCTL' END AS SYS,
	coalesce(error_name(c.result), iif(c.op = 2, printf('%x', c.result), c.result)) AS RET,
	CASE c.op
		WHEN 1 THEN printf('key: 0x%x, size: %lld, shmflg: 0x%x (%s)', c.key, c.size_bytes, c.flags,
			flags_text('shmget', c.flags))
		WHEN 2 THEN printf('shmid: %lld, shmaddr: 0x%llx, shmflg: 0x%x (%s)', c.shmid, c.addr, c.flags,
			flags_text('shmat', c.flags))
		WHEN 3 THEN printf('shmaddr: 0x%llx', c.addr)
		WHEN 4 THEN printf('shmid: %lld, cmd: %lld (%s)', c.shmid, c.command,
			flags_text('shmctl', c.command))
	END AS ARGS
FROM (
	SELECT *
	FROM call
	ORDER BY session, ts_ns, tid
	LIMIT coalesce(:rows, -1)
) AS c
LEFT JOIN process AS p ON p.id = c.process_id
ORDER BY c.session, c.ts_ns, c.tid;

SELECT printf('Left out (--rows): %,d calls.', count(*) - :rows) AS note
FROM call
WHERE :rows >= 0
HAVING count(*) > :rows;

SELECT 'No call of System V shared memory was recorded.' AS note
WHERE NOT EXISTS (SELECT 1 FROM call);

CREATE TEMP TABLE last_reading AS
SELECT session, max(ts_ns) AS ts_ns
FROM snapshot_tick
WHERE round = 1
AND ts_ns BETWEEN 0 AND :to
GROUP BY session;

CREATE TEMP TABLE listed AS
SELECT session, ts_ns, key, shmid, size_bytes, creator_pid, nattch
FROM sysvipc_shm
WHERE ts_ns BETWEEN 0 AND :to;

-- When a process has nothing attached any more: it ended, or runs another program
CREATE TEMP TABLE ended (session, process_id, ts_ns, PRIMARY KEY (session, process_id)) WITHOUT ROWID;

INSERT INTO ended
SELECT session, process_id, min(ts_ns)
FROM (
	SELECT session, process_id, ts_ns
	FROM exit
	WHERE ts_ns BETWEEN 0 AND :to
	AND last = 1
	UNION ALL
	SELECT session, process_id, ts_ns
	FROM exec
	WHERE ts_ns BETWEEN 0 AND :to
)
WHERE process_id IS NOT NULL
GROUP BY session, process_id;

CREATE TEMP TABLE detach (session, process_id, addr, ts_ns, PRIMARY KEY (session, process_id, addr, ts_ns))
WITHOUT ROWID;

INSERT OR IGNORE INTO detach
SELECT session, process_id, addr, ts_ns
FROM shm_call
WHERE ts_ns BETWEEN 0 AND :to
AND op = 3
AND result = 0
AND process_id IS NOT NULL;

CREATE TEMP TABLE heir AS
SELECT session, process_id, child_process_id, ts_ns
FROM fork
WHERE ts_ns BETWEEN 0 AND :to;

-- Each attachment of a segment to a process
CREATE TEMP TABLE held AS
WITH RECURSIVE hold(session, process_id, shmid, addr, from_ns, to_ns) AS (
	SELECT
		a.session,
		a.process_id,
		a.shmid,
		a.result,
		a.ts_ns,
		min(
			coalesce((
				SELECT min(d.ts_ns)
				FROM detach AS d
				WHERE d.session = a.session
				AND d.process_id = a.process_id
				AND d.addr = a.result
				AND d.ts_ns > a.ts_ns
			), 9223372036854775807),
			coalesce((
				SELECT e.ts_ns
				FROM ended AS e
				WHERE e.session = a.session
				AND e.process_id = a.process_id
			), 9223372036854775807)
		)
	FROM shm_call AS a
	WHERE a.ts_ns BETWEEN 0 AND :to
	AND a.op = 2
	AND a.result NOT BETWEEN -4095 AND -1
	UNION ALL
	SELECT
		h.session,
		f.child_process_id,
		h.shmid,
		h.addr,
		f.ts_ns,
		min(
			coalesce((
				SELECT min(d.ts_ns)
				FROM detach AS d
				WHERE d.session = f.session
				AND d.process_id = f.child_process_id
				AND d.addr = h.addr
				AND d.ts_ns > f.ts_ns
			), 9223372036854775807),
			coalesce((
				SELECT e.ts_ns
				FROM ended AS e
				WHERE e.session = f.session
				AND e.process_id = f.child_process_id
			), 9223372036854775807)
		)
	FROM hold AS h
	JOIN heir AS f ON f.session = h.session AND f.process_id = h.process_id
	WHERE f.ts_ns BETWEEN h.from_ns AND h.to_ns
)
SELECT session, process_id, shmid, from_ns, to_ns
FROM hold;

-- Who made a segment: a key that was asked for may have had one before
CREATE TEMP TABLE made AS
SELECT *
FROM (
	SELECT
		g.session,
		g.shmid,
		g.ts_ns,
		g.process_id,
		g.key,
		g.size_bytes,
		g.flags,
		row_number() OVER (PARTITION BY g.session, g.shmid ORDER BY g.ts_ns, g.tid) AS nth
	FROM shm_call AS g
	WHERE g.ts_ns BETWEEN 0 AND :to
	AND g.op = 1
	AND g.result >= 0
	AND (g.key = 0 OR g.flags & 512)
	AND NOT EXISTS (
		SELECT 1
		FROM listed AS l
		WHERE l.session = g.session
		AND l.shmid = g.shmid
		AND l.ts_ns < g.ts_ns
	)
)
WHERE nth = 1;

CREATE TEMP TABLE removed AS
SELECT session, shmid, min(ts_ns) AS ts_ns, process_id
FROM shm_call
WHERE ts_ns BETWEEN 0 AND :to
AND op = 4
AND command & 255 = 0
AND result = 0
GROUP BY session, shmid;

CREATE TEMP TABLE segment AS
SELECT session, shmid
FROM call
WHERE shmid >= 0
AND NOT failed
UNION
SELECT l.session, l.shmid
FROM last_reading AS t
JOIN listed AS l ON l.session = t.session AND l.ts_ns = t.ts_ns
WHERE 0 IN (SELECT process_id FROM selected);

-- Segments
WITH holder AS (
	SELECT session, shmid, sum(to_ns = 9223372036854775807) AS attached, count(*) AS attachments
	FROM held
	GROUP BY session, shmid
)
SELECT
	s.shmid AS shm_id,
	printf('0x%x', coalesce(m.key, l.key & 4294967295)) AS key,
	coalesce(m.size_bytes, l.size_bytes) AS size_bytes,
	wall_time(m.ts_ns, m.session) AS created,
	coalesce(p.pid, l.creator_pid) AS creator_pid,
	p.comm AS creator,
	coalesce(h.attached, 0) AS attached,
	coalesce(h.attachments, 0) AS attachments,
	l.nattch,
	CASE
		WHEN r.ts_ns IS NULL THEN 'never removed'
		WHEN h.attached > 0 OR l.nattch > 0 THEN 'removed, but attached'
		ELSE 'removed'
	END AS state,
	wall_time(r.ts_ns, r.session) AS removed,
	q.pid AS remover_pid
FROM segment AS s
LEFT JOIN made AS m ON m.session = s.session AND m.shmid = s.shmid
LEFT JOIN process AS p ON p.id = m.process_id
LEFT JOIN holder AS h ON h.session = s.session AND h.shmid = s.shmid
LEFT JOIN last_reading AS t ON t.session = s.session
LEFT JOIN listed AS l ON l.session = s.session AND l.shmid = s.shmid AND l.ts_ns = t.ts_ns
LEFT JOIN removed AS r ON r.session = s.session AND r.shmid = s.shmid
LEFT JOIN process AS q ON q.id = r.process_id
ORDER BY r.ts_ns IS NOT NULL, coalesce(m.size_bytes, l.size_bytes) DESC, s.session, s.shmid
LIMIT coalesce(:top, -1);

-- memfd_create
SELECT
	wall_time(m.ts_ns, m.session) AS TIME,
	p.pid AS PID,
	p.comm AS COMM,
	coalesce(error_name(m.result), m.result) AS RET,
	flags_text('memfd_create', m.flags) AS FLAGS,
	count(v.ts_ns) AS MAPPED,
	max(v.length_bytes) AS LARGEST_BYTES,
	f.path AS FILE
FROM memfd AS m
LEFT JOIN process AS p ON p.id = m.process_id
LEFT JOIN file AS f ON f.id = m.file_id
LEFT JOIN (
	SELECT session, file_id, ts_ns, length_bytes
	FROM vm_call
	WHERE ts_ns BETWEEN :from AND :to
	AND op = 1
	AND result NOT BETWEEN -4095 AND -1
	AND file_id <> 0
) AS v ON v.session = m.session AND v.file_id = m.file_id
WHERE m.ts_ns BETWEEN :from AND :to
AND coalesce(m.process_id, 0) IN (SELECT process_id FROM selected)
GROUP BY m.session, m.ts_ns, m.tid
ORDER BY m.session, m.ts_ns, m.tid
LIMIT coalesce(:top, -1);

-- POSIX shared memory
SELECT
	min(wall_time(v.ts_ns, v.session)) AS first,
	count(*) AS mappings,
	max(v.file_offset_bytes + v.length_bytes) AS largest_bytes,
	count(DISTINCT v.process_id) AS processes,
	group_concat(DISTINCT p.comm) AS comms,
	replace(f.path, ' (deleted)', '') AS file
FROM vm_call AS v
JOIN file AS f ON f.id = v.file_id
LEFT JOIN process AS p ON p.id = v.process_id
WHERE v.ts_ns BETWEEN :from AND :to
AND coalesce(v.process_id, 0) IN (SELECT process_id FROM selected)
AND v.op = 1
AND v.result NOT BETWEEN -4095 AND -1
AND f.kind = 2
AND f.path GLOB '/dev/shm/*'
GROUP BY v.session, replace(f.path, ' (deleted)', '')
ORDER BY max(v.file_offset_bytes + v.length_bytes) DESC, v.session, f.path
LIMIT coalesce(:top, -1);

-- By stack
SELECT
	count(*) AS calls,
	sum(c.failed) AS failed,
	sum(iif(c.op = 1 AND NOT c.failed, c.size_bytes, 0)) AS got_bytes,
	sum(c.duration_ns) / 1000 AS total_us,
	CASE c.op WHEN 1 THEN 'shmget' WHEN 2 THEN 'shmat' WHEN 3 THEN 'shmdt' WHEN 4 THEN 'shmctl' END AS call,
	p.pid,
	p.comm,
	t.folded AS stack,
	t.places
FROM call AS c
LEFT JOIN process AS p ON p.id = c.process_id
LEFT JOIN stack_text AS t ON t.stack_id = c.stack_id
GROUP BY c.session, c.process_id, c.op, c.stack_id
ORDER BY count(*) DESC, c.session, c.process_id, c.op, c.stack_id
LIMIT coalesce(:top, -1);

-- Coverage: rows of all processes, lost ones and what the kernel side counted, in the whole recording
WITH recorded AS (
	SELECT session, 'shm_call' AS name, count(*) AS n
	FROM shm_call
	WHERE ts_ns BETWEEN :from AND :to
	GROUP BY session
	UNION ALL
	SELECT session, 'memfd' AS name, count(*) AS n
	FROM memfd
	WHERE ts_ns BETWEEN :from AND :to
	GROUP BY session
)
SELECT
	c.table_name AS "table",
	coalesce(r.n, 0) AS "rows",
	c.lost_rows AS lost,
	c.counted,
	100.0 * coalesce(r.n, 0) / c.counted AS coverage_pct
FROM table_seen AS c
LEFT JOIN recorded AS r ON r.session = c.session AND r.name = c.table_name
WHERE c.table_name IN ('shm_call', 'memfd')
AND c.counted > 0
AND :from = 0
AND :to = 9223372036854775807
ORDER BY c.session, c.table_name;

-- This report is incomplete
SELECT printf(words, sum(n)) AS note
FROM gap
WHERE (table_name IS NULL OR table_name IN ('shm_call', 'memfd', 'memory_call'))
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
