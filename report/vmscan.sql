-- Reclaim, second by second, and who waited for it.
--
-- Milliseconds are of what ended in that second, summed over CPUs. S-SLAB
-- (shrinking slabs) lies inside of D-RECLAIM (direct), M-RECLAIM (memory
-- cgroups) and of what kswapd did. KSWAPD counts requests to wake kswapd, which
-- belong to no process; WRITEPAGE counts folios written out.

CREATE TEMP TABLE wall AS
SELECT
	s.session,
	max(s.start_ns, :from) AS from_ns,
	min(coalesce(e.ts_ns, s.start_ns), :to) AS to_ns,
	coalesce(c.offset_ns, 0) AS offset_ns
FROM session AS s
LEFT JOIN (
	SELECT session, min(ts_ns), realtime_ns - ts_ns AS offset_ns
	FROM clock
	GROUP BY session
) AS c ON c.session = s.session
LEFT JOIN (
	SELECT session, max(ts_ns) AS ts_ns
	FROM (
		SELECT session, ts_ns FROM clock
		UNION ALL
		SELECT session, ts_ns FROM snapshot_tick
		UNION ALL
		SELECT session, ts_ns FROM end
	)
	GROUP BY session
) AS e ON e.session = s.session;

CREATE TEMP TABLE scan AS
SELECT
	w.session,
	(e.ts_ns + w.offset_ns) / 1000000000 AS second,
	sum(e.slab_ns) AS slab_ns,
	sum(e.direct_ns) AS direct_ns,
	sum(e.cgroup_ns) AS cgroup_ns,
	sum(e.wakeups) AS wakeups,
	sum(e.folios) AS folios
FROM (
	SELECT
		session,
		ts_ns,
		duration_ns AS slab_ns,
		0 AS direct_ns,
		0 AS cgroup_ns,
		0 AS wakeups,
		0 AS folios
	FROM shrink_total
	WHERE ts_ns BETWEEN :from AND :to
	AND coalesce(process_id, 0) IN (SELECT process_id FROM selected)
	UNION ALL
	SELECT session, ts_ns, 0, iif(kind = 1, duration_ns, 0), iif(kind = 2, duration_ns, 0), 0, 0
	FROM reclaim
	WHERE ts_ns BETWEEN :from AND :to
	AND coalesce(process_id, 0) IN (SELECT process_id FROM selected)
	UNION ALL
	SELECT session, ts_ns, 0, 0, 0, wakeups, 0
	FROM kswapd_total
	WHERE ts_ns BETWEEN :from AND :to
	UNION ALL
	SELECT session, ts_ns, 0, 0, 0, 0, folios
	FROM writepage_total
	WHERE ts_ns BETWEEN :from AND :to
	AND coalesce(process_id, 0) IN (SELECT process_id FROM selected)
) AS e
JOIN wall AS w ON w.session = e.session
GROUP BY w.session, second;

WITH RECURSIVE span AS (
	SELECT
		w.session,
		w.offset_ns,
		min((w.from_ns + w.offset_ns) / 1000000000, coalesce(s.first, 1 << 62)) AS first,
		max((w.to_ns + w.offset_ns) / 1000000000, coalesce(s.last, 0)) AS last
	FROM wall AS w
	LEFT JOIN (
		SELECT session, min(second) AS first, max(second) AS last
		FROM scan
		GROUP BY session
	) AS s ON s.session = w.session
	WHERE w.from_ns <= w.to_ns
	OR s.session IS NOT NULL
),
-- A year at most, whatever the clocks of a damaged recording say.
clock_second(session, offset_ns, second, last) AS (
	SELECT session, offset_ns, first, last
	FROM span
	UNION ALL
	SELECT session, offset_ns, second + 1, last
	FROM clock_second
	WHERE second < last
	LIMIT 31622400
)
SELECT
	wall_time(c.second * 1000000000 + 500000000 - c.offset_ns, c.session) AS TIME,
	coalesce(s.slab_ns, 0) / 1000000 AS "S-SLABms",
	coalesce(s.direct_ns, 0) / 1000000 AS "D-RECLAIMms",
	coalesce(s.cgroup_ns, 0) / 1000000 AS "M-RECLAIMms",
	iif(0 IN (SELECT process_id FROM selected), coalesce(s.wakeups, 0), NULL) AS KSWAPD,
	coalesce(s.folios, 0) AS WRITEPAGE
FROM clock_second AS c
LEFT JOIN scan AS s ON s.session = c.session AND s.second = c.second
ORDER BY c.session, c.second;

-- By process
SELECT
	CASE r.kind WHEN 1 THEN 'direct' WHEN 2 THEN 'cgroup' END AS kind,
	count(*) AS reclaims,
	sum(r.duration_ns) / 1e6 AS total_ms,
	max(r.duration_ns) / 1e6 AS longest_ms,
	sum(r.reclaimed_pages) AS reclaimed_pages,
	p.pid,
	p.comm
FROM reclaim AS r
LEFT JOIN process AS p ON p.id = r.process_id
WHERE r.ts_ns BETWEEN :from AND :to
AND coalesce(r.process_id, 0) IN (SELECT process_id FROM selected)
GROUP BY r.session, r.process_id, r.kind
ORDER BY sum(r.duration_ns) DESC, r.session, r.process_id, r.kind;

-- This report is incomplete
SELECT note
FROM (
	SELECT
		0 AS place,
		'' AS detail,
		printf('Blocks of the trace that are damaged or missing: %,d. What they held is not seen.',
			sum(value)) AS note
	FROM info
	WHERE key IN ('damaged_blocks', 'missing_blocks')
	HAVING sum(value) > 0
	UNION ALL
	SELECT
		1,
		table_name || ' ' || cause,
		printf('Lost rows of %s (%s): %,d.', table_name, cause, sum(lost_rows))
	FROM loss
	WHERE table_name IN ('reclaim', 'shrink_total', 'kswapd_total', 'writepage_total')
	AND cause <> 'late'
	AND lost_rows > 0
	AND begin_ns <= :to
	AND ts_ns >= :from
	GROUP BY table_name, cause
	UNION ALL
	SELECT
		3,
		printf('%20d', session),
		printf('The recording of %s has no end: what happened after its last row is not seen.', host)
	FROM session
	WHERE session NOT IN (SELECT session FROM end)
)
ORDER BY place, detail;
