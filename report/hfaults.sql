-- Huge pages: faults that got one, small pages that were collapsed into one, and what became of them.
--
-- COUNT is of faults in memory of hugetlb, of the targets; counted by whole
-- seconds, so a window is widened to them. Transparent huge pages are counted on
-- the whole host, by process; stacks are of the targets. A collapse belongs to the process whose pages they are, BY is who
-- did it: khugepaged, or a process that asked for it (MADV_COLLAPSE). Splits
-- and failures are known of the whole host only.
--
--   top   so many processes and stacks (20)

CREATE TEMP TABLE huge AS
SELECT session, ts_ns, process_id, stack_id, faults, collapse_allocations, swapped_out
FROM huge_total
WHERE ts_ns BETWEEN :from AND :to
AND coalesce(process_id, 0) IN (SELECT process_id FROM selected);

CREATE TEMP TABLE collapse AS
SELECT session, ts_ns, process_id, by_process_id, status, succeeded
FROM huge_collapse
WHERE ts_ns BETWEEN :from AND :to
AND (
	coalesce(process_id, 0) IN (SELECT process_id FROM selected)
	OR coalesce(by_process_id, 0) IN (SELECT process_id FROM selected)
);

CREATE TEMP TABLE hugetlb_fault AS
SELECT session, process_id, stack_id, sum(n) AS faults
FROM fault_sum
WHERE bucket_ns BETWEEN :from - 999999999 AND :to
AND class = 6
AND coalesce(process_id, 0) IN (SELECT process_id FROM selected)
GROUP BY session, process_id, stack_id;

SELECT p.pid AS PID, p.comm AS COMM, sum(h.faults) AS COUNT
FROM hugetlb_fault AS h
LEFT JOIN process AS p ON p.id = h.process_id
GROUP BY h.session, h.process_id
ORDER BY sum(h.faults) DESC, h.session, h.process_id
LIMIT coalesce(:top, -1);

SELECT 'No fault in memory of hugetlb.' AS note
WHERE NOT EXISTS (SELECT 1 FROM hugetlb_fault);

-- Transparent huge pages, by process
SELECT
	p.pid AS PID,
	p.comm AS COMM,
	sum(h.faults) AS FAULTS,
	sum(h.collapses) AS COLLAPSES,
	sum(h.swapped_out) AS SWAPPED
FROM (
	SELECT session, process_id, faults, 0 AS collapses, swapped_out
	FROM huge
	UNION ALL
	SELECT session, process_id, 0, succeeded, 0
	FROM collapse
) AS h
LEFT JOIN process AS p ON p.id = h.process_id
GROUP BY h.session, h.process_id
HAVING sum(h.faults) + sum(h.collapses) + sum(h.swapped_out) > 0
ORDER BY sum(h.faults) DESC, sum(h.collapses) DESC, h.session, h.process_id
LIMIT coalesce(:top, -1);

SELECT 'No transparent huge page was made.' AS note
WHERE NOT EXISTS (SELECT 1 FROM huge)
AND NOT EXISTS (SELECT 1 FROM collapse);

-- Collapses, by who did them; status is the kernel's enum scan_result
SELECT
	sum(c.succeeded) AS succeeded,
	count(*) - sum(c.succeeded) AS failed,
	iif(c.succeeded, NULL, c.status) AS status,
	p.pid,
	p.comm,
	b.comm AS by
FROM collapse AS c
LEFT JOIN process AS p ON p.id = c.process_id
LEFT JOIN process AS b ON b.id = c.by_process_id
GROUP BY c.session, c.process_id, c.by_process_id, iif(c.succeeded, NULL, c.status)
ORDER BY count(*) DESC, c.session, c.process_id, c.by_process_id, c.status
LIMIT coalesce(:top, -1);

-- Huge pages, by stack of the targets
SELECT
	sum(h.hugetlb + h.faults + h.collapses) AS huge_pages,
	sum(h.hugetlb) AS hugetlb_faults,
	sum(h.faults) AS transparent,
	sum(h.collapses) AS for_collapse,
	p.pid,
	p.comm,
	t.folded AS stack,
	t.places
FROM (
	SELECT session, process_id, stack_id, 0 AS hugetlb, faults, collapse_allocations AS collapses
	FROM huge
	UNION ALL
	SELECT session, process_id, stack_id, faults, 0, 0
	FROM hugetlb_fault
) AS h
JOIN stack_text AS t ON t.stack_id = h.stack_id
LEFT JOIN process AS p ON p.id = h.process_id
GROUP BY h.session, h.process_id, h.stack_id
HAVING sum(h.hugetlb + h.faults + h.collapses) > 0
ORDER BY sum(h.hugetlb + h.faults + h.collapses) DESC, h.session, h.process_id, h.stack_id
LIMIT coalesce(:top, -1);

CREATE TEMP TABLE huge_counter AS
WITH name(place, name, what) AS (
	VALUES
		(1, 'thp_fault_alloc', 'faults that got a huge page'),
		(2, 'thp_fault_fallback', 'faults that got small pages instead'),
		(3, 'thp_collapse_alloc', 'huge pages made to collapse small ones into'),
		(4, 'thp_collapse_alloc_failed', 'of these, could not be made'),
		(5, 'thp_split_page', 'huge pages split'),
		(6, 'thp_split_page_failed', 'of these, could not be split'),
		(7, 'thp_deferred_split_page', 'huge pages partly unmapped, to be split when memory is needed'),
		(8, 'thp_split_pmd', 'mappings of huge pages split'),
		(9, 'thp_zero_page_alloc', 'huge pages of zeroes'),
		(10, 'thp_swpout', 'written to swap whole'),
		(11, 'thp_swpout_fallback', 'split to be written to swap')
)
SELECT
	v.session,
	v.from_ns,
	v.to_ns,
	n.place,
	n.name,
	n.what,
	rise(snapshot_value(v.last, n.name), snapshot_value(v.first, n.name)) AS counted
FROM vmstat_period AS v
CROSS JOIN name AS n
WHERE 0 IN (SELECT process_id FROM selected);

-- The whole host, between the first and the last snapshot
SELECT counted AS count, what, name AS counter
FROM huge_counter
WHERE counted > 0
ORDER BY session, place;

-- Coverage: against the kernel's own counts
WITH seen AS (
	SELECT c.session, 1 AS place, sum(h.faults) AS seen
	FROM huge_counter AS c
	JOIN huge AS h ON h.session = c.session AND h.ts_ns BETWEEN c.from_ns + 1 AND c.to_ns
	WHERE c.place = 1
	GROUP BY c.session
	UNION ALL
	SELECT c.session, 3, sum(h.collapse_allocations)
	FROM huge_counter AS c
	JOIN huge AS h ON h.session = c.session AND h.ts_ns BETWEEN c.from_ns + 1 AND c.to_ns
	WHERE c.place = 3
	GROUP BY c.session
),
missed AS (
	SELECT session, sum(lost_rows) AS n
	FROM lost
	WHERE table_name IN ('huge_total', 'huge')
	AND begin_ns <= :to
	AND ts_ns >= :from
	GROUP BY session
)
SELECT
	c.what,
	coalesce(s.seen, 0) AS seen,
	coalesce(l.n, 0) AS lost_rows,
	c.counted,
	100.0 * coalesce(s.seen, 0) / c.counted AS coverage_pct
FROM huge_counter AS c
LEFT JOIN seen AS s ON s.session = c.session AND s.place = c.place
LEFT JOIN missed AS l ON l.session = c.session
WHERE c.place IN (1, 3)
AND coalesce(s.seen, 0) + c.counted > 0
ORDER BY c.session, c.place;

-- This report is incomplete
SELECT printf(words, sum(n)) AS note
FROM gap
WHERE (table_name IS NULL OR table_name IN ('huge_total', 'huge_collapse', 'fault', 'huge'))
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
