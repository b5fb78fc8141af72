-- Processes of the recording: when they were forked, what they ran, how they ended.
--
-- A process that runs another program is another line under "By program". Of
-- processes that are not recorded nothing is seen. PEAK is the greatest resident
-- set size that was seen, in KB.
--
--   top   so many events, the last ones; and so many programs (1000)

CREATE TEMP TABLE life_event AS
SELECT
	*,
	row_number() OVER (ORDER BY session DESC, ts_ns DESC, rank DESC, process_id) AS nth_last
FROM (
	SELECT session, ts_ns, 1 AS rank, 'fork' AS event, child_process_id AS process_id, process_id AS by_id, NULL AS code
	FROM fork
	WHERE ts_ns BETWEEN :from AND :to
	UNION ALL
	SELECT session, ts_ns, 2, 'exec', program_process_id, process_id, NULL
	FROM exec
	WHERE ts_ns BETWEEN :from AND :to
	UNION ALL
	SELECT session, ts_ns, 3, 'exit', process_id, NULL, code
	FROM exit
	WHERE ts_ns BETWEEN :from AND :to
	AND last = 1
)
WHERE coalesce(process_id, 0) IN (SELECT process_id FROM selected)
OR coalesce(by_id, 0) IN (SELECT process_id FROM selected);

SELECT
	wall_time(e.ts_ns, e.session) AS TIME,
	e.event AS EVENT,
	p.pid AS PID,
	p.comm AS COMM,
	CASE e.event
		WHEN 'fork' THEN printf('by %s (%d)', coalesce(b.comm, '?'), b.pid)
		WHEN 'exec' THEN printf('was %s', coalesce(b.comm, '?'))
		ELSE iif(
			e.code & 127,
			printf('killed by signal %d', e.code & 127) || iif(e.code & 128, ', core dumped', ''),
			printf('status %d', e.code >> 8 & 255)
		)
	END AS WHAT
FROM life_event AS e
LEFT JOIN process AS p ON p.id = e.process_id
LEFT JOIN process AS b ON b.id = e.by_id
WHERE :top < 0
OR e.nth_last <= :top
ORDER BY e.nth_last DESC;

SELECT printf('Left out (--top): %,d earlier events.', count(*)) AS note
FROM life_event
WHERE :top >= 0
AND nth_last > :top
HAVING count(*) > 0;

SELECT 'No process was forked, ran another program or ended.' AS note
WHERE NOT EXISTS (SELECT 1 FROM life_event);

-- By program
SELECT
	p.pid,
	p.comm,
	q.pid AS parent_pid,
	q.comm AS parent,
	p.uid,
	wall_time(b.ts_ns, b.session) AS began,
	wall_time(e.ts_ns, e.session) AS ended,
	(e.ts_ns - b.ts_ns) / 1e6 AS lived_ms,
	t.minor_faults,
	t.major_faults,
	r.peak
FROM process AS p
LEFT JOIN process AS q ON q.id = p.parent_id
LEFT JOIN (
	SELECT process_id, session, min(ts_ns) AS ts_ns
	FROM life_event
	WHERE event IN ('fork', 'exec')
	GROUP BY process_id
) AS b ON b.process_id = p.id
LEFT JOIN (
	SELECT session, process_id, max(ts_ns) AS ts_ns
	FROM (
		SELECT session, process_id, ts_ns
		FROM life_event
		WHERE event = 'exit'
		UNION ALL
		SELECT session, by_id, ts_ns
		FROM life_event
		WHERE event = 'exec'
	)
	GROUP BY process_id
) AS e ON e.process_id = p.id
LEFT JOIN (
	SELECT process_id, sum(minor_faults) AS minor_faults, sum(major_faults) AS major_faults
	FROM exit
	WHERE ts_ns BETWEEN :from AND :to
	GROUP BY process_id
) AS t ON t.process_id = p.id
LEFT JOIN (
	SELECT
		r.process_id,
		max((r.file_pages + r.anon_pages + r.shmem_pages) * s.page_size_bytes / 1024) AS peak
	FROM rss AS r
	JOIN session AS s ON s.session = r.session
	WHERE r.ts_ns BETWEEN :from AND :to
	GROUP BY r.process_id
) AS r ON r.process_id = p.id
WHERE p.target = 1
AND p.id IN (SELECT process_id FROM selected)
ORDER BY coalesce(b.ts_ns, 0), p.start_ticks, p.pid, p.exec_count, p.id
LIMIT coalesce(:top, -1);

-- This report is incomplete
SELECT printf(words, sum(n)) AS note
FROM gap
WHERE (table_name IS NULL OR table_name IN ('task', 'fork', 'exec', 'exit'))
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
