-- Mappings made, changed and taken away, call by call.
--
-- mmap, munmap, mremap, madvise, mprotect, mlock and munlock, of files and of
-- anonymous memory, failed ones too. PROT is (R)ead, (W)rite, (E)xecute; FILE a
-- mapping's file. For mremap, SIZE(KB) is the size after it and ADDR where the
-- mapping was. Calls of 32-bit programs are not seen.
--
--   rows   so many calls, the first ones (50)
--   top    so many stacks (20)

CREATE TEMP TABLE operation (op INTEGER PRIMARY KEY, name TEXT);

INSERT INTO operation
VALUES
	(1, 'mmap'),
	(2, 'munmap'),
	(3, 'mremap'),
	(4, 'madvise'),
	(5, 'mprotect'),
	(6, 'mlock'),
	(7, 'munlock'),
	(8, 'mlockall'),
	(9, 'munlockall'),
	(10, 'pkey_mprotect');

-- bytes: of what succeeded; of mremap, the growth
CREATE TEMP TABLE call AS
SELECT
	session,
	ts_ns,
	process_id,
	tid,
	op,
	addr,
	length_bytes,
	protection,
	flags,
	file_offset_bytes,
	new_length_bytes,
	result,
	duration_ns,
	stack_id,
	file_id,
	result BETWEEN -4095 AND -1 AS failed,
	CASE
		WHEN result BETWEEN -4095 AND -1 THEN 0
		WHEN op = 3 THEN new_length_bytes - length_bytes
		ELSE length_bytes
	END AS bytes
FROM vm_call
WHERE ts_ns BETWEEN :from AND :to
AND coalesce(process_id, 0) IN (SELECT process_id FROM selected);

SELECT
	wall_time(c.ts_ns, c.session) AS TIME,
	p.pid AS PID,
	p.comm AS COMM,
	o.name AS CALL,
	iif(
		c.op IN (1, 5, 10),
		iif(c.protection & 1, 'R', '-') || iif(c.protection & 2, 'W', '-')
			|| iif(c.protection & 4, 'E', '-'),
		NULL
	) AS PROT,
	flags_text(o.name, c.flags) AS FLAGS,
	iif(c.op = 1 AND NOT c.flags & 32, c.file_offset_bytes / 1024, NULL) AS "OFFS(KB)",
	-- As without a sign: programs ask for more than there can be.
	iif(
		c.op IN (8, 9),
		NULL,
		iif(c.op = 3, c.new_length_bytes, c.length_bytes) >> 10 & 18014398509481983
	) AS "SIZE(KB)",
	iif(c.op IN (8, 9), NULL, printf('%x', c.addr)) AS ADDR,
	coalesce(error_name(c.result), iif(c.op IN (1, 3), printf('%x', c.result), c.result)) AS RET,
	iif(c.duration_ns IS NULL, NULL, printf('%.1f', c.duration_ns / 1e3)) AS US,
	f.path AS FILE
FROM (
	SELECT *
	FROM call
	ORDER BY session, ts_ns, tid
	LIMIT coalesce(:rows, -1)
) AS c
LEFT JOIN operation AS o ON o.op = c.op
LEFT JOIN process AS p ON p.id = c.process_id
LEFT JOIN file AS f ON f.id = c.file_id
ORDER BY c.session, c.ts_ns, c.tid;

SELECT printf('Left out (--rows): %,d calls.', count(*) - :rows) AS note
FROM call
WHERE :rows >= 0
HAVING count(*) > :rows;

SELECT 'No call was recorded.' AS note
WHERE NOT EXISTS (SELECT 1 FROM call);

-- By process; of what failed, no bytes
SELECT s.calls, s.failed, s.bytes, s.total_us, s.longest_us, o.name AS call, p.pid, p.comm
FROM (
	SELECT
		session,
		process_id,
		op,
		count(*) AS calls,
		sum(failed) AS failed,
		sum(bytes) AS bytes,
		sum(duration_ns) / 1000 AS total_us,
		max(duration_ns) / 1000 AS longest_us
	FROM call
	GROUP BY session, process_id, op
) AS s
LEFT JOIN operation AS o ON o.op = s.op
LEFT JOIN process AS p ON p.id = s.process_id
ORDER BY s.session, s.process_id, s.calls DESC, s.op;

-- What failed
SELECT
	count(*) AS failed,
	o.name AS call,
	error_name(c.result) AS error,
	flags_text(o.name, c.flags) AS flags,
	max(c.length_bytes >> 10 & 18014398509481983) AS largest_kb,
	p.pid,
	p.comm
FROM call AS c
LEFT JOIN operation AS o ON o.op = c.op
LEFT JOIN process AS p ON p.id = c.process_id
WHERE c.failed
GROUP BY c.session, c.process_id, c.op, c.result, c.flags
ORDER BY count(*) DESC, c.session, c.process_id, c.op, c.result, c.flags;

-- Files, by how much of them was mapped
SELECT
	count(*) AS mappings,
	sum(c.length_bytes) AS bytes,
	sum(c.flags & 15 <> 2) AS shared,
	sum(c.protection & 4 <> 0) AS executable,
	CASE f.kind WHEN 1 THEN 'file' WHEN 2 THEN 'shmem' WHEN 3 THEN 'hugetlb' WHEN 4 THEN 'other' END AS kind,
	f.path AS file
FROM call AS c
JOIN file AS f ON f.id = c.file_id
WHERE NOT c.failed
GROUP BY f.path, f.kind
ORDER BY sum(c.length_bytes) DESC, f.path
LIMIT coalesce(:top, -1);

-- By stack
SELECT s.calls, s.failed, s.bytes, s.total_us, o.name AS call, p.pid, p.comm, t.folded AS stack, t.places
FROM (
	SELECT
		session,
		process_id,
		op,
		stack_id,
		count(*) AS calls,
		sum(failed) AS failed,
		sum(bytes) AS bytes,
		sum(duration_ns) / 1000 AS total_us
	FROM call
	GROUP BY session, process_id, op, stack_id
	ORDER BY count(*) DESC, session, process_id, op, stack_id
	LIMIT coalesce(:top, -1)
) AS s
LEFT JOIN operation AS o ON o.op = s.op
LEFT JOIN process AS p ON p.id = s.process_id
LEFT JOIN stack_text AS t ON t.stack_id = s.stack_id
ORDER BY s.calls DESC, s.session, s.process_id, s.op, s.stack_id;

-- Coverage: rows of all processes, lost ones and what the kernel side counted, in the whole recording
WITH recorded AS (
	SELECT session, 'vm_call' AS name, count(*) AS n
	FROM vm_call
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
WHERE c.table_name = 'vm_call'
AND c.counted > 0
AND :from = 0
AND :to = 9223372036854775807
ORDER BY c.session, c.table_name;

-- This report is incomplete
SELECT printf(words, sum(n)) AS note
FROM gap
WHERE (table_name IS NULL OR table_name IN ('vm_call', 'memory_call'))
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
