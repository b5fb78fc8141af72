-- Outstanding allocations: of the recorded processes, by stack, or of the kernel.
--
-- Where a process's heap was recorded, what `leaks` shows, as memleak does: so
-- many bytes in so many allocations from each stack. Else what the kernel
-- allocated in the window and still holds: by stack where these were asked for
-- (record -e +kmem_stack), else by call site and cache. Objects of slabs lie in
-- pages, so pages and objects are two accounts, never to be added up.
--
-- Objects freed in bulk or after an RCU grace period have no event: such a free
-- is implied when the address is allocated again, until then the object seems to
-- be held. `unexplained` tells by how many the kernel's own count (slabinfo)
-- differs.
--
--   top      so many of each (20)
--   kernel   the kernel's, too, where a process's heap was recorded (off)

CREATE TEMP TABLE wanted AS
SELECT
	EXISTS (SELECT 1 FROM heap_window) AS heap,
	NOT EXISTS (SELECT 1 FROM heap_window) OR :kernel = 1 AS kernel,
	EXISTS (SELECT 1 FROM kmem_stack_total WHERE ts_ns BETWEEN :from AND :to) AS stacks;

CREATE TEMP TABLE leak AS
SELECT
	*,
	row_number() OVER (ORDER BY bytes DESC, allocations DESC, session, process_id, stack_id) AS place
FROM (
	SELECT session, process_id, stack_id, sum(held_bytes) AS bytes, sum(held) AS allocations
	FROM heap_window
	WHERE held > 0
	AND coalesce(process_id, 0) IN (SELECT process_id FROM selected)
	GROUP BY session, process_id, stack_id
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

CREATE TEMP TABLE site AS
SELECT k.*, coalesce(c.cache, '[kmalloc of unknown size]') AS cache, c.slot_bytes
FROM (
	SELECT
		session,
		kernel_stack_id,
		cache_id,
		sum(allocations) AS allocations,
		sum(frees) AS frees,
		sum(implied_frees) AS implied_frees,
		sum(unpaired) AS unpaired,
		sum(allocations) - sum(frees) - sum(implied_frees) - sum(unpaired) AS outstanding
	FROM moment
	GROUP BY session, kernel_stack_id, cache_id
) AS k
LEFT JOIN cache_text AS c ON c.cache_id = k.cache_id;

CREATE TEMP TABLE site_leak AS
SELECT
	*,
	outstanding * slot_bytes AS bytes,
	row_number() OVER (
		ORDER BY outstanding * slot_bytes DESC, outstanding DESC, session, kernel_stack_id, cache_id
	) AS place
FROM site
WHERE outstanding > 0
AND kernel_stack_id IS NOT NULL;

CREATE TEMP TABLE percpu_leak AS
SELECT
	*,
	row_number() OVER (ORDER BY bytes DESC, outstanding DESC, session, kernel_stack_id) AS place
FROM (
	SELECT
		session,
		kernel_stack_id,
		sum(allocated_bytes) - sum(freed_bytes) AS bytes,
		sum(allocations) - sum(frees) - sum(unpaired) AS outstanding,
		sum(allocations) AS allocations,
		sum(frees) AS frees
	FROM percpu_total
	WHERE ts_ns BETWEEN :from AND :to
	GROUP BY session, kernel_stack_id
)
WHERE outstanding > 0
AND kernel_stack_id IS NOT NULL;

CREATE TEMP TABLE kernel_event AS
SELECT
	session,
	kernel_stack_id,
	op,
	sum(allocated_bytes) - sum(freed_bytes) AS bytes,
	sum(allocations) - sum(frees) - sum(implied_frees) - sum(unpaired) AS outstanding,
	sum(allocations) AS allocations,
	sum(frees) AS frees,
	sum(implied_frees) AS implied_frees,
	sum(unpaired) AS unpaired
FROM kmem_stack_total
WHERE ts_ns BETWEEN :from AND :to
GROUP BY session, op, kernel_stack_id;

CREATE TEMP TABLE kernel_stack AS
SELECT
	*,
	row_number() OVER (
		PARTITION BY of_objects
		ORDER BY bytes DESC, outstanding DESC, session, op, kernel_stack_id
	) AS place
FROM (
	SELECT
		e.*,
		t.folded AS stack,
		e.op = 5 AND (
			t.folded GLOB '*;allocate_slab*'
			OR t.folded GLOB '*;new_slab*'
			OR t.folded GLOB '*;___slab_alloc*'
			OR t.folded GLOB '*;alloc_slab_page*'
			OR t.folded GLOB '*;refill_objects*'
			OR t.folded GLOB '*kmalloc_large_node*'
			OR t.folded GLOB '*;kmalloc_order*'
		) AS of_objects
	FROM kernel_event AS e
	LEFT JOIN stack_text AS t ON t.stack_id = e.kernel_stack_id
	WHERE e.outstanding > 0
);

-- Of processes
SELECT l.bytes, l.allocations, p.pid, p.comm, t.folded AS stack, t.places
FROM leak AS l
LEFT JOIN process AS p ON p.id = l.process_id
LEFT JOIN stack_text AS t ON t.stack_id = l.stack_id
WHERE :top < 0
OR l.place <= :top
ORDER BY l.place;

SELECT 'No allocation of a process is outstanding.' AS note
FROM wanted
WHERE heap
AND NOT EXISTS (SELECT 1 FROM leak);

-- Of the kernel, by stack
SELECT
	bytes,
	outstanding AS allocations,
	allocations AS allocated,
	frees AS freed,
	implied_frees AS implied,
	CASE op
		WHEN 1 THEN 'kmalloc'
		WHEN 3 THEN 'kmem_cache_alloc'
		WHEN 5 THEN 'pages'
		ELSE 'percpu'
	END AS op,
	stack
FROM kernel_stack
WHERE (SELECT kernel FROM wanted)
AND NOT of_objects
AND (:top < 0 OR place <= :top)
ORDER BY place;

SELECT printf('Pages of the objects above, or of those in the same slabs: %,d bytes.', sum(bytes)) AS note
FROM kernel_stack
WHERE (SELECT kernel FROM wanted)
AND of_objects
HAVING count(*) > 0;

-- Objects of the kernel, by call site and cache
SELECT
	s.bytes,
	s.outstanding AS allocations,
	s.allocations AS allocated,
	s.frees AS freed,
	s.implied_frees AS implied,
	s.cache,
	t.folded AS stack
FROM site_leak AS s
LEFT JOIN stack_text AS t ON t.stack_id = s.kernel_stack_id
WHERE (SELECT kernel AND NOT stacks FROM wanted)
AND (:top < 0 OR s.place <= :top)
ORDER BY s.place;

-- Per-CPU memory of the kernel, by call site
SELECT
	p.bytes,
	p.outstanding AS allocations,
	p.allocations AS allocated,
	p.frees AS freed,
	t.folded AS stack
FROM percpu_leak AS p
LEFT JOIN stack_text AS t ON t.stack_id = p.kernel_stack_id
WHERE (SELECT kernel AND NOT stacks FROM wanted)
AND (:top < 0 OR p.place <= :top)
ORDER BY p.place;

SELECT printf('Left out (--top): %,d bytes in %,d allocations.', sum(bytes), sum(allocations)) AS note
FROM (
	SELECT bytes, allocations, place
	FROM leak
	UNION ALL
	SELECT bytes, outstanding, place
	FROM kernel_stack
	WHERE (SELECT kernel FROM wanted)
	AND NOT of_objects
	UNION ALL
	SELECT bytes, outstanding, place
	FROM site_leak
	WHERE (SELECT kernel AND NOT stacks FROM wanted)
	UNION ALL
	SELECT bytes, outstanding, place
	FROM percpu_leak
	WHERE (SELECT kernel AND NOT stacks FROM wanted)
)
WHERE :top >= 0
AND place > :top
HAVING count(*) > 0;

-- Pages of the kernel and of processes, by order
SELECT
	(sum(p.allocations) - sum(p.frees) << p.allocation_order) * s.page_size_bytes AS bytes,
	sum(p.allocations) - sum(p.frees) AS allocations,
	sum(p.allocations) AS allocated,
	sum(p.frees) AS freed,
	sum(p.failed) AS failed,
	p.allocation_order AS page_order
FROM page_total AS p
LEFT JOIN session AS s ON s.session = p.session
WHERE p.ts_ns BETWEEN :from AND :to
AND (SELECT kernel FROM wanted)
GROUP BY p.session, p.allocation_order
ORDER BY p.session, p.allocation_order;

CREATE TEMP TABLE slab_page AS
SELECT session, ts_ns, nr_slab_reclaimable + nr_slab_unreclaimable AS pages
FROM vmstat
WHERE ts_ns BETWEEN :from AND :to
AND nr_slab_reclaimable IS NOT NULL;

SELECT printf('Of these, slabs took %,d bytes more (from %,d pages to %,d, /proc/vmstat).',
	(b.pages - a.pages) * s.page_size_bytes, a.pages, b.pages) AS note
FROM (
	SELECT session, min(ts_ns) AS first_ns, max(ts_ns) AS last_ns
	FROM slab_page
	GROUP BY session
) AS e
JOIN session AS s ON s.session = e.session
JOIN slab_page AS a ON a.session = e.session AND a.ts_ns = e.first_ns
JOIN slab_page AS b ON b.session = e.session AND b.ts_ns = e.last_ns
WHERE (SELECT kernel FROM wanted)
AND EXISTS (SELECT 1 FROM page_total WHERE ts_ns BETWEEN :from AND :to)
ORDER BY e.session;

CREATE TEMP TABLE reading AS
SELECT
	session,
	ts_ns,
	iif(
		name GLOB 'kmalloc-*[0-9k]' OR name GLOB 'dma-kmalloc-*',
		'kmalloc-' || replace(
			replace(replace(replace(name, 'dma-', ''), 'kmalloc-cg-', ''), 'kmalloc-rcl-', ''),
			'kmalloc-',
			''
		),
		name
	) AS cache,
	active_objects,
	object_bytes
FROM slabinfo
WHERE ts_ns BETWEEN :from AND :to;

UPDATE reading
SET cache = 'kmalloc-' || substr(cache, length('kmalloc-rnd-00-') + 1)
WHERE cache GLOB 'kmalloc-rnd-[0-9][0-9]-*';

CREATE TEMP TABLE ends AS
SELECT session, min(ts_ns) AS first_ns, max(ts_ns) AS last_ns
FROM reading
GROUP BY session;

CREATE TEMP TABLE active AS
SELECT
	r.session,
	r.cache,
	max(r.object_bytes) AS object_bytes,
	sum(iif(r.ts_ns = e.first_ns, r.active_objects, 0)) AS first,
	sum(iif(r.ts_ns = e.last_ns, r.active_objects, 0)) AS last
FROM reading AS r
JOIN ends AS e ON e.session = r.session
GROUP BY r.session, r.cache;

CREATE TEMP TABLE counted AS
SELECT
	k.session,
	coalesce(c.cache, '[kmalloc of unknown size]') AS cache,
	sum(k.allocations) - sum(k.frees) - sum(k.implied_frees) AS outstanding
FROM ends AS e
JOIN moment AS k ON k.session = e.session AND k.ts_ns > e.first_ns AND k.ts_ns <= e.last_ns
LEFT JOIN cache_text AS c ON c.cache_id = k.cache_id
GROUP BY k.session, c.cache;

-- Against the kernel's own count of objects, between the first reading of it and the last
SELECT
	a.cache,
	a.first AS active_at_first,
	a.last AS active_at_last,
	a.last - a.first AS change,
	coalesce(c.outstanding, 0) AS counted,
	a.last - a.first - coalesce(c.outstanding, 0) AS unexplained,
	(a.last - a.first - coalesce(c.outstanding, 0)) * a.object_bytes AS unexplained_bytes
FROM active AS a
LEFT JOIN counted AS c ON c.session = a.session AND c.cache = a.cache
WHERE (SELECT kernel FROM wanted)
AND EXISTS (SELECT 1 FROM site)
AND (a.last <> a.first OR c.outstanding <> 0)
ORDER BY
	abs(a.last - a.first - coalesce(c.outstanding, 0)) * a.object_bytes DESC,
	abs(a.last - a.first) DESC,
	a.session,
	a.cache
LIMIT coalesce(:top, -1);

SELECT printf('Left out (--top): caches that changed: %,d.', count(*) - :top) AS note
FROM active AS a
LEFT JOIN counted AS c ON c.session = a.session AND c.cache = a.cache
WHERE (SELECT kernel FROM wanted)
AND EXISTS (SELECT 1 FROM site)
AND (a.last <> a.first OR c.outstanding <> 0)
AND :top >= 0
HAVING count(*) > :top;

-- What is not seen
SELECT note
FROM (
	SELECT 1 AS place, '' AS detail, 'No allocation of the kernel was recorded.' AS note
	FROM wanted
	WHERE kernel
	AND NOT stacks
	AND NOT EXISTS (SELECT 1 FROM site)
	UNION ALL
	SELECT 2, '', printf('Frees of objects that were allocated before the recording: %,d.', sum(frees))
	FROM site
	WHERE kernel_stack_id IS NULL
	AND (SELECT kernel FROM wanted)
	HAVING sum(frees) > 0
	UNION ALL
	SELECT 3, '', printf('Allocations that were too many to be remembered: %,d.', sum(unpaired))
	FROM (
		SELECT unpaired FROM site
		UNION ALL
		SELECT unpaired FROM kernel_event
		UNION ALL
		SELECT unpaired FROM percpu_total WHERE ts_ns BETWEEN :from AND :to
	)
	WHERE (SELECT kernel FROM wanted)
	HAVING sum(unpaired) > 0
	UNION ALL
	SELECT
		5,
		table_name || cause,
		printf('Lost of %s (%s): %,d. What was lost shows as held, or not at all.',
			table_name, cause, sum(lost_rows))
	FROM lost
	WHERE table_name IN ('kmem', 'kmem_stack', 'heap')
	AND begin_ns <= :to
	AND ts_ns >= :from
	GROUP BY table_name, cause
	UNION ALL
	SELECT 6 + place, detail, printf(words, n)
	FROM gap
	WHERE table_name IS NULL
)
ORDER BY place, detail;
