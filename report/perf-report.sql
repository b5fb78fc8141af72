-- Page faults by program, file and function, as perf report prints them.
--
-- [.] is a fault in user mode; [k] one that the kernel met on the program's
-- behalf, under the function that called it. Faults are counted by whole
-- seconds: a window is widened to them.
--
--   top   so many lines (40)

CREATE TEMP TABLE fault_function AS
SELECT
	*,
	row_number() OVER (ORDER BY samples DESC, command, object, symbol) AS place
FROM (
	SELECT
		sum(s.samples) AS samples,
		coalesce(p.comm, 'not known') AS command,
		CASE
			WHEN s.user = 0 THEN '[kernel]'
			WHEN t.leaf_path IS NULL THEN '[unknown]'
			ELSE replace(t.leaf_path, rtrim(t.leaf_path, replace(t.leaf_path, '/', '')), '')
		END AS object,
		iif(s.user = 0, '[k] ', '[.] ') || coalesce(t.leaf, '[no stack]') AS symbol
	FROM (
		SELECT process_id, stack_id, user, sum(n) AS samples
		FROM fault_sum
		WHERE bucket_ns BETWEEN :from - 999999999 AND :to
		AND coalesce(process_id, 0) IN (SELECT process_id FROM selected)
		GROUP BY process_id, stack_id, user
	) AS s
	LEFT JOIN process AS p ON p.id = s.process_id
	LEFT JOIN stack_text AS t ON t.stack_id = s.stack_id
	GROUP BY command, object, symbol
);

SELECT printf('Event count (approx.): %d', sum(samples)) AS note
FROM fault_function
HAVING count(*) > 0;

SELECT
	printf('%.2f%%', 100.0 * samples / (SELECT sum(samples) FROM fault_function)) AS Overhead,
	samples AS Samples,
	command AS Command,
	object AS "Shared Object",
	symbol AS Symbol
FROM fault_function
WHERE :top < 0
OR place <= :top
ORDER BY place;

SELECT printf('Left out (--top): %,d faults (lines: %,d).', sum(samples), count(*)) AS note
FROM fault_function
WHERE :top >= 0
AND place > :top
HAVING count(*) > 0;

SELECT 'No page fault was recorded.' AS note
WHERE NOT EXISTS (SELECT 1 FROM fault_function);

-- This report is incomplete
SELECT printf(words, sum(n)) AS note
FROM gap
WHERE (table_name IS NULL OR table_name = 'fault')
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY place, detail, words
ORDER BY place, detail;
