-- Reclaim, second by second, and who waited for it.
--
-- Milliseconds are of what ended in that second, summed over CPUs. S-SLAB
-- (shrinking slabs) lies inside of D-RECLAIM (direct), M-RECLAIM (memory
-- cgroups) and of what kswapd did. KSWAPD counts requests to wake kswapd, which
-- belong to no process; WRITEPAGE counts folios written out.
--
-- With --wide, second by second, of the whole host: how long kswapd ran, how
-- long reclaimers were held up and zones were compacted, in what ended in that
-- second; pages scanned and stolen by kswapd and by tasks themselves; KB read and
-- written, of files and of swap; pages that had been thrown out and were needed
-- again (refault). And who reclaimed for what.
--
--   wide   kswapd, throttling, compaction, page-in and page-out, refaults; by cgroup and order (off)

CREATE TEMP TABLE wall AS
SELECT
	s.session,
	max(s.start_ns, :from) AS from_ns,
	min(coalesce(e.ts_ns, s.start_ns), :to) AS to_ns,
	coalesce(c.offset_ns, 0) AS offset_ns
FROM session AS s
LEFT JOIN wall_clock AS c ON c.session = s.session
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

CREATE TEMP TABLE reading AS
SELECT
	session,
	ts_ns,
	lag(ts_ns) OVER earlier AS before_ns,
	scan_kswapd - lag(scan_kswapd) OVER earlier AS scan_kswapd,
	scan_direct - lag(scan_direct) OVER earlier AS scan_direct,
	steal_kswapd - lag(steal_kswapd) OVER earlier AS steal_kswapd,
	steal_direct - lag(steal_direct) OVER earlier AS steal_direct,
	steal - lag(steal) OVER earlier AS steal,
	in_kb - lag(in_kb) OVER earlier AS in_kb,
	out_kb - lag(out_kb) OVER earlier AS out_kb,
	(swap_in - lag(swap_in) OVER earlier) * page_kb AS swap_in_kb,
	(swap_out - lag(swap_out) OVER earlier) * page_kb AS swap_out_kb,
	refault_file - lag(refault_file) OVER earlier AS refault_file,
	refault_anon - lag(refault_anon) OVER earlier AS refault_anon
FROM (
	SELECT
		v.session,
		v.ts_ns,
		s.page_size_bytes / 1024 AS page_kb,
		snapshot_value(v.content_text, 'pgscan_kswapd') AS scan_kswapd,
		snapshot_value(v.content_text, 'pgscan_direct') AS scan_direct,
		snapshot_value(v.content_text, 'pgsteal_kswapd') AS steal_kswapd,
		snapshot_value(v.content_text, 'pgsteal_direct') AS steal_direct,
		snapshot_value(v.content_text, 'pgsteal_anon')
			+ snapshot_value(v.content_text, 'pgsteal_file') AS steal,
		snapshot_value(v.content_text, 'pgpgin') AS in_kb,
		snapshot_value(v.content_text, 'pgpgout') AS out_kb,
		snapshot_value(v.content_text, 'pswpin') AS swap_in,
		snapshot_value(v.content_text, 'pswpout') AS swap_out,
		snapshot_value(v.content_text, 'workingset_refault_file') AS refault_file,
		snapshot_value(v.content_text, 'workingset_refault_anon') AS refault_anon
	FROM snapshot_system AS v
	JOIN session AS s ON s.session = v.session
	WHERE v.path = '/proc/vmstat'
	AND v.ts_ns BETWEEN :from AND :to
	AND :wide
)
WINDOW earlier AS (PARTITION BY session ORDER BY ts_ns);

CREATE TEMP TABLE waited AS
SELECT session, ts_ns, duration_ns AS kswapd_ns, 0 AS throttle_ns, 0 AS compact_ns
FROM kswapd_run
WHERE ts_ns BETWEEN :from AND :to
AND :wide
UNION ALL
SELECT session, ts_ns, 0, duration_ns, 0
FROM throttle
WHERE ts_ns BETWEEN :from AND :to
AND :wide
UNION ALL
SELECT session, ts_ns, 0, 0, duration_ns
FROM compaction
WHERE ts_ns BETWEEN :from AND :to
AND :wide;

CREATE TEMP TABLE wide AS
SELECT
	v.*,
	coalesce(w.kswapd_ns, 0) AS kswapd_ns,
	coalesce(w.throttle_ns, 0) AS throttle_ns,
	coalesce(w.compact_ns, 0) AS compact_ns
FROM reading AS v
LEFT JOIN (
	SELECT
		v.session,
		v.ts_ns,
		sum(w.kswapd_ns) AS kswapd_ns,
		sum(w.throttle_ns) AS throttle_ns,
		sum(w.compact_ns) AS compact_ns
	FROM reading AS v
	JOIN waited AS w ON w.session = v.session AND w.ts_ns > v.before_ns AND w.ts_ns <= v.ts_ns
	GROUP BY v.session, v.ts_ns
) AS w ON w.session = v.session AND w.ts_ns = v.ts_ns
WHERE v.before_ns IS NOT NULL;

-- The whole host: what ended until TIME, since the line before
SELECT
	wall_time(ts_ns, session) AS TIME,
	kswapd_ns / 1000000 AS KSWAPDms,
	throttle_ns / 1000000 AS THROTTLEms,
	compact_ns / 1000000 AS COMPACTms,
	scan_kswapd AS "SCAN-K",
	steal_kswapd AS "STEAL-K",
	scan_direct AS "SCAN-D",
	steal_direct AS "STEAL-D",
	steal AS STEAL,
	max(in_kb - swap_in_kb, 0) AS "IN-FILE",
	swap_in_kb AS "IN-SWAP",
	max(out_kb - swap_out_kb, 0) AS "OUT-FILE",
	swap_out_kb AS "OUT-SWAP",
	refault_file AS "REFAULT-F",
	refault_anon AS "REFAULT-A"
FROM wide
ORDER BY session, ts_ns;

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

-- By cgroup, order and flags of the allocation
SELECT
	CASE r.kind WHEN 1 THEN 'direct' WHEN 2 THEN 'cgroup' END AS kind,
	count(*) AS reclaims,
	sum(r.duration_ns) / 1e6 AS total_ms,
	max(r.duration_ns) / 1e6 AS longest_ms,
	sum(r.reclaimed_pages) AS reclaimed_pages,
	r.allocation_order AS "order",
	gfp_text(r.gfp) AS gfp,
	g.path AS cgroup
FROM reclaim AS r
LEFT JOIN cgroup AS g ON g.id = r.cgroup_id
WHERE r.ts_ns BETWEEN :from AND :to
AND coalesce(r.process_id, 0) IN (SELECT process_id FROM selected)
AND :wide
GROUP BY r.session, r.kind, r.cgroup_id, r.allocation_order, r.gfp
ORDER BY sum(r.duration_ns) DESC, r.session, r.kind, r.cgroup_id, r.allocation_order, r.gfp;

-- kswapd, by node
SELECT
	node,
	count(*) AS runs,
	sum(rounds) AS rounds,
	sum(duration_ns) / 1e6 AS total_ms,
	max(duration_ns) / 1e6 AS longest_ms,
	max(allocation_order) AS greatest_order
FROM kswapd_run
WHERE ts_ns BETWEEN :from AND :to
AND 0 IN (SELECT process_id FROM selected)
AND :wide
GROUP BY session, node
ORDER BY session, node;

-- Held up while reclaiming, by process and reason
SELECT
	CASE t.reason
		WHEN 1 THEN 'writeback'
		WHEN 2 THEN 'too many isolated'
		WHEN 3 THEN 'no progress'
		WHEN 4 THEN 'congested'
	END AS reason,
	count(*) AS times,
	sum(t.duration_ns) / 1e6 AS total_ms,
	max(t.duration_ns) / 1e6 AS longest_ms,
	p.pid,
	p.comm
FROM throttle AS t
LEFT JOIN process AS p ON p.id = t.process_id
WHERE t.ts_ns BETWEEN :from AND :to
AND coalesce(t.process_id, 0) IN (SELECT process_id FROM selected)
AND :wide
GROUP BY t.session, t.process_id, t.reason
ORDER BY sum(t.duration_ns) DESC, t.session, t.process_id, t.reason;

-- This report is incomplete
SELECT printf(words, sum(n)) AS note
FROM gap
WHERE (
	table_name IS NULL
	OR table_name IN ('reclaim', 'shrink_total', 'kswapd_total', 'writepage_total')
	OR (:wide AND table_name IN ('kswapd', 'kswapd_run', 'throttle', 'compaction'))
)
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
