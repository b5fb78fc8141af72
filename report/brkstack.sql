-- How brk moved the end of the heap, by the user stack that asked for it.
--
-- growth_bytes is what a stack added less what it took away (a flame graph
-- shows those that added). Calls that only ask where the end is (brk(0)) are
-- no growth. A failed call leaves the end where it was.
--
--   top   so many stacks (20)

CREATE TEMP TABLE move AS
SELECT
	*,
	coalesce(after_addr - before_addr, 0) AS growth_bytes,
	requested_addr = 0 AS asked,
	requested_addr <> 0 AND after_addr <> requested_addr AS failed
FROM brk
WHERE ts_ns BETWEEN :from AND :to
AND coalesce(process_id, 0) IN (SELECT process_id FROM selected);

CREATE TEMP TABLE site AS
SELECT
	*,
	row_number() OVER (
		ORDER BY max(grown_bytes, shrunk_bytes) DESC, calls DESC, session, process_id, stack_id
	) AS place
FROM (
	SELECT
		session,
		process_id,
		stack_id,
		sum(growth_bytes) AS growth_bytes,
		count(*) AS calls,
		sum(max(growth_bytes, 0)) AS grown_bytes,
		sum(growth_bytes < 0) AS shrinks,
		sum(max(-growth_bytes, 0)) AS shrunk_bytes,
		sum(failed) AS failed,
		sum(asked) AS asked,
		sum(duration_ns) / 1000 AS total_us
	FROM move
	GROUP BY session, process_id, stack_id
);

SELECT
	s.growth_bytes,
	s.calls,
	s.grown_bytes,
	s.shrinks,
	s.shrunk_bytes,
	s.failed,
	s.asked,
	s.total_us,
	p.pid,
	p.comm,
	t.folded AS stack,
	t.places
FROM site AS s
LEFT JOIN process AS p ON p.id = s.process_id
LEFT JOIN stack_text AS t ON t.stack_id = s.stack_id
WHERE :top < 0 OR s.place <= :top
ORDER BY s.place;

SELECT printf('Left out (--top): %,d bytes of growth in %,d calls (stacks: %,d).',
	sum(growth_bytes), sum(calls), count(*)) AS note
FROM site
WHERE :top >= 0
AND place > :top
HAVING count(*) > 0;

SELECT 'No call was recorded.' AS note
WHERE NOT EXISTS (SELECT 1 FROM move);

-- By process
WITH place AS (
	SELECT
		*,
		row_number() OVER (PARTITION BY session, process_id ORDER BY ts_ns, tid) AS nth,
		row_number() OVER (PARTITION BY session, process_id ORDER BY ts_ns DESC, tid DESC) AS nth_last
	FROM move
)
SELECT
	sum(m.growth_bytes) AS growth_bytes,
	max(m.after_addr) - max(iif(m.nth = 1, coalesce(m.before_addr, m.after_addr), NULL)) AS highest_bytes,
	count(*) AS calls,
	sum(m.growth_bytes < 0) AS shrinks,
	sum(m.failed) AS failed,
	printf('%x', max(iif(m.nth = 1, coalesce(m.before_addr, m.after_addr), NULL))) AS first_end,
	printf('%x', max(iif(m.nth_last = 1, m.after_addr, NULL))) AS last_end,
	p.pid,
	p.comm
FROM place AS m
LEFT JOIN process AS p ON p.id = m.process_id
GROUP BY m.session, m.process_id
ORDER BY sum(m.growth_bytes) DESC, m.session, m.process_id;

-- What failed
SELECT
	count(*) AS failed,
	max(m.requested_addr - m.before_addr) AS largest_bytes,
	wall_time(min(m.ts_ns), m.session) AS first,
	wall_time(max(m.ts_ns), m.session) AS last,
	p.pid,
	p.comm
FROM move AS m
LEFT JOIN process AS p ON p.id = m.process_id
WHERE m.failed
GROUP BY m.session, m.process_id
ORDER BY count(*) DESC, m.session, m.process_id;

-- Coverage: rows of all processes, lost ones and what the kernel side counted, in the whole recording
WITH recorded AS (
	SELECT session, 'brk' AS name, count(*) AS n
	FROM brk
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
WHERE c.table_name = 'brk'
AND c.counted > 0
AND :from = 0
AND :to = 9223372036854775807
ORDER BY c.session, c.table_name;

-- This report is incomplete
SELECT printf(words, sum(n)) AS note
FROM gap
WHERE (table_name IS NULL OR table_name IN ('brk', 'memory_call'))
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
