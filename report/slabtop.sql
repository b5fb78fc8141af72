-- Slab caches at the end of the window, as slabtop -o prints them.
--
-- CACHE SIZE is the number of slabs times their size, an upper bound: in need
-- the kernel makes smaller ones. GROWTH is what that added since the window's
-- first reading. A cache that others share bears the name of the first; ALIASES
-- names the others.
--
--   sort   objs, size, growth, use or name (objs)
--   top    so many caches (50)

CREATE TEMP TABLE reading AS
SELECT
	session,
	ts_ns,
	name,
	active_objects,
	objects,
	object_bytes,
	objects_per_slab,
	slabs,
	slabs * pages_per_slab AS pages,
	odd_lines
FROM slabinfo
WHERE ts_ns BETWEEN :from AND :to;

CREATE TEMP TABLE ends AS
SELECT session, min(ts_ns) AS first_ns, max(ts_ns) AS last_ns
FROM reading
GROUP BY session;

CREATE TEMP TABLE alias AS
SELECT DISTINCT session, alias, target
FROM slab_alias
WHERE ts_ns BETWEEN :from AND :to;

CREATE TEMP TABLE sharing AS
SELECT session, name, group_concat(alias, ' ') AS aliases
FROM (
	SELECT a.session, a.alias AS name, b.alias
	FROM alias AS a
	JOIN alias AS b ON b.session = a.session AND b.target = a.target
	WHERE b.alias <> a.alias
	ORDER BY a.session, a.alias, b.alias
)
GROUP BY session, name;

CREATE TEMP TABLE cache AS
SELECT
	r.session,
	r.name,
	r.objects,
	r.active_objects,
	iif(r.objects > 0, 100 * r.active_objects / r.objects, 0) AS use_pct,
	r.object_bytes,
	r.slabs,
	r.objects_per_slab,
	r.pages * s.page_size_bytes / 1024 AS cache_kb,
	(r.pages - coalesce(b.pages, 0)) * s.page_size_bytes / 1024 AS growth_kb
FROM ends AS e
JOIN session AS s ON s.session = e.session
JOIN reading AS r ON r.session = e.session AND r.ts_ns = e.last_ns
LEFT JOIN reading AS b ON b.session = e.session AND b.ts_ns = e.first_ns AND b.name = r.name;

SELECT
	sum(active_objects) AS "Active Objects",
	sum(objects) AS "Total Objects",
	100.0 * sum(active_objects) / nullif(sum(objects), 0) AS "% used",
	sum(slabs) AS "Slabs",
	sum(slabs > 0) AS "Active Caches",
	count(*) AS "Total Caches",
	sum(objects * object_bytes) / 1024 AS "Size K",
	sum(cache_kb) AS "Cache Size K",
	sum(growth_kb) AS "Growth K"
FROM cache
GROUP BY session
ORDER BY session;

-- Caches
SELECT
	c.objects AS OBJS,
	c.active_objects AS ACTIVE,
	c.use_pct AS "USE%",
	printf('%.2fK', c.object_bytes / 1024.0) AS "OBJ SIZE",
	c.slabs AS SLABS,
	c.objects_per_slab AS "OBJ/SLAB",
	c.cache_kb AS "CACHE SIZE K",
	c.growth_kb AS "GROWTH K",
	c.name AS NAME,
	coalesce(s.aliases, '') AS ALIASES
FROM cache AS c
LEFT JOIN sharing AS s ON s.session = c.session AND s.name = c.name
ORDER BY
	CASE :sort
		WHEN 'size' THEN -c.cache_kb
		WHEN 'growth' THEN -c.growth_kb
		WHEN 'use' THEN -c.use_pct
		WHEN 'name' THEN 0
		ELSE -c.objects
	END,
	c.session,
	c.name
LIMIT coalesce(:top, -1);

-- What is not seen
SELECT note
FROM (
	SELECT 'No /proc/slabinfo was recorded in this window.' AS note
	WHERE NOT EXISTS (SELECT 1 FROM reading)
	UNION ALL
	SELECT printf('Values of /proc/slabinfo that are no 64-bit numbers: %,d.', sum(odd_lines))
	FROM reading
	HAVING sum(odd_lines) > 0
);
