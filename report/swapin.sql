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
WITH counters AS (
	SELECT
		session,
		ts_ns,
		snapshot_value(content_text, 'pswpin') AS in_pages,
		snapshot_value(content_text, 'pswpout') AS out_pages,
		row_number() OVER (PARTITION BY session ORDER BY ts_ns) AS nth,
		row_number() OVER (PARTITION BY session ORDER BY ts_ns DESC) AS nth_last
	FROM snapshot_system
	WHERE path = '/proc/vmstat'
	AND ts_ns BETWEEN :from AND :to
),
span AS (
	SELECT
		a.session,
		a.ts_ns AS from_ns,
		b.ts_ns AS to_ns,
		b.in_pages - a.in_pages AS in_pages,
		b.out_pages - a.out_pages AS out_pages
	FROM counters AS a
	JOIN counters AS b ON b.session = a.session AND b.nth_last = 1
	WHERE a.nth = 1
	AND 0 IN (SELECT process_id FROM selected)
),
seen AS (
	SELECT s.session, sum(s.in_pages) AS in_pages, sum(s.out_pages) AS out_pages
	FROM swapping AS s
	JOIN span AS c ON c.session = s.session AND s.ts_ns BETWEEN c.from_ns + 1 AND c.to_ns
	GROUP BY s.session
),
pair AS (
	SELECT 1 AS place, 'read from swap' AS what, c.session, coalesce(s.in_pages, 0) AS seen, c.in_pages AS counted
	FROM span AS c
	LEFT JOIN seen AS s ON s.session = c.session
	UNION ALL
	SELECT 2, 'written to swap', c.session, coalesce(s.out_pages, 0), c.out_pages
	FROM span AS c
	LEFT JOIN seen AS s ON s.session = c.session
),
missed AS (
	SELECT session, sum(lost_rows) AS n
	FROM lost
	WHERE table_name IN ('swap_total', 'total')
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
ORDER BY pair.session, place;

-- This report is incomplete
SELECT printf(words, sum(n)) AS note
FROM gap
WHERE (table_name IS NULL OR table_name IN ('swap_total', 'total'))
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
