-- Resident set sizes over time: what every process of the host had in memory, in KB.
--
-- There is a row whenever a process has changed by 1,024 KB or a hundredth. What
-- did not change in the window shows only here if it changed before, and a small
-- process not at all. Sizes may be off by what each CPU keeps to itself: 32
-- pages, or twice the number of CPUs.
--
--   top   so many processes, those with the greatest peaks (20)

CREATE TEMP TABLE resident AS
SELECT
	r.session,
	r.ts_ns,
	r.process_id,
	r.file_pages * s.page_size_bytes / 1024 AS file,
	r.anon_pages * s.page_size_bytes / 1024 AS anon,
	r.shmem_pages * s.page_size_bytes / 1024 AS shmem,
	r.swap_pages * s.page_size_bytes / 1024 AS swap,
	(r.file_pages + r.anon_pages + r.shmem_pages) * s.page_size_bytes / 1024 AS rss
FROM rss AS r
LEFT JOIN session AS s ON s.session = r.session
WHERE r.ts_ns BETWEEN :from AND :to
AND coalesce(r.process_id, 0) IN (SELECT process_id FROM selected);

CREATE INDEX temp.resident_by_process ON resident (process_id, session, ts_ns);

CREATE TEMP TABLE resident_process AS
SELECT
	session,
	process_id,
	count(*) AS changes,
	min(ts_ns) AS first_ns,
	max(ts_ns) AS last_ns,
	max(rss) AS peak,
	row_number() OVER (ORDER BY max(rss) DESC, session, process_id) AS place
FROM resident
GROUP BY session, process_id;

CREATE TEMP TABLE resident_peak AS
SELECT p.process_id, p.session, min(r.ts_ns) AS peak_ns
FROM resident_process AS p
JOIN resident AS r ON r.session = p.session AND r.process_id IS p.process_id AND r.rss = p.peak
GROUP BY p.session, p.process_id;

-- By process; grown is from the first row to the last
SELECT
	p.peak,
	wall_time(k.peak_ns, p.session) AS at,
	max(iif(r.ts_ns = p.first_ns, r.rss, NULL)) AS first,
	max(iif(r.ts_ns = p.last_ns, r.rss, NULL)) AS last,
	max(iif(r.ts_ns = p.last_ns, r.rss, NULL)) - max(iif(r.ts_ns = p.first_ns, r.rss, NULL)) AS grown,
	max(r.anon) AS peak_anon,
	max(r.file) AS peak_file,
	max(r.shmem) AS peak_shmem,
	max(r.swap) AS peak_swap,
	iif(e.process_id IS NULL, NULL, 'ended') AS state,
	n.pid,
	n.comm
FROM resident_process AS p
JOIN resident AS r ON r.session = p.session AND r.process_id IS p.process_id
JOIN resident_peak AS k ON k.session = p.session AND k.process_id IS p.process_id
LEFT JOIN process AS n ON n.id = p.process_id
LEFT JOIN (
	SELECT DISTINCT process_id
	FROM exit
	WHERE last = 1
	AND ts_ns BETWEEN :from AND :to
) AS e ON e.process_id = p.process_id
WHERE :top < 0
OR p.place <= :top
GROUP BY p.place
ORDER BY p.place;

SELECT printf('Left out (--top): %,d processes, none above %,d KB.', count(*), max(peak)) AS note
FROM resident_process
WHERE :top >= 0
AND place > :top
HAVING count(*) > 0;

SELECT 'No process has changed.' AS note
WHERE NOT EXISTS (SELECT 1 FROM resident);

-- Second by second, where it has changed
SELECT
	wall_time(r.ts_ns, r.session) AS time,
	n.pid,
	r.rss,
	r.anon,
	r.file,
	r.shmem,
	r.swap,
	n.comm
FROM (
	SELECT
		r.*,
		row_number() OVER (
			PARTITION BY r.session, r.process_id, wall_time(r.ts_ns, r.session)
			ORDER BY r.ts_ns DESC, r.rss DESC
		) AS nth_last
	FROM resident AS r
	JOIN resident_process AS p ON p.session = r.session AND p.process_id IS r.process_id
	WHERE :top < 0
	OR p.place <= :top
) AS r
LEFT JOIN process AS n ON n.id = r.process_id
WHERE r.nth_last = 1
ORDER BY r.session, r.ts_ns, r.process_id;

-- This report is incomplete
SELECT printf(words, sum(n)) AS note
FROM gap
WHERE (table_name IS NULL OR table_name = 'rss')
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
