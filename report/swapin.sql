-- Pages read from swap, second by second and process by process; and those written to it.
--
-- COUNT is what was read in that second by faults of the process. Pages are
-- written by whoever needs room: a task that reclaims, or kswapd; they need not
-- be that task's own.
--
--   top   so many processes and stacks (20)

CREATE TEMP TABLE swapping AS
SELECT
	t.session,
	t.ts_ns,
	t.process_id,
	t.stack_id,
	t.in_pages,
	t.out_pages,
	(t.ts_ns + coalesce(c.offset_ns, 0)) / 1000000000 AS second
FROM swap_total AS t
LEFT JOIN wall_clock AS c ON c.session = t.session
WHERE t.ts_ns BETWEEN :from AND :to
AND coalesce(t.process_id, 0) IN (SELECT process_id FROM selected);

SELECT
	wall_time(max(s.ts_ns), s.session) AS TIME,
	p.comm AS COMM,
	p.pid AS PID,
	sum(s.in_pages) AS COUNT
FROM swapping AS s
LEFT JOIN process AS p ON p.id = s.process_id
GROUP BY s.session, s.second, s.process_id
HAVING sum(s.in_pages) > 0
ORDER BY s.session, s.second, sum(s.in_pages), s.process_id;

SELECT 'Nothing was read from swap.' AS note
WHERE NOT EXISTS (SELECT 1 FROM swapping WHERE in_pages > 0);

-- Who wrote to swap
SELECT
	wall_time(max(s.ts_ns), s.session) AS time,
	sum(s.out_pages) AS out_pages,
	p.pid,
	p.comm
FROM swapping AS s
LEFT JOIN process AS p ON p.id = s.process_id
GROUP BY s.session, s.second, s.process_id
HAVING sum(s.out_pages) > 0
ORDER BY s.session, s.second, sum(s.out_pages), s.process_id;

-- By process
SELECT
	sum(s.in_pages) AS in_pages,
	sum(s.out_pages) AS out_pages,
	p.pid,
	p.comm
FROM swapping AS s
LEFT JOIN process AS p ON p.id = s.process_id
GROUP BY s.session, s.process_id
ORDER BY sum(s.in_pages) DESC, sum(s.out_pages) DESC, s.session, s.process_id
LIMIT coalesce(:top, -1);

-- By stack of the targets
SELECT
	sum(s.in_pages + s.out_pages) AS pages,
	sum(s.in_pages) AS in_pages,
	sum(s.out_pages) AS out_pages,
	p.pid,
	p.comm,
	t.folded AS stack,
	t.places
FROM swapping AS s
JOIN stack_text AS t ON t.stack_id = s.stack_id
LEFT JOIN process AS p ON p.id = s.process_id
GROUP BY s.session, s.process_id, s.stack_id
ORDER BY sum(s.in_pages + s.out_pages) DESC, s.session, s.process_id, s.stack_id
LIMIT coalesce(:top, -1);

-- Coverage: between the first and the last snapshot, against the kernel's own counts
WITH seen AS (
	SELECT
		v.session,
		v.first,
		v.last,
		coalesce(sum(s.in_pages), 0) AS in_pages,
		coalesce(sum(s.out_pages), 0) AS out_pages
	FROM vmstat_period AS v
	LEFT JOIN swapping AS s ON s.session = v.session AND s.ts_ns BETWEEN v.from_ns + 1 AND v.to_ns
	GROUP BY v.session
),
pair AS (
	SELECT 1 AS place, 'read from swap' AS what, session, in_pages AS seen, rise(snapshot_value(last, 'pswpin'), snapshot_value(first, 'pswpin')) AS counted
	FROM seen
	UNION ALL
	SELECT 2, 'written to swap', session, out_pages, rise(snapshot_value(last, 'pswpout'), snapshot_value(first, 'pswpout'))
	FROM seen
),
missed AS (
	SELECT session, sum(lost_rows) AS n
	FROM lost
	WHERE table_name IN ('swap_total', 'swap')
	AND begin_ns <= :to
	AND ts_ns >= :from
	GROUP BY session
)
SELECT
	what,
	seen,
	coalesce(l.n, 0) AS lost_rows,
	counted,
	100.0 * seen / counted AS coverage_pct
FROM pair
LEFT JOIN missed AS l ON l.session = pair.session
WHERE seen + counted > 0
AND 0 IN (SELECT process_id FROM selected)
ORDER BY pair.session, place;

-- This report is incomplete
SELECT printf(words, sum(n)) AS note
FROM gap
WHERE (table_name IS NULL OR table_name IN ('swap_total', 'swap'))
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
