-- What was lost, when and why, and what the recorder counted.

SELECT 'Nothing was lost.' AS note
WHERE NOT EXISTS (
	SELECT 1
	FROM lost
	WHERE begin_ns <= :to
	AND ts_ns >= :from
);

-- Lost
SELECT
	table_name AS "table",
	cause,
	sum(lost_rows) AS lost_rows,
	count(*) AS gaps,
	wall_date(min(begin_ns), session) || ' ' || wall_time(min(begin_ns), session) AS first,
	wall_date(max(ts_ns), session) || ' ' || wall_time(max(ts_ns), session) AS last
FROM lost
WHERE begin_ns <= :to
AND ts_ns >= :from
GROUP BY session, table_name, cause
ORDER BY session, sum(lost_rows) DESC, table_name, cause;

-- Late: rows that stand behind younger ones; they are not lost
SELECT table_name AS "table", sum(lost_rows) AS late_rows
FROM loss
WHERE cause = 'late'
AND begin_ns <= :to
AND ts_ns >= :from
GROUP BY session, table_name
ORDER BY session, table_name;

-- Counted by the recorder when it ended
WITH ended AS (
	SELECT session, name, max(value) AS value
	FROM counter
	GROUP BY session, name
)
SELECT
	substr(name, 1, instr(name, '.') - 1) AS record,
	max(iif(name LIKE '%.seen', value, NULL)) AS seen,
	max(iif(name LIKE '%.dropped', value, NULL)) AS dropped,
	max(iif(name LIKE '%.taken', value, NULL)) AS taken
FROM ended
WHERE name LIKE '%.seen'
OR name LIKE '%.dropped'
OR name LIKE '%.taken'
GROUP BY session, record
ORDER BY session, record;

-- Frames without a name, by image: `memtape symbolize` finds names by build id
SELECT nameless, frames, coalesce(build_id, '-') AS build_id, coalesce(path, '[no image]') AS path
FROM image_names
WHERE nameless > 0
ORDER BY nameless DESC, path, image_id;

-- Of the recorder itself
SELECT name, max(value) AS value
FROM counter
WHERE name NOT LIKE '%.seen'
AND name NOT LIKE '%.dropped'
AND name NOT LIKE '%.taken'
GROUP BY session, name
ORDER BY session, name;
