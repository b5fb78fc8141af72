-- Counts of page faults, as perf stat -e page-faults,minor-faults,major-faults prints them.
--
-- Of a command, as perf does, what came before its program began is left out.
-- Faults are counted by whole seconds: a window is widened to them. The time is
-- that from the first program's begin to the last one's end.
--
--   top   so many programs (20)

CREATE TEMP TABLE counted AS
WITH seen AS (
	SELECT
		session,
		process_id,
		sum(n) AS faults,
		sum(iif(kind = 1, n, 0)) AS minor,
		sum(iif(kind = 2, n, 0)) AS major
	FROM fault_sum
	WHERE bucket_ns BETWEEN :from - 999999999 AND :to
	AND coalesce(process_id, 0) IN (SELECT process_id FROM selected)
	GROUP BY session, process_id
),
began AS (
	SELECT process_id, min(ts_ns) AS ts_ns
	FROM (
		SELECT program_process_id AS process_id, ts_ns
		FROM exec
		WHERE ts_ns BETWEEN :from AND :to
		UNION ALL
		SELECT child_process_id, ts_ns
		FROM fork
		WHERE ts_ns BETWEEN :from AND :to
	)
	GROUP BY process_id
),
ended AS (
	SELECT process_id, max(ts_ns) AS ts_ns
	FROM (
		SELECT process_id, ts_ns
		FROM exit
		WHERE last = 1
		AND ts_ns BETWEEN :from AND :to
		UNION ALL
		SELECT process_id, ts_ns
		FROM exec
		WHERE ts_ns BETWEEN :from AND :to
	)
	GROUP BY process_id
)
SELECT
	s.*,
	p.pid,
	p.comm,
	coalesce(b.ts_ns, max(:from, x.start_ns)) AS begin_ns,
	coalesce(e.ts_ns, min(:to, d.ts_ns)) AS end_ns,
	row_number() OVER (ORDER BY s.faults DESC, p.pid, s.process_id, s.session) AS place
FROM seen AS s
LEFT JOIN process AS p ON p.id = s.process_id
LEFT JOIN began AS b ON b.process_id = s.process_id
LEFT JOIN ended AS e ON e.process_id = s.process_id
LEFT JOIN session AS x ON x.session = s.session
LEFT JOIN (SELECT session, max(ts_ns) AS ts_ns FROM end GROUP BY session) AS d ON d.session = s.session
WHERE NOT coalesce(
	:from = 0
	AND x.target_text LIKE 'command %'
	AND p.exec_count = 0
	AND b.ts_ns IS NULL,
	0
);

SELECT sum(faults) AS count, 'page-faults' AS event
FROM counted
UNION ALL
SELECT sum(minor), 'minor-faults'
FROM counted
UNION ALL
SELECT sum(major), 'major-faults'
FROM counted;

SELECT printf('%.9f seconds time elapsed', sum(elapsed_ns) / 1e9) AS note
FROM (
	SELECT max(end_ns) - min(begin_ns) AS elapsed_ns
	FROM counted
	GROUP BY session
)
HAVING sum(elapsed_ns) IS NOT NULL;

-- By program
SELECT
	faults AS "page-faults",
	minor AS "minor-faults",
	major AS "major-faults",
	(end_ns - begin_ns) / 1e9 AS seconds,
	pid,
	comm
FROM counted
WHERE :top < 0
OR place <= :top
ORDER BY place;

SELECT printf('Left out (--top): %,d faults (programs: %,d).', sum(faults), count(*)) AS note
FROM counted
WHERE :top >= 0
AND place > :top
HAVING count(*) > 0;

-- This report is incomplete
SELECT printf(words, sum(n)) AS note
FROM gap
WHERE (table_name IS NULL OR table_name = 'fault')
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
