-- Page faults by file: what was mapped where they happened.
--
-- Memory of no file stands under its class: [anonymous], [heap] (brk), [stack].
-- A deleted file is another one than before. Faults are counted by whole
-- seconds: a window is widened to them.
--
--   top   so many files (20)

CREATE TEMP TABLE fault_file AS
SELECT
	*,
	row_number() OVER (ORDER BY faults DESC, major DESC, file, host_id, memory) AS place
FROM (
	SELECT
		sum(s.faults) AS faults,
		sum(s.minor) AS minor,
		sum(s.major) AS major,
		sum(s.huge) * (SELECT told FROM fault_tells_huge) AS huge,
		nullif(sum(s.total_ns), 0) / 1e6 AS total_ms,
		count(DISTINCT s.process_id) AS processes,
		coalesce(c.name, 'not known') AS memory,
		coalesce(f.path, '[' || coalesce(c.name, 'not known') || ']') AS file,
		f.host_id
	FROM (
		SELECT
			process_id,
			class,
			file_id,
			sum(n) AS faults,
			sum(iif(kind = 1, n, 0)) AS minor,
			sum(iif(kind = 2, n, 0)) AS major,
			sum(iif(huge = 1, n, 0)) AS huge,
			sum(sum_latency_ns) AS total_ns
		FROM fault_sum
		WHERE bucket_ns BETWEEN :from - 999999999 AND :to
		AND coalesce(process_id, 0) IN (SELECT process_id FROM selected)
		GROUP BY process_id, class, file_id
	) AS s
	LEFT JOIN memory_class AS c ON c.class = s.class
	LEFT JOIN file AS f ON f.id = s.file_id
	GROUP BY f.host_id, f.device, f.inode, f.generation, f.path, c.name
);

SELECT faults, minor, major, huge, total_ms, processes, memory, file
FROM fault_file
WHERE :top < 0
OR place <= :top
ORDER BY place;

SELECT printf('Left out (--top): %,d faults (files: %,d).', sum(faults), count(*)) AS note
FROM fault_file
WHERE :top >= 0
AND place > :top
HAVING count(*) > 0;

SELECT 'No page fault was recorded.' AS note
WHERE NOT EXISTS (SELECT 1 FROM fault_file);

SELECT 'This recording does not tell what memory a fault was in: it is of an older memtape.' AS note
WHERE EXISTS (SELECT 1 FROM fault_file)
AND NOT EXISTS (SELECT 1 FROM fault_file WHERE memory <> 'not known');

-- This report is incomplete
SELECT printf(words, sum(n)) AS note
FROM gap
WHERE (table_name IS NULL OR table_name = 'fault')
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
