-- Memory cgroups at the end of the window: usage, limits, what it is made of, events.
--
-- In kB. usage includes the page cache, and what is below. A limit that is not
-- set is -. failures: how often the limit was hit (v1 failcnt, v2 max events).
-- rates: faults, and pages that reclaim took from it, since the window's first
-- reading. Both versions of the hierarchy.
--
--   sort   path, usage, growth or failures (path)
--   top    so many; -1: all (-1)

CREATE TEMP TABLE moment AS
SELECT session, min(ts_ns) AS first_ns
FROM snapshot_tick
WHERE round = 4
AND ts_ns BETWEEN :from AND :to
GROUP BY session;

-- Each epoch repeats every text, so what held at a moment was written in the 330 s before.
CREATE TEMP TABLE reading AS
SELECT session, cgroup_path, file_path, last_value, first_value
FROM (
	SELECT
		session,
		cgroup_path,
		file_path,
		content_text,
		value AS last_value,
		row_number() OVER (PARTITION BY session, cgroup_path, file_path ORDER BY ts_ns DESC) AS from_end,
		first_value(value) OVER (
			PARTITION BY session, cgroup_path, file_path
			ORDER BY since_first_ns > 0, abs(since_first_ns)
			ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
		) AS first_value
	FROM (
		SELECT
			c.session,
			c.ts_ns,
			c.cgroup_path,
			c.file_path,
			c.content_text,
			iif(c.content_text GLOB '[0-9]*', CAST(c.content_text AS INTEGER), NULL) AS value,
			c.ts_ns - m.first_ns AS since_first_ns
		FROM snapshot_cgroup AS c
		JOIN moment AS m ON m.session = c.session
		WHERE c.ts_ns BETWEEN :from - 330000000000 AND :to
		AND c.file_path IN (
			'memory.usage_in_bytes', 'memory.max_usage_in_bytes', 'memory.limit_in_bytes', 'memory.failcnt',
			'memory.memsw.usage_in_bytes', 'memory.current', 'memory.peak', 'memory.low', 'memory.high', 'memory.max',
			'memory.swap.current'
		)
	)
)
WHERE from_end = 1
AND content_text IS NOT NULL;

CREATE TEMP TABLE stat AS
SELECT session, cgroup_path, name, min(ts_ns) AS first_ns, max(ts_ns) AS last_ns
FROM cgroup_stat
WHERE ts_ns BETWEEN :from AND :to
AND name IN (
	'total_cache', 'total_rss', 'total_shmem', 'total_swap', 'total_pgfault', 'total_pgmajfault', 'total_dirty',
	'total_mapped_file', 'anon', 'file', 'shmem', 'kernel', 'slab', 'sock', 'file_dirty', 'file_mapped', 'pgfault',
	'pgmajfault', 'pgsteal', 'pgscan'
)
GROUP BY session, cgroup_path, name;

CREATE TEMP TABLE stat_value AS
SELECT session, cgroup_path, ts_ns, name, value, odd_lines
FROM cgroup_stat
WHERE ts_ns BETWEEN :from AND :to;

CREATE TEMP TABLE ends AS
SELECT
	s.session,
	s.cgroup_path,
	s.name,
	max(iif(v.ts_ns = s.last_ns, v.value, NULL)) AS value,
	rise(max(iif(v.ts_ns = s.last_ns, v.value, NULL)), max(iif(v.ts_ns = s.first_ns, v.value, NULL))) AS rise
FROM stat AS s
JOIN stat_value AS v ON v.session = s.session AND v.cgroup_path = s.cgroup_path AND v.name = s.name
WHERE v.ts_ns IN (s.first_ns, s.last_ns)
GROUP BY s.session, s.cgroup_path, s.name;

CREATE TEMP TABLE kill AS
SELECT session, cgroup_path, max(oom_kill) AS kills, max("max") AS hits
FROM (
	SELECT session, cgroup_path, oom_kill, "max" FROM cgroup_events WHERE ts_ns BETWEEN :from AND :to
	UNION ALL
	SELECT session, cgroup_path, oom_kill, NULL FROM cgroup_oom_control WHERE ts_ns BETWEEN :from AND :to
)
GROUP BY session, cgroup_path;

CREATE TEMP TABLE line AS
SELECT
	r.session,
	r.cgroup_path,
	r.usage / 1024 AS usage,
	r.peak / 1024 AS peak,
	iif(r."limit" < 9223372036854000000, r."limit" / 1024, NULL) AS "limit",
	r.high / 1024 AS high,
	r.low / 1024 AS low,
	r.swap / 1024 AS swap,
	(r.usage - r.first_usage) / 1024 AS growth,
	e.anon / 1024 AS anon,
	e.file / 1024 AS file,
	e.shmem / 1024 AS shmem,
	e.dirty / 1024 AS dirty,
	e.kernel / 1024 AS kernel,
	e.faults,
	e.major,
	e.stolen,
	coalesce(r.failures, k.hits) AS failures,
	k.kills
FROM (
	SELECT
		session,
		cgroup_path,
		max(iif(file_path IN ('memory.usage_in_bytes', 'memory.current'), last_value, NULL)) AS usage,
		max(iif(file_path IN ('memory.usage_in_bytes', 'memory.current'), first_value, NULL)) AS first_usage,
		max(iif(file_path IN ('memory.max_usage_in_bytes', 'memory.peak'), last_value, NULL)) AS peak,
		max(iif(file_path IN ('memory.limit_in_bytes', 'memory.max'), last_value, NULL)) AS "limit",
		max(iif(file_path = 'memory.high', last_value, NULL)) AS high,
		max(iif(file_path = 'memory.low', last_value, NULL)) AS low,
		max(iif(file_path = 'memory.failcnt', last_value, NULL)) AS failures,
		coalesce(
			max(iif(file_path = 'memory.swap.current', last_value, NULL)),
			max(iif(file_path = 'memory.memsw.usage_in_bytes', last_value, NULL))
				- max(iif(file_path = 'memory.usage_in_bytes', last_value, NULL))
		) AS swap
	FROM reading
	GROUP BY session, cgroup_path
) AS r
LEFT JOIN (
	SELECT
		session,
		cgroup_path,
		coalesce(max(iif(name = 'total_rss', value, NULL)), max(iif(name = 'anon', value, NULL))) AS anon,
		coalesce(max(iif(name = 'total_cache', value, NULL)), max(iif(name = 'file', value, NULL))) AS file,
		coalesce(max(iif(name = 'total_shmem', value, NULL)), max(iif(name = 'shmem', value, NULL))) AS shmem,
		coalesce(max(iif(name = 'total_dirty', value, NULL)), max(iif(name = 'file_dirty', value, NULL))) AS dirty,
		max(iif(name = 'kernel', value, NULL)) AS kernel,
		coalesce(max(iif(name = 'total_pgfault', rise, NULL)), max(iif(name = 'pgfault', rise, NULL))) AS faults,
		coalesce(max(iif(name = 'total_pgmajfault', rise, NULL)), max(iif(name = 'pgmajfault', rise, NULL))) AS major,
		max(iif(name = 'pgsteal', rise, NULL)) AS stolen
	FROM ends
	GROUP BY session, cgroup_path
) AS e ON e.session = r.session AND e.cgroup_path = r.cgroup_path
LEFT JOIN kill AS k ON k.session = r.session AND k.cgroup_path = r.cgroup_path;

SELECT
	cgroup_path AS path,
	usage,
	growth,
	peak,
	"limit",
	high,
	low,
	swap,
	anon,
	file,
	shmem,
	dirty,
	kernel,
	faults,
	major,
	stolen,
	failures,
	kills
FROM line
ORDER BY
	session,
	CASE :sort WHEN 'usage' THEN -usage WHEN 'growth' THEN -growth WHEN 'failures' THEN -failures ELSE 0 END,
	cgroup_path
LIMIT coalesce(:top, -1);

-- What is not seen
SELECT note
FROM (
	SELECT 'No files of memory cgroups were recorded in this window.' AS note
	WHERE NOT EXISTS (SELECT 1 FROM line)
	UNION ALL
	SELECT printf('Values of memory.stat that are no 64-bit numbers: %,d.', sum(odd_lines))
	FROM (
		SELECT max(odd_lines) AS odd_lines
		FROM stat_value
		GROUP BY session, cgroup_path, ts_ns
	)
	HAVING sum(odd_lines) > 0
);
