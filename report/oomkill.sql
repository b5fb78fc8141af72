-- The OOM killer: who asked for memory, and who was killed for it.
--
-- PAGES is what the tool of this name prints: not what the victim had, but what
-- the killer weighed it against, which is RAM and swap or the limit of a memory
-- cgroup. Where the kernel did not tell it, it is taken from the limit of the
-- cgroup that was full, or from /proc/meminfo. A victim may have been about to
-- exit anyway: the coverage has the kernel's count of those that it killed.

CREATE TEMP TABLE kill AS
SELECT
	o.*,
	s.page_size_bytes / 1024 AS page_kb,
	p.pid AS trigger_pid,
	p.comm AS trigger_comm,
	v.pid AS victim_pid,
	v.comm AS victim_comm,
	row_number() OVER (ORDER BY o.session, o.ts_ns, o.victim_tid) AS nth
FROM oom AS o
LEFT JOIN session AS s ON s.session = o.session
LEFT JOIN process AS p ON p.id = o.process_id
LEFT JOIN process AS v ON v.id = o.victim_process_id
WHERE o.ts_ns BETWEEN :from AND :to
AND (
	coalesce(o.process_id, 0) IN (SELECT process_id FROM selected)
	OR coalesce(o.victim_process_id, 0) IN (SELECT process_id FROM selected)
);

CREATE TEMP TABLE host_pages AS
SELECT
	session,
	max(snapshot_value(content_text, 'MemTotal') + snapshot_value(content_text, 'SwapTotal')) AS kb
FROM snapshot_system
WHERE path = '/proc/meminfo'
AND ts_ns BETWEEN :from AND :to
GROUP BY session;

SELECT
	k.nth AS "#",
	wall_time(k.ts_ns, k.session) AS TIME,
	k.trigger_pid AS FPID,
	k.trigger_comm AS FCOMM,
	k.victim_pid AS TPID,
	k.victim_comm AS TCOMM,
	coalesce(k.total_pages, k.limit_pages, h.kb / k.page_kb) AS PAGES
FROM kill AS k
LEFT JOIN host_pages AS h ON h.session = k.session
ORDER BY k.nth;

SELECT 'The OOM killer did not run.' AS note
WHERE NOT EXISTS (SELECT 1 FROM kill);

-- The victims, in KB, when they were chosen
SELECT
	k.nth AS "#",
	k.victim_pid AS pid,
	k.victim_comm AS comm,
	k.anon_pages * k.page_kb AS anon,
	k.file_pages * k.page_kb AS file,
	k.shmem_pages * k.page_kb AS shmem,
	k.swap_pages * k.page_kb AS swap,
	k.page_table_bytes / 1024 AS page_tables,
	k.virtual_pages * k.page_kb AS virtual,
	k.oom_score_adj,
	g.path AS cgroup,
	CASE
		WHEN v.target IS NOT 1 THEN NULL
		WHEN e.ts_ns IS NULL THEN 'not seen to end'
		ELSE printf('after %.3f ms', (e.ts_ns - k.ts_ns) / 1e6)
	END AS gone
FROM kill AS k
LEFT JOIN process AS v ON v.id = k.victim_process_id
LEFT JOIN cgroup AS g ON g.id = k.cgroup_id
LEFT JOIN (
	SELECT process_id, max(ts_ns) AS ts_ns
	FROM exit
	WHERE last = 1
	AND ts_ns BETWEEN :from AND :to
	GROUP BY process_id
) AS e ON e.process_id = k.victim_process_id
ORDER BY k.nth;

-- What could not be allocated, and which memory cgroup was full, in KB
SELECT
	k.nth AS "#",
	k.trigger_pid AS pid,
	k.trigger_comm AS comm,
	iif(k.gfp IS NULL, NULL, k.allocation_order) AS allocation_order,
	gfp_text(k.gfp) AS gfp,
	coalesce(g.path, '[whole host]') AS cgroup,
	k.limit_pages * k.page_kb AS "limit",
	k.usage_pages * k.page_kb AS usage
FROM kill AS k
LEFT JOIN cgroup AS g ON g.id = k.limit_cgroup_id
ORDER BY k.nth;

-- Where the allocation was, of the targets
SELECT count(*) AS kills, k.trigger_pid AS pid, k.trigger_comm AS comm, t.folded AS stack, t.places
FROM kill AS k
JOIN stack_text AS t ON t.stack_id = k.stack_id
GROUP BY k.session, k.process_id, k.stack_id
ORDER BY count(*) DESC, k.session, k.process_id, k.stack_id;

-- Coverage: between the first and the last snapshot, against the kernel's own count
WITH seen AS (
	SELECT v.session, v.first, v.last, count(k.ts_ns) AS kills
	FROM vmstat_period AS v
	LEFT JOIN kill AS k ON k.session = v.session AND k.ts_ns BETWEEN v.from_ns + 1 AND v.to_ns
	GROUP BY v.session
),
pair AS (
	SELECT 1 AS place, 'victims' AS what, session, kills AS seen, rise(snapshot_value(last, 'oom_kill'), snapshot_value(first, 'oom_kill')) AS counted
	FROM seen
),
missed AS (
	SELECT session, sum(lost_rows) AS n
	FROM lost
	WHERE table_name = 'oom'
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
WHERE (table_name IS NULL OR table_name = 'oom')
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
