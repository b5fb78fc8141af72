-- Page faults, by the user stack that caused them.
--
-- Faults are counted by whole seconds: a window is widened to them. What is
-- neither minor nor major, or neither read nor write, is not known to be either
-- (or fetched an instruction). total_ms is the time until they were handled.
--
--   top      so many stacks (20)
--   memory   only in memory of this class, as it is called below, e.g. heap (all)

CREATE TEMP TABLE fault_site AS
SELECT
	*,
	row_number() OVER (ORDER BY faults DESC, major DESC, session, process_id, stack_id) AS place
FROM (
	SELECT
		session,
		process_id,
		stack_id,
		sum(n) AS faults,
		sum(iif(kind = 1, n, 0)) AS minor,
		sum(iif(kind = 2, n, 0)) AS major,
		sum(iif(access = 1, n, 0)) AS "read",
		sum(iif(access = 2, n, 0)) AS "write",
		nullif(sum(sum_latency_ns), 0) / 1e6 AS total_ms
	FROM fault_sum
	WHERE bucket_ns BETWEEN :from - 999999999 AND :to
	AND coalesce(process_id, 0) IN (SELECT process_id FROM selected)
	AND (:memory = 'all' OR class = (SELECT class FROM memory_class WHERE name = :memory))
	GROUP BY session, process_id, stack_id
);

SELECT f.faults, f.minor, f.major, f.read, f.write, f.total_ms, p.pid, p.comm, t.folded AS stack, t.places
FROM fault_site AS f
LEFT JOIN process AS p ON p.id = f.process_id
LEFT JOIN stack_text AS t ON t.stack_id = f.stack_id
WHERE :top < 0 OR f.place <= :top
ORDER BY f.place;

SELECT printf('Left out (--top): %,d faults (stacks: %,d).', sum(faults), count(*)) AS note
FROM fault_site
WHERE :top >= 0
AND place > :top
HAVING count(*) > 0;

SELECT iif(:memory = 'all', 'No page fault was recorded.', 'No page fault of that memory was recorded.') AS note
WHERE NOT EXISTS (SELECT 1 FROM fault_site);

-- By memory: what was mapped at the address
SELECT
	coalesce(c.name, 'not known') AS memory,
	s.faults,
	s.minor,
	s.major,
	s.huge,
	100.0 * s.faults / sum(s.faults) OVER () AS faults_pct,
	s.total_ns / 1e6 AS total_ms,
	s.total_ns / 1e3 / s.faults AS mean_us
FROM (
	SELECT
		class,
		sum(n) AS faults,
		sum(iif(kind = 1, n, 0)) AS minor,
		sum(iif(kind = 2, n, 0)) AS major,
		sum(iif(huge = 1, n, 0)) * (SELECT told FROM fault_tells_huge) AS huge,
		nullif(sum(sum_latency_ns), 0) AS total_ns
	FROM fault_sum
	WHERE bucket_ns BETWEEN :from - 999999999 AND :to
	AND coalesce(process_id, 0) IN (SELECT process_id FROM selected)
	GROUP BY class
) AS s
LEFT JOIN memory_class AS c ON c.class = s.class
ORDER BY s.faults DESC, s.class;

-- By latency: how long faults took to be handled
SELECT
	printf('%,.1f - %,.1f', (1 << log2_latency_ns) / 1e3, (2 << log2_latency_ns) / 1e3) AS latency_us,
	sum(n) AS faults,
	sum(iif(kind = 1, n, 0)) AS minor,
	sum(iif(kind = 2, n, 0)) AS major,
	sum(sum_latency_ns) / 1e6 AS total_ms
FROM fault_latency
WHERE bucket_ns BETWEEN :from - 999999999 AND :to
AND log2_latency_ns IS NOT NULL
AND coalesce(process_id, 0) IN (SELECT process_id FROM selected)
GROUP BY log2_latency_ns
ORDER BY log2_latency_ns;

-- Coverage: rows, lost rows and faults that the kernel made, against the kernel's own count
WITH program AS (
	SELECT id, host_id, pid, start_ticks, exec_count, comm, faults_before
	FROM process
	WHERE target = 1
	AND id IN (SELECT process_id FROM selected)
	AND :from = 0
	AND :to = 9223372036854775807
	AND :memory = 'all'
),
seen AS (
	SELECT process_id, sum(faults) AS n
	FROM fault_site
	GROUP BY process_id
),
total AS (
	SELECT process_id, sum(handled_faults) AS handled, sum(software_faults) AS software
	FROM fault_total
	WHERE ts_ns BETWEEN :from AND :to
	GROUP BY process_id
),
thread AS (
	SELECT process_id, sum(minor_faults + major_faults) AS faults, sum(last) AS ended
	FROM exit
	WHERE ts_ns BETWEEN :from AND :to
	GROUP BY process_id
),
life AS (
	SELECT
		max(g.exec_count) AS programs,
		g.host_id,
		g.pid,
		g.start_ticks,
		g.comm,
		sum(coalesce(s.n, 0)) AS "rows",
		sum(t.software) - sum(coalesce(s.n, 0)) AS lost,
		sum(t.handled) - sum(t.software) AS kernel_made,
		iif(sum(e.ended) > 0, sum(e.faults) - sum(g.faults_before), NULL) AS counted
	FROM program AS g
	LEFT JOIN seen AS s ON s.process_id = g.id
	LEFT JOIN total AS t ON t.process_id = g.id
	LEFT JOIN thread AS e ON e.process_id = g.id
	GROUP BY g.host_id, g.pid, g.start_ticks
)
SELECT
	pid,
	comm,
	"rows",
	lost,
	kernel_made,
	"rows" + coalesce(lost, 0) + coalesce(kernel_made, 0) AS sum,
	counted,
	100.0 * ("rows" + coalesce(lost, 0) + coalesce(kernel_made, 0)) / counted AS coverage_pct
FROM life
ORDER BY "rows" DESC, pid, start_ticks, host_id;

-- This report is incomplete
SELECT printf(words, sum(n)) AS note
FROM gap
WHERE (table_name IS NULL OR table_name = 'fault')
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
