-- Swap areas at the end of the window, as swapon -s prints them: kB.

CREATE TEMP TABLE reading AS
SELECT session, ts_ns, filename, type, size_kb, used_kb, priority, odd_lines
FROM swaps
WHERE ts_ns BETWEEN :from AND :to;

CREATE TEMP TABLE was_read AS
SELECT session, max(ts_ns) AS ts_ns
FROM snapshot_tick
WHERE round = 1
AND ts_ns BETWEEN :from AND :to
GROUP BY session;

SELECT
	r.filename AS Filename,
	r.type AS Type,
	r.size_kb AS Size,
	r.used_kb AS Used,
	r.priority AS Priority
FROM was_read AS w
JOIN reading AS r ON r.session = w.session AND r.ts_ns = w.ts_ns
ORDER BY r.session, r.rowid;

-- What is not seen
SELECT note
FROM (
	SELECT 'There was no swap area.' AS note
	WHERE EXISTS (SELECT 1 FROM was_read)
	AND NOT EXISTS (SELECT 1 FROM was_read AS w JOIN reading AS r ON r.session = w.session AND r.ts_ns = w.ts_ns)
	UNION ALL
	SELECT 'No /proc/swaps was recorded in this window.'
	WHERE NOT EXISTS (SELECT 1 FROM was_read)
	UNION ALL
	SELECT printf('Values of /proc/swaps that are no 64-bit numbers: %,d.', sum(odd_lines))
	FROM reading
	HAVING sum(odd_lines) > 0
);
