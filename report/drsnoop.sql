-- Direct reclaim, stall by stall: tasks that had to free pages themselves before they got theirs.
--
-- PAGES were freed, FREE(KB) was free on the whole host when the stall began.
-- CGROUP is the path of the task's memory cgroup.
--
--   top      so many stalls, the longest ones; and so many processes and stacks (20)
--   memcg    also what memory cgroups at their limit made their tasks reclaim (off)

CREATE TEMP TABLE stall AS
SELECT
	r.*,
	row_number() OVER (ORDER BY r.duration_ns DESC, r.session, r.ts_ns, r.tid) AS place
FROM reclaim AS r
WHERE r.ts_ns BETWEEN :from AND :to
AND coalesce(r.process_id, 0) IN (SELECT process_id FROM selected)
AND (r.kind = 1 OR (r.kind = 2 AND :memcg));

SELECT
	wall_time(r.ts_ns, r.session) AS TIME,
	p.comm AS COMM,
	r.tid AS TID,
	printf('%.3f', r.duration_ns / 1e6) AS "LAT(ms)",
	r.reclaimed_pages AS PAGES,
	r.free_pages * s.page_size_bytes / 1024 AS "FREE(KB)",
	CASE r.kind WHEN 1 THEN 'direct' WHEN 2 THEN 'cgroup' END AS KIND,
	r.allocation_order AS "ORDER",
	gfp_text(r.gfp) AS GFP,
	g.path AS CGROUP
FROM stall AS r
LEFT JOIN cgroup AS g ON g.id = r.cgroup_id
LEFT JOIN session AS s ON s.session = r.session
LEFT JOIN process AS p ON p.id = r.process_id
WHERE :top < 0
OR r.place <= :top
ORDER BY r.session, r.ts_ns, r.tid;

SELECT printf('Left out (--top): %,d stalls, %,.3f ms, none longer than %,.3f ms.',
	count(*), sum(duration_ns) / 1e6, max(duration_ns) / 1e6) AS note
FROM stall
WHERE :top >= 0
AND place > :top
HAVING count(*) > 0;

SELECT iif(:memcg, 'No task reclaimed pages itself.', 'No direct reclaim.') || coalesce((
	SELECT printf(' Memory cgroups made their tasks reclaim %,d times: --memcg.', count(*))
	FROM reclaim
	WHERE ts_ns BETWEEN :from AND :to
	AND coalesce(process_id, 0) IN (SELECT process_id FROM selected)
	AND kind = 2
	AND NOT :memcg
	HAVING count(*) > 0
), '') AS note
WHERE NOT EXISTS (SELECT 1 FROM stall);

-- Stalled, by process
SELECT
	count(*) AS stalls,
	sum(r.duration_ns) / 1e6 AS total_ms,
	max(r.duration_ns) / 1e6 AS longest_ms,
	sum(r.reclaimed_pages) AS pages,
	count(DISTINCT r.tid) AS threads,
	g.path AS cgroup,
	p.pid,
	p.comm
FROM stall AS r
LEFT JOIN process AS p ON p.id = r.process_id
LEFT JOIN cgroup AS g ON g.id = r.cgroup_id
GROUP BY r.session, r.process_id, r.cgroup_id
ORDER BY sum(r.duration_ns) DESC, r.session, r.process_id, r.cgroup_id
LIMIT coalesce(:top, -1);

-- Stalled, by stack of the targets
SELECT
	sum(r.duration_ns) / 1000 AS total_us,
	count(*) AS stalls,
	max(r.duration_ns) / 1e6 AS longest_ms,
	sum(r.reclaimed_pages) AS pages,
	p.pid,
	p.comm,
	t.folded AS stack,
	t.places
FROM stall AS r
JOIN stack_text AS t ON t.stack_id = r.stack_id
LEFT JOIN process AS p ON p.id = r.process_id
GROUP BY r.session, r.process_id, r.stack_id
ORDER BY sum(r.duration_ns) DESC, r.session, r.process_id, r.stack_id
LIMIT coalesce(:top, -1);

-- Coverage: between the first and the last snapshot, against the kernel's own counts
WITH seen AS (
	SELECT
		v.session,
		v.first,
		v.last,
		coalesce(sum(r.kind = 1), 0) AS stalls,
		coalesce(sum(iif(r.kind = 1, r.reclaimed_pages, 0)), 0) AS direct_pages,
		coalesce(sum(iif(r.kind = 2, r.reclaimed_pages, 0)), 0) AS cgroup_pages
	FROM vmstat_period AS v
	LEFT JOIN stall AS r ON r.session = v.session AND r.ts_ns BETWEEN v.from_ns + 1 AND v.to_ns
	GROUP BY v.session
),
pair AS (
	SELECT 1 AS place, 'direct reclaims' AS what, session, stalls AS seen, coalesce(rise(snapshot_value(last, 'allocstall_dma'), snapshot_value(first, 'allocstall_dma')), 0)
		+ coalesce(rise(snapshot_value(last, 'allocstall_dma32'), snapshot_value(first, 'allocstall_dma32')), 0)
		+ coalesce(rise(snapshot_value(last, 'allocstall_normal'), snapshot_value(first, 'allocstall_normal')), 0)
		+ coalesce(rise(snapshot_value(last, 'allocstall_high'), snapshot_value(first, 'allocstall_high')), 0)
		+ coalesce(rise(snapshot_value(last, 'allocstall_movable'), snapshot_value(first, 'allocstall_movable')), 0)
		+ coalesce(rise(snapshot_value(last, 'allocstall_device'), snapshot_value(first, 'allocstall_device')), 0) AS counted
	FROM seen
	UNION ALL
	SELECT 2, 'pages freed by them', session, direct_pages, rise(snapshot_value(last, 'pgsteal_direct'), snapshot_value(first, 'pgsteal_direct'))
	FROM seen
	UNION ALL
	SELECT 3, 'pages freed for memory cgroups', session, cgroup_pages, rise(snapshot_value(last, 'pgsteal_anon'), snapshot_value(first, 'pgsteal_anon'))
		+ rise(snapshot_value(last, 'pgsteal_file'), snapshot_value(first, 'pgsteal_file'))
		- rise(snapshot_value(last, 'pgsteal_kswapd'), snapshot_value(first, 'pgsteal_kswapd'))
		- rise(snapshot_value(last, 'pgsteal_direct'), snapshot_value(first, 'pgsteal_direct'))
		- coalesce(rise(snapshot_value(last, 'pgsteal_khugepaged'), snapshot_value(first, 'pgsteal_khugepaged')), 0)
		- coalesce(rise(snapshot_value(last, 'pgsteal_proactive'), snapshot_value(first, 'pgsteal_proactive')), 0)
	FROM seen
	WHERE :memcg
),
missed AS (
	SELECT session, sum(lost_rows) AS n
	FROM lost
	WHERE table_name = 'reclaim'
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
WHERE (table_name IS NULL OR table_name = 'reclaim')
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
