-- The reports of the out-of-memory killer in the kernel's log, taken apart.
--
-- Also of a log without a recording: memtape report oom-report --kmsg FILE, with
-- the output of dmesg or journalctl -k. points are the kernel's: resident, swapped
-- and page table pages, and oom_score_adj thousandths of what there is; the task
-- with the most is chosen. With `of` and `adj`, what they would have been.
--
--   report  only the report of this number
--   of      a process id, whose oom_score_adj is taken to be:
--   adj     -1000 to 1000; -1000 is never chosen (0)
--   top     so many tasks of a report (20)

CREATE TEMP TABLE fact AS
SELECT session, ts_ns, stamp_us, sequence, report, kind, number, name, value, text, unit
FROM oom_fact
WHERE ts_ns BETWEEN :from AND :to
AND (:report IS NULL OR report = :report);

CREATE TEMP TABLE swap AS
SELECT session, max(SwapTotal) AS kb
FROM meminfo
WHERE ts_ns BETWEEN :from AND :to
GROUP BY session;

CREATE TEMP TABLE event AS
SELECT
	session,
	report,
	min(stamp_us) AS stamp_us,
	max(iif(kind = 'trigger' AND name = 'comm', text, NULL)) AS trigger_comm,
	max(iif(kind = 'trigger' AND name = 'pid', value, NULL)) AS trigger_pid,
	max(iif(kind = 'trigger' AND name = 'order', value, NULL)) AS allocation_order,
	max(iif(kind = 'trigger' AND name = 'gfp_mask', text, NULL)) AS gfp,
	max(iif(kind = 'kill' AND name = 'constraint', text, NULL)) AS "constraint",
	max(iif(kind = 'kill' AND name = 'oom_memcg', text, NULL)) AS oom_memcg,
	max(iif(kind = 'kill' AND name = 'task_memcg', text, NULL)) AS task_memcg,
	max(iif(kind = 'kill' AND name = 'message', text, NULL)) AS message,
	max(iif(kind = 'limit' AND name = 'memory.usage', value, NULL)) AS usage_kb,
	max(iif(kind = 'limit' AND name = 'memory.limit', value, NULL)) AS limit_kb,
	max(iif(kind = 'limit' AND name = 'memory.failcnt', value, NULL)) AS failures,
	max(iif(kind = 'limit' AND name = 'swap.limit', value, NULL)) AS swap_limit_kb,
	max(iif(kind = 'limit' AND name = 'memory+swap.limit', value, NULL)) AS both_limit_kb,
	max(iif(kind = 'memory' AND name = 'pages RAM', value, NULL)) AS ram_pages,
	coalesce(max(iif(kind = 'memory' AND name = 'pages reserved', value, NULL)), 0) AS reserved_pages,
	coalesce(
		max(iif(kind = 'memory' AND name = 'Total swap', value, NULL)),
		-- The report of a cgroup does not say how much swap there is.
		(SELECT kb FROM swap WHERE swap.session = fact.session),
		iif(sum(iif(kind = 'task' AND name = 'swapents', value, 0)) = 0, 0, NULL)
	) AS swap_kb,
	max(iif(kind = 'killed', number, NULL)) AS victim_pid,
	max(iif(kind = 'chosen', number, NULL)) AS chosen_pid,
	max(iif(kind = 'killed' AND name = 'comm', text, NULL)) AS victim,
	max(iif(kind = 'killed' AND name = 'total-vm', value, NULL)) AS total_vm_kb,
	max(iif(kind = 'killed' AND name = 'anon-rss', value, NULL)) AS anon_kb,
	max(iif(kind = 'killed' AND name = 'file-rss', value, NULL)) AS file_kb,
	max(iif(kind = 'killed' AND name = 'shmem-rss', value, NULL)) AS shmem_kb,
	max(iif(kind = 'killed' AND name = 'pgtables', value, NULL)) AS pgtables_kb,
	max(iif(kind = 'killed' AND name = 'oom_score_adj', value, NULL)) AS adj
FROM fact
GROUP BY session, report;

-- What a task's points are measured by: the host's memory and swap, or the cgroup's limit and the
-- swap that it may use.
CREATE TEMP TABLE measure AS
SELECT
	e.session,
	e.report,
	s.page_size_bytes / 1024 AS page_kb,
	CASE
		WHEN e.limit_kb IS NOT NULL THEN (e.limit_kb + min(
			coalesce(e.swap_limit_kb, e.both_limit_kb - e.limit_kb, 0),
			coalesce(e.swap_kb, iif(coalesce(e.swap_limit_kb, e.both_limit_kb) < 9000000000000000, 1 << 60, NULL))
		)) / (s.page_size_bytes / 1024)
		ELSE e.ram_pages - e.reserved_pages + e.swap_kb / (s.page_size_bytes / 1024)
	END AS pages
FROM event AS e
JOIN session AS s ON s.session = e.session;

CREATE TEMP TABLE task AS
SELECT
	f.session,
	f.report,
	f.number AS pid,
	max(iif(f.name = 'name', f.text, NULL)) AS name,
	max(iif(f.name = 'uid', f.value, NULL)) AS uid,
	max(iif(f.name = 'total_vm', f.value, NULL)) AS vm,
	max(iif(f.name = 'rss', f.value, NULL)) AS rss,
	max(iif(f.name = 'rss_anon', f.value, NULL)) AS rss_anon,
	max(iif(f.name = 'rss_file', f.value, NULL)) AS rss_file,
	max(iif(f.name = 'rss_shmem', f.value, NULL)) AS rss_shmem,
	max(iif(f.name = 'swapents', f.value, NULL)) AS swap,
	coalesce(
		max(iif(f.name = 'pgtables_bytes', f.value, NULL)) / (m.page_kb * 1024),
		max(iif(f.name = 'nr_ptes', f.value, NULL)) + coalesce(max(iif(f.name = 'nr_pmds', f.value, NULL)), 0)
	) AS tables,
	max(iif(f.name = 'oom_score_adj', f.value, NULL)) AS adj,
	m.page_kb,
	m.pages
FROM fact AS f
JOIN measure AS m ON m.session = f.session AND m.report = f.report
WHERE f.kind = 'task'
GROUP BY f.session, f.report, f.number;

CREATE TEMP TABLE scored AS
SELECT
	*,
	iif(adj > -1000, own + iif(adj = 0, 0, adj * (pages / 1000)), NULL) AS points,
	CASE
		WHEN pid = :of AND :adj <= -1000 THEN NULL
		WHEN pid = :of THEN own + iif(:adj = 0, 0, :adj * (pages / 1000))
		WHEN adj > -1000 THEN own + iif(adj = 0, 0, adj * (pages / 1000))
	END AS other_points
FROM (
	SELECT *, rss + coalesce(swap, 0) + coalesce(tables, 0) AS own
	FROM task
);

CREATE TEMP TABLE ranked AS
SELECT
	*,
	row_number() OVER (PARTITION BY session, report ORDER BY points IS NULL, points DESC, pid) AS place,
	row_number() OVER (PARTITION BY session, report ORDER BY other_points IS NULL, other_points DESC, pid) AS other_place
FROM scored;

SELECT
	report,
	iif(stamp_us IS NULL, NULL, printf('%.6f', stamp_us / 1e6)) AS stamp,
	trigger_comm AS "trigger",
	trigger_pid,
	allocation_order AS "order",
	coalesce(oom_memcg, "constraint", message) AS "where",
	usage_kb,
	limit_kb,
	coalesce(victim, '-') AS victim,
	victim_pid,
	anon_kb,
	file_kb,
	shmem_kb,
	pgtables_kb,
	adj,
	gfp
FROM event
ORDER BY session, report;

-- Why this victim: tasks by their points
SELECT
	report,
	iif(r.pid = coalesce(e.victim_pid, e.chosen_pid), 'killed', '') AS fate,
	r.points,
	1000 * r.points / nullif(r.pages, 0) AS permille,
	r.pid,
	r.name AS comm,
	r.uid,
	r.rss * r.page_kb AS rss_kb,
	r.rss_anon * r.page_kb AS anon_kb,
	r.rss_file * r.page_kb AS file_kb,
	r.rss_shmem * r.page_kb AS shmem_kb,
	r.swap * r.page_kb AS swap_kb,
	r.tables * r.page_kb AS tables_kb,
	r.adj
FROM ranked AS r
JOIN event AS e USING (session, report)
WHERE :top < 0
OR r.place <= :top
OR r.pid = e.victim_pid
ORDER BY r.session, report, r.place;

-- With another oom_score_adj
SELECT
	report,
	r.name || ' (' || r.pid || ')' AS would_be_killed,
	r.other_points AS points,
	e.victim || ' (' || e.victim_pid || ')' AS was_killed
FROM ranked AS r
JOIN event AS e USING (session, report)
WHERE :of IS NOT NULL
AND r.other_place = 1
ORDER BY r.session, report;

-- Memory (of one report)
SELECT report, kind, number AS node, name, value, unit
FROM fact
WHERE kind IN ('memory', 'limit', 'cgroup', 'node', 'zone')
AND name <> 'blocks'
AND value IS NOT NULL
AND value <> 0
AND (SELECT count(*) FROM event) = 1
ORDER BY session, report, rowid;

-- Lines that were not understood
SELECT printf('%d: ', report) || text AS note
FROM fact
WHERE kind = 'other'
ORDER BY session, report, rowid;

-- What is not seen
SELECT note
FROM (
	SELECT 'The kernel''s log holds no report of the out-of-memory killer in this window.' AS note
	WHERE NOT EXISTS (SELECT 1 FROM event)
	UNION ALL
	SELECT printf('Report %d has no table of tasks: the log is cut, or vm.oom_dump_tasks is off.', e.report)
	FROM event AS e
	WHERE NOT EXISTS (SELECT 1 FROM task AS t WHERE t.session = e.session AND t.report = e.report)
	UNION ALL
	SELECT printf('Report %d: %s (%d) had the most points; the kernel chose another: it allocated itself, or what is counted changed.',
		r.report, r.name, r.pid)
	FROM ranked AS r
	JOIN event AS e USING (session, report)
	WHERE r.place = 1
	AND r.points IS NOT NULL
	AND r.pid <> coalesce(e.victim_pid, e.chosen_pid)
	UNION ALL
	SELECT printf('Report %d says nobody was killed.', report)
	FROM event
	WHERE victim_pid IS NULL
	UNION ALL
	SELECT printf('Report %d: values that are no 64-bit numbers: %,d.', report, count(*))
	FROM fact
	WHERE kind IN ('task', 'limit', 'cgroup', 'memory', 'node', 'zone', 'killed')
	AND name NOT IN ('name', 'path', 'comm', 'blocks')
	AND value IS NULL
	AND text <> ''
	GROUP BY session, report
	UNION ALL
	SELECT printf('Lines that were overwritten before they could be read: %,d.', sum(lost_rows))
	FROM loss
	WHERE table_name = 'kmsg'
	AND begin_ns <= :to
	AND ts_ns >= :from
	HAVING sum(lost_rows) > 0
);
