-- Compaction, zone by zone: pages moved together so that more of them lie in a row.
--
-- ORDER -1 is a whole zone. MIN, LOW and HIGH are the zone's watermarks and FREE
-- was free when it began, all in KB. WHY: for an allocation that waited for it,
-- by kcompactd, or because somebody asked (/proc/sys/vm/compact_memory).
--
--   top   so many compactions, the longest ones; and so many processes and stacks (20)

CREATE TEMP TABLE compacted AS
SELECT
	c.*,
	s.page_size_bytes / 1024 AS page_kb,
	CASE
		WHEN c.direct THEN 'allocation'
		WHEN p.comm GLOB 'kcompactd*' THEN 'kcompactd'
		ELSE 'asked'
	END AS why,
	p.pid,
	p.comm,
	row_number() OVER (ORDER BY c.duration_ns DESC, c.session, c.ts_ns, c.tid) AS place
FROM compaction AS c
LEFT JOIN session AS s ON s.session = c.session
LEFT JOIN process AS p ON p.id = c.process_id
WHERE c.ts_ns BETWEEN :from AND :to
AND coalesce(c.process_id, 0) IN (SELECT process_id FROM selected);

SELECT
	wall_time(ts_ns, session) AS TIME,
	comm AS COMM,
	pid AS PID,
	node AS NODE,
	CASE zone
		WHEN 1 THEN 'DMA'
		WHEN 2 THEN 'DMA32'
		WHEN 3 THEN 'Normal'
		WHEN 4 THEN 'HighMem'
		WHEN 5 THEN 'Movable'
		WHEN 6 THEN 'Device'
	END AS ZONE,
	allocation_order AS "ORDER",
	CASE mode WHEN 0 THEN 'ASYNC' WHEN 1 THEN 'SYNC_LIGHT' WHEN 2 THEN 'SYNC' END AS MODE,
	printf('%.3f', duration_ns / 1e6) AS "LAT(ms)",
	CASE status
		WHEN 1 THEN 'not_suitable_zone'
		WHEN 2 THEN 'skipped'
		WHEN 3 THEN 'deferred'
		WHEN 4 THEN 'no_suitable_page'
		WHEN 5 THEN 'continue'
		WHEN 6 THEN 'complete'
		WHEN 7 THEN 'partial_skipped'
		WHEN 8 THEN 'contended'
		WHEN 9 THEN 'success'
	END AS STATUS,
	min_pages * page_kb AS MIN,
	low_pages * page_kb AS LOW,
	high_pages * page_kb AS HIGH,
	free_pages * page_kb AS FREE,
	scanned_pages AS SCANNED,
	why AS WHY
FROM compacted
WHERE :top < 0
OR place <= :top
ORDER BY session, ts_ns, tid;

SELECT printf('Left out (--top): %,d compactions, %,.3f ms, none longer than %,.3f ms.',
	count(*), sum(duration_ns) / 1e6, max(duration_ns) / 1e6) AS note
FROM compacted
WHERE :top >= 0
AND place > :top
HAVING count(*) > 0;

SELECT 'No compaction.' AS note
WHERE NOT EXISTS (SELECT 1 FROM compacted);

-- By process
SELECT
	count(*) AS compactions,
	sum(duration_ns) / 1e6 AS total_ms,
	max(duration_ns) / 1e6 AS longest_ms,
	sum(status = 9) AS succeeded,
	sum(scanned_pages) AS scanned_pages,
	why,
	pid,
	comm
FROM compacted
GROUP BY session, process_id, why
ORDER BY sum(duration_ns) DESC, session, process_id, why
LIMIT coalesce(:top, -1);

-- By stack of the targets
SELECT
	sum(c.duration_ns) / 1000 AS total_us,
	count(*) AS compactions,
	max(c.duration_ns) / 1e6 AS longest_ms,
	c.pid,
	c.comm,
	t.folded AS stack,
	t.places
FROM compacted AS c
JOIN stack_text AS t ON t.stack_id = c.stack_id
GROUP BY c.session, c.process_id, c.stack_id
ORDER BY sum(c.duration_ns) DESC, c.session, c.process_id, c.stack_id
LIMIT coalesce(:top, -1);

-- Coverage: between the first and the last snapshot, against the kernel's own counts
WITH seen AS (
	SELECT
		v.session,
		v.first,
		v.last,
		coalesce(sum(c.scanned_pages), 0) AS scanned,
		coalesce(sum(c.free_scanned_pages), 0) AS free_scanned
	FROM vmstat_period AS v
	LEFT JOIN compacted AS c ON c.session = v.session AND c.ts_ns BETWEEN v.from_ns + 1 AND v.to_ns
	GROUP BY v.session
),
pair AS (
	SELECT 1 AS place, 'pages looked at to be moved' AS what, session, scanned AS seen, rise(snapshot_value(last, 'compact_migrate_scanned'), snapshot_value(first, 'compact_migrate_scanned')) AS counted
	FROM seen
	UNION ALL
	SELECT 2, 'pages looked at for room', session, free_scanned, rise(snapshot_value(last, 'compact_free_scanned'), snapshot_value(first, 'compact_free_scanned'))
	FROM seen
),
missed AS (
	SELECT session, sum(lost_rows) AS n
	FROM lost
	WHERE table_name = 'compaction'
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
WHERE (table_name IS NULL OR table_name = 'compaction')
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
