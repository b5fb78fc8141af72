-- What the kernel allocates, by the second: objects by cache and call site, pages, per-CPU memory.
--
-- Objects of slabs lie in pages: objects and pages are two accounts, never to be
-- added up. net is what was allocated less what was freed, `net_bytes` all of the
-- window. Objects of kmalloc are shown by their size.
--
--   top   so many caches, and so many call sites (20)

CREATE TEMP TABLE span AS
SELECT session, max(ts_ns - min_ns, 1) / 1e9 AS seconds
FROM (
	SELECT session, min(ts_ns) AS min_ns, max(ts_ns) AS ts_ns
	FROM snapshot_tick
	WHERE ts_ns BETWEEN :from AND :to
	GROUP BY session
);

CREATE TEMP TABLE moment AS
SELECT *
FROM kmem_total
WHERE ts_ns BETWEEN :from AND :to;

-- Where only the site is known of an object, it is of the one cache that the site allocates from.
UPDATE moment
SET cache_id = o.cache_id
FROM (
	SELECT session, kernel_stack_id, max(cache_id) AS cache_id
	FROM moment
	WHERE allocations > 0
	GROUP BY session, kernel_stack_id
	HAVING count(DISTINCT cache_id) = 1
) AS o
WHERE moment.cache_id IS NULL
AND o.session = moment.session
AND o.kernel_stack_id = moment.kernel_stack_id;

CREATE TEMP TABLE object AS
SELECT
	k.*,
	coalesce(c.cache, '[kmalloc of unknown size]') AS cache,
	coalesce(c.slot_bytes, 0) AS slot_bytes,
	coalesce(c.is_kmalloc, 1) AS is_kmalloc,
	s.seconds
FROM (
	SELECT
		session,
		kernel_stack_id,
		cache_id,
		sum(allocations) AS allocations,
		sum(frees) + sum(implied_frees) AS frees,
		sum(requested_bytes) AS requested_bytes,
		sum(failed) AS failed
	FROM moment
	GROUP BY session, kernel_stack_id, cache_id
) AS k
JOIN span AS s ON s.session = k.session
LEFT JOIN cache_text AS c ON c.cache_id = k.cache_id;

-- Objects by cache
SELECT
	cache,
	CAST(sum(allocations) / seconds AS INTEGER) AS "allocs/s",
	CAST(sum(frees) / seconds AS INTEGER) AS "frees/s",
	CAST(sum(allocations * slot_bytes) / seconds / 1024 AS INTEGER) AS "kB/s",
	iif(is_kmalloc, CAST(sum(requested_bytes) / seconds / 1024 AS INTEGER), NULL) AS "asked kB/s",
	sum(allocations) - sum(frees) AS net,
	(sum(allocations) - sum(frees)) * slot_bytes AS net_bytes,
	sum(failed) AS failed
FROM object
GROUP BY session, cache
ORDER BY sum(allocations) + sum(frees) DESC, session, cache
LIMIT coalesce(:top, -1);

-- Objects by call site
SELECT
	sum(o.allocations) AS allocs,
	CAST(sum(o.allocations) / o.seconds AS INTEGER) AS "allocs/s",
	CAST(sum(o.allocations * o.slot_bytes) / o.seconds / 1024 AS INTEGER) AS "kB/s",
	sum(o.allocations) - sum(o.frees) AS net,
	group_concat(DISTINCT o.cache) AS caches,
	t.folded AS stack
FROM (SELECT * FROM object ORDER BY cache) AS o
JOIN stack_text AS t ON t.stack_id = o.kernel_stack_id
GROUP BY o.session, t.folded
ORDER BY allocs DESC, o.session, t.folded
LIMIT coalesce(:top, -1);

-- Pages by order
SELECT
	p.allocation_order AS page_order,
	CAST(sum(p.allocations) / s.seconds AS INTEGER) AS "allocs/s",
	CAST(sum(p.frees) / s.seconds AS INTEGER) AS "frees/s",
	CAST((sum(p.allocations) << p.allocation_order) * h.page_size_bytes / 1024 / s.seconds AS INTEGER) AS "kB/s",
	sum(p.allocations) - sum(p.frees) AS net,
	((sum(p.allocations) - sum(p.frees)) << p.allocation_order) * h.page_size_bytes AS net_bytes,
	sum(p.failed) AS failed
FROM page_total AS p
JOIN span AS s ON s.session = p.session
LEFT JOIN session AS h ON h.session = p.session
WHERE p.ts_ns BETWEEN :from AND :to
GROUP BY p.session, p.allocation_order
ORDER BY p.session, p.allocation_order;

-- Per-CPU memory
SELECT
	CAST(sum(p.allocations) / s.seconds AS INTEGER) AS "allocs/s",
	CAST(sum(p.frees) / s.seconds AS INTEGER) AS "frees/s",
	CAST(sum(p.allocated_bytes) / s.seconds / 1024 AS INTEGER) AS "kB/s",
	sum(p.allocations) - sum(p.frees) AS net,
	sum(p.allocated_bytes) - sum(p.freed_bytes) AS net_bytes
FROM percpu_total AS p
JOIN span AS s ON s.session = p.session
WHERE p.ts_ns BETWEEN :from AND :to
GROUP BY p.session
ORDER BY p.session;

CREATE TEMP TABLE page_count AS
SELECT
	session,
	ts_ns,
	sum(iif(name GLOB 'pgalloc_*', value, 0)) AS allocated,
	sum(iif(name = 'pgfree', value, 0)) AS freed
FROM vmstat_value
WHERE ts_ns BETWEEN :from AND :to
AND (name GLOB 'pgalloc_*' OR name = 'pgfree')
GROUP BY session, ts_ns;

CREATE TEMP TABLE page_seen AS
SELECT
	session,
	ts_ns,
	sum(allocations << allocation_order) AS allocated,
	sum(frees << allocation_order) AS freed
FROM page_total
WHERE ts_ns BETWEEN :from AND :to
GROUP BY session, ts_ns;

CREATE TEMP TABLE page_span AS
SELECT session, min(ts_ns) AS first_ns, max(ts_ns) AS last_ns
FROM page_count
GROUP BY session;

-- Coverage: pages seen, against the kernel's own count
WITH seen AS (
	SELECT e.session, sum(p.allocated) AS allocated, sum(p.freed) AS freed
	FROM page_span AS e
	JOIN page_seen AS p ON p.session = e.session AND p.ts_ns > e.first_ns AND p.ts_ns <= e.last_ns
	GROUP BY e.session
),
counted AS (
	SELECT e.session, b.allocated - a.allocated AS allocated, b.freed - a.freed AS freed
	FROM page_span AS e
	JOIN page_count AS a ON a.session = e.session AND a.ts_ns = e.first_ns
	JOIN page_count AS b ON b.session = e.session AND b.ts_ns = e.last_ns
)
SELECT what, seen, counted, 100.0 * seen / counted AS coverage_pct
FROM (
	SELECT s.session, 1 AS place, 'pages allocated' AS what, s.allocated AS seen, c.allocated AS counted
	FROM seen AS s
	JOIN counted AS c ON c.session = s.session
	UNION ALL
	SELECT s.session, 2, 'pages freed', s.freed, c.freed
	FROM seen AS s
	JOIN counted AS c ON c.session = s.session
)
WHERE counted > 0
ORDER BY session, place;

-- What is not seen
SELECT note
FROM (
	SELECT 1 AS place, '' AS detail, 'No allocation of the kernel was recorded.' AS note
	WHERE NOT EXISTS (SELECT 1 FROM object)
	AND NOT EXISTS (SELECT 1 FROM page_seen)
	UNION ALL
	SELECT
		2,
		table_name || cause,
		printf('Lost of %s (%s): %,d.', table_name, cause, sum(lost_rows))
	FROM lost
	WHERE table_name IN ('kmem')
	AND begin_ns <= :to
	AND ts_ns >= :from
	GROUP BY table_name, cause
	UNION ALL
	SELECT 3 + place, detail, printf(words, n)
	FROM gap
	WHERE table_name IS NULL
)
ORDER BY place, detail;
