-- The recording in a few lines, findings first.

CREATE TEMP TABLE finding (finding TEXT, what TEXT);

INSERT INTO finding
SELECT 'oom', printf('%,d killed by the OOM killer, the last %s (pid %d) at %s: it had %,d kB of anonymous memory',
	count(*) OVER (), v.comm, v.pid, wall_time(o.ts_ns, o.session), o.anon_pages * s.page_size_bytes / 1024)
FROM oom AS o
JOIN session AS s ON s.session = o.session
LEFT JOIN process AS v ON v.id = o.victim_process_id
WHERE o.ts_ns BETWEEN :from AND :to
AND (
	coalesce(o.process_id, 0) IN (SELECT process_id FROM selected)
	OR coalesce(o.victim_process_id, 0) IN (SELECT process_id FROM selected)
)
ORDER BY o.session DESC, o.ts_ns DESC, o.victim_tid
LIMIT 1;

INSERT INTO finding
WITH site AS (
	SELECT
		h.process_id,
		coalesce(t.caller, t.leaf, '[no stack]') AS name,
		sum(h.held_bytes) AS bytes,
		sum(h.held) AS blocks
	FROM heap_window AS h
	LEFT JOIN stack_text AS t ON t.stack_id = h.stack_id
	WHERE h.held > 0
	AND coalesce(h.process_id, 0) IN (SELECT process_id FROM selected)
	GROUP BY h.process_id, name
),
most AS (
	SELECT s.bytes, s.name, coalesce(p.comm || ', pid ' || p.pid, 'process not known') AS process
	FROM site AS s
	LEFT JOIN process AS p ON p.id = s.process_id
	ORDER BY s.bytes DESC, s.blocks DESC, s.process_id, s.name
	LIMIT 1
)
SELECT 'leak', coalesce(
	(
		SELECT printf('%,d bytes in %,d blocks held at the end, most (%,d bytes) from %s (%s)',
			(SELECT sum(bytes) FROM site), (SELECT sum(blocks) FROM site), bytes, name, process)
		FROM most
	),
	iif(EXISTS (SELECT 1 FROM heap_window), 'no block held at the end', 'no allocation recorded')
);

INSERT INTO finding
WITH site AS (
	SELECT
		process_id,
		stack_id,
		sum(n) AS faults,
		sum(iif(kind = 1, n, 0)) AS minor,
		sum(iif(kind = 2, n, 0)) AS major
	FROM fault_sum
	WHERE bucket_ns BETWEEN :from - 999999999 AND :to
	AND coalesce(process_id, 0) IN (SELECT process_id FROM selected)
	GROUP BY process_id, stack_id
),
leaf AS (
	SELECT s.process_id, coalesce(t.leaf, '[no stack]') AS name, sum(s.faults) AS faults
	FROM site AS s
	LEFT JOIN stack_text AS t ON t.stack_id = s.stack_id
	GROUP BY s.process_id, name
),
most AS (
	SELECT l.faults, l.name, coalesce(p.comm || ', pid ' || p.pid, 'process not known') AS process
	FROM leaf AS l
	LEFT JOIN process AS p ON p.id = l.process_id
	ORDER BY l.faults DESC, l.process_id, l.name
	LIMIT 1
)
SELECT 'faults', coalesce(
	(
		SELECT printf('%,d (%,d minor, %,d major), most (%,d) from %s (%s)',
			(SELECT sum(faults) FROM site), (SELECT sum(minor) FROM site),
			(SELECT sum(major) FROM site), faults, name, process)
		FROM most
	),
	iif(
		EXISTS (SELECT 1 FROM source WHERE source = 'fault' AND state = 'used'),
		'no page fault recorded',
		'not recorded'
	)
);

INSERT INTO finding
WITH call AS (
	SELECT session, ts_ns, process_id, tid, kind, duration_ns
	FROM reclaim
	WHERE ts_ns BETWEEN :from AND :to
	AND coalesce(process_id, 0) IN (SELECT process_id FROM selected)
),
longest AS (
	SELECT c.duration_ns, coalesce(p.comm || ', pid ' || p.pid, 'process not known') AS process
	FROM call AS c
	LEFT JOIN process AS p ON p.id = c.process_id
	ORDER BY c.duration_ns DESC, c.session, c.ts_ns, c.tid, c.kind
	LIMIT 1
)
SELECT 'reclaim', coalesce(
	(
		SELECT printf('%,d times (%,d direct, %,d cgroup), %.3f ms in all, the longest %.3f ms (%s)',
			(SELECT count(*) FROM call), (SELECT count(*) FROM call WHERE kind = 1),
			(SELECT count(*) FROM call WHERE kind = 2),
			(SELECT sum(duration_ns) FROM call) / 1e6, duration_ns / 1e6, process)
		FROM longest
	),
	iif(
		EXISTS (SELECT 1 FROM source WHERE source = 'reclaim' AND state = 'used'),
		'no task had to reclaim',
		'not recorded'
	)
);

INSERT INTO finding
WITH total AS (
	SELECT process_id, sum(in_pages) AS in_pages, sum(out_pages) AS out_pages
	FROM swap_total
	WHERE ts_ns BETWEEN :from AND :to
	AND coalesce(process_id, 0) IN (SELECT process_id FROM selected)
	GROUP BY process_id
)
SELECT 'swap', printf('%,d pages read from swap, %,d written to it, most (%,d) by %s',
	(SELECT sum(in_pages) FROM total), (SELECT sum(out_pages) FROM total), t.in_pages + t.out_pages,
	coalesce(p.comm || ', pid ' || p.pid, 'a process that is not known'))
FROM total AS t
LEFT JOIN process AS p ON p.id = t.process_id
WHERE t.in_pages + t.out_pages > 0
ORDER BY t.in_pages + t.out_pages DESC, t.process_id
LIMIT 1;

INSERT INTO finding
WITH text AS (
	SELECT substr(content_text, instr(content_text, 'some avg10=') + 11) AS some
	FROM snapshot_system
	WHERE path = '/proc/pressure/memory'
	AND ts_ns BETWEEN :from AND :to
	AND instr(content_text, 'some avg10=') > 0
)
SELECT 'pressure', iif(
	count(*) > 0,
	printf('tasks waited for memory up to %.2f %% of ten seconds (PSI, some)',
		max(CAST(some AS REAL))),
	'not recorded'
)
FROM text;

INSERT INTO finding
WITH available AS (
	SELECT session, ts_ns, snapshot_value(content_text, 'MemAvailable') AS kb
	FROM snapshot_system
	WHERE path = '/proc/meminfo'
	AND ts_ns BETWEEN :from AND :to
)
SELECT 'memory', iif(
	count(kb) > 0,
	printf('%,d kB available at the start, %,d at least, %,d at the end',
		(SELECT kb FROM available ORDER BY session, ts_ns LIMIT 1),
		min(kb),
		(SELECT kb FROM available ORDER BY session DESC, ts_ns DESC LIMIT 1)),
	'not recorded'
)
FROM available;

INSERT INTO finding
SELECT 'losses', coalesce(
	group_concat(printf(iif(part, '%,d parts of %s', '%,d rows of %s'), n, table_name), ', '),
	'none'
)
FROM (
	SELECT table_name, part, sum(lost_rows) AS n
	FROM lost
	WHERE begin_ns <= :to
	AND ts_ns >= :from
	GROUP BY table_name, part
	ORDER BY part, n DESC, table_name
);

INSERT INTO finding
SELECT 'names', CASE
	WHEN sum(frames) IS NULL THEN 'no stacks recorded'
	WHEN sum(nameless) = 0 THEN printf('all %,d frames have one', sum(frames))
	ELSE printf('%,d of %,d frames have none, most (%,d) in %s',
		sum(nameless), sum(frames), max(nameless),
		(
			SELECT coalesce(path, 'no image')
			FROM image_names
			ORDER BY nameless DESC, path, image_id
			LIMIT 1
		))
END
FROM image_names;

INSERT INTO finding
SELECT 'recorded', printf('%s %s for %s on %s, Linux %s',
	wall_date(s.start_ns, s.session),
	wall_time(s.start_ns, s.session),
	iif(
		e.ts_ns IS NULL,
		'an unknown time (it has no end)',
		printf('%.1f s', (e.ts_ns - s.start_ns) / 1e9)
	),
	s.host,
	s.kernel_text)
FROM session AS s
LEFT JOIN (
	SELECT session, max(ts_ns) AS ts_ns
	FROM end
	GROUP BY session
) AS e ON e.session = s.session
ORDER BY s.session;

INSERT INTO finding
SELECT 'target', target_text
FROM session
ORDER BY session;

INSERT INTO finding
SELECT 'sources', printf('%d used', sum(state = 'used'))
	|| coalesce('; ' || group_concat(iif(state <> 'used', source || ' ' || state, NULL), ', '), '')
FROM (
	SELECT session, source, iif(max(state = 'used'), 'used', max(state)) AS state
	FROM source
	GROUP BY session, source
	ORDER BY session, state, source
)
GROUP BY session
ORDER BY session;

SELECT finding, what
FROM finding
ORDER BY rowid;
