-- Where memory was allocated and is, by NUMA node: numastat, and numastat -m.
--
-- Pages since boot; rise is what the window added. numa_miss: another node was
-- meant, numa_foreign: this one was meant and another had to serve.

CREATE TEMP TABLE reading AS
SELECT
	session,
	ts_ns,
	CAST(substr(path, 30) AS INTEGER) AS node,
	numa_hit,
	numa_miss,
	numa_foreign,
	interleave_hit,
	local_node,
	other_node,
	odd_lines
FROM node_numastat
WHERE ts_ns BETWEEN :from AND :to;

CREATE TEMP TABLE ends AS
SELECT session, min(ts_ns) AS first_ns, max(ts_ns) AS last_ns
FROM reading
GROUP BY session;

CREATE TEMP TABLE memory AS
SELECT session, ts_ns, node, name, value, unit, odd_lines
FROM node_meminfo
WHERE ts_ns BETWEEN :from AND :to;

SELECT
	l.node,
	l.numa_hit,
	l.numa_miss,
	l.numa_foreign,
	l.interleave_hit,
	l.local_node,
	l.other_node,
	rise(l.numa_miss, f.numa_miss) AS miss_rise,
	rise(l.other_node, f.other_node) AS other_rise
FROM ends AS e
JOIN reading AS l ON l.session = e.session AND l.ts_ns = e.last_ns
LEFT JOIN reading AS f ON f.session = e.session AND f.ts_ns = e.first_ns AND f.node = l.node
ORDER BY l.session, l.node;

-- Memory
SELECT m.name, m.node, m.value, m.unit
FROM ends AS e
JOIN memory AS m ON m.session = e.session AND m.ts_ns = e.last_ns
ORDER BY m.session, min(m.rowid) OVER (PARTITION BY m.session, m.name), m.node;

-- What is not seen
SELECT note
FROM (
	SELECT 'No numastat of a node was recorded in this window.' AS note
	WHERE NOT EXISTS (SELECT 1 FROM reading)
	UNION ALL
	SELECT printf('Values of the nodes'' files that are no 64-bit numbers: %,d.', sum(odd_lines))
	FROM (
		SELECT odd_lines FROM reading
		UNION ALL
		SELECT max(odd_lines) FROM memory GROUP BY session, ts_ns, node
	)
	HAVING sum(odd_lines) > 0
);
