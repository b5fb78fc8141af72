-- Memory that was allocated and not freed, by allocation site.
--
-- Blocks allocated within --from and --to and held at --to, or when their
-- process ended. What a program keeps on purpose looks the same as a leak:
-- `last` is when the site allocated last.
--
--   top   so many sites (20)

CREATE TEMP TABLE leak AS
SELECT
	*,
	row_number() OVER (
		PARTITION BY library
		ORDER BY held_bytes DESC, held DESC, session, process_id, stack_id, op
	) AS place
FROM (
	SELECT
		h.*,
		coalesce(
			t.caller_path GLOB '*/libc.so.6'
			OR t.caller_path GLOB '*/libc-*.so'
			OR t.caller_path GLOB '*/ld-linux*.so.*'
			OR t.caller_path GLOB '*/libpthread*.so*'
			OR t.caller_path GLOB '*/ld-musl*.so.*',
			0
		) AS library
	FROM heap_window AS h
	LEFT JOIN stack_text AS t ON t.stack_id = h.stack_id
	WHERE h.held > 0
	AND coalesce(h.process_id, 0) IN (SELECT process_id FROM selected)
);

CREATE TEMP VIEW leak_text AS
SELECT
	l.held_bytes,
	l.held,
	l.allocs,
	l.alloc_bytes,
	l.frees AS freed,
	l.freed_bytes,
	CASE l.op
		WHEN 1 THEN 'malloc'
		WHEN 2 THEN 'calloc'
		WHEN 3 THEN 'realloc'
		WHEN 5 THEN 'posix_memalign'
	END AS op,
	p.pid,
	p.comm,
	iif(
		wall_date(l.last_ns, l.session) = wall_date(s.start_ns, s.session),
		'',
		wall_date(l.last_ns, l.session) || ' '
	) || wall_time(l.last_ns, l.session) AS last,
	t.folded AS stack,
	t.places,
	l.library,
	l.place
FROM leak AS l
LEFT JOIN session AS s ON s.session = l.session
LEFT JOIN process AS p ON p.id = l.process_id
LEFT JOIN stack_text AS t ON t.stack_id = l.stack_id;

SELECT held_bytes, held, allocs, alloc_bytes, freed, freed_bytes, op, pid, comm, last, stack, places
FROM leak_text
WHERE NOT library
AND (:top < 0 OR place <= :top)
ORDER BY place;

-- Called from inside the C library
SELECT held_bytes, held, allocs, alloc_bytes, freed, freed_bytes, op, pid, comm, last, stack, places
FROM leak_text
WHERE library
AND (:top < 0 OR place <= :top)
ORDER BY place;

SELECT printf('Left out (--top): %,d bytes in %,d blocks (sites: %,d).',
	sum(held_bytes), sum(held), count(*)) AS note
FROM leak
WHERE :top >= 0
AND place > :top
HAVING count(*) > 0;

SELECT iif(
	EXISTS (SELECT 1 FROM heap_window),
	'No block was held at the end.',
	'No allocation was recorded.'
) AS note
WHERE NOT EXISTS (SELECT 1 FROM leak);

-- What did not pair, in the whole recording
SELECT printf('%s: %,d.',
	CASE note
		WHEN 'unmatched free' THEN 'Frees of blocks whose allocation was not seen'
		WHEN 'inherited free' THEN 'Frees in a child of what it inherited by fork'
		WHEN 'displaced' THEN 'Blocks whose free was not seen, but their address was allocated anew'
		WHEN 'failed' THEN 'Allocations that failed'
		WHEN 'realloc of unknown' THEN 'Reallocs of blocks whose allocation was not seen'
		ELSE note
	END,
	sum(n)) AS note
FROM heap_note
WHERE coalesce(process_id, 0) IN (SELECT process_id FROM selected)
GROUP BY heap_note.note
HAVING sum(n) > 0
ORDER BY heap_note.note;

-- This report is incomplete
SELECT note
FROM (
	SELECT
		place,
		detail,
		printf(words, sum(n)) || iif(
			table_name IS NULL,
			'',
			' A lost free shows a block as held that is not; a lost allocation hides one.'
		) AS note
	FROM gap
	WHERE (table_name IS NULL OR table_name = 'heap')
	AND begin_ns <= :to
	AND ts_ns >= :from
	GROUP BY place, detail, words
	UNION ALL
	SELECT
		2,
		printf('%20d %d', pid, id),
		printf('Process %d (%s) ran before its allocator was watched: '
			|| 'what it allocated until then is not seen.', pid, comm)
	FROM process
	WHERE incomplete = 1
	AND id IN (SELECT process_id FROM selected)
)
ORDER BY place, detail;
