-- Memory and swap, as free(1) prints them.
--
-- The state at the end of the window (--at), or with `every` a line each so
-- many seconds. Without `wide`, cache includes the buffers. used is what is not
-- available, as procps 4 counts it; `compat` has the older ways.
--
--   every   a line every so many seconds; 0: the end only (0)
--   wide    buffers and cache apart (off)
--   unit    b, k, m or g (k)
--   compat  4: total - available; 3: total - free - buffers - cache; 2: total - free (4)

CREATE TEMP TABLE unit AS
SELECT CASE :unit WHEN 'b' THEN 1024.0 WHEN 'm' THEN 1 / 1024.0 WHEN 'g' THEN 1 / 1048576.0 ELSE 1.0 END AS factor;

CREATE TEMP TABLE reading AS
SELECT
	session,
	max(ts_ns) AS ts_ns,
	MemTotal AS total,
	MemFree AS free,
	MemAvailable AS available,
	Shmem AS shared,
	Buffers AS buffers,
	Cached + coalesce(SReclaimable, 0) AS cache,
	SwapTotal AS swap_total,
	SwapFree AS swap_free,
	odd_lines
FROM meminfo
WHERE ts_ns BETWEEN :from AND :to
GROUP BY session, CASE WHEN :every <= 0 THEN 0 WHEN :every = 1 THEN ts_ns ELSE ts_ns / (:every * 1000000000) END;

CREATE TEMP TABLE state AS
SELECT
	session,
	ts_ns,
	CAST(total * factor AS INTEGER) AS total,
	CAST(factor * CASE
		WHEN :compat = 2 THEN total - free
		WHEN :compat = 3 THEN iif(free + buffers + cache <= total, total - free - buffers - cache, total - free)
		ELSE iif(available <= total, total - available, total - free)
	END AS INTEGER) AS used,
	CAST(free * factor AS INTEGER) AS free,
	CAST(shared * factor AS INTEGER) AS shared,
	CAST(buffers * factor AS INTEGER) AS buffers,
	CAST(cache * factor AS INTEGER) AS cache,
	CAST((buffers + cache) * factor AS INTEGER) AS buff_cache,
	CAST(available * factor AS INTEGER) AS available,
	CAST(swap_total * factor AS INTEGER) AS swap_total,
	CAST((swap_total - swap_free) * factor AS INTEGER) AS swap_used,
	CAST(swap_free * factor AS INTEGER) AS swap_free
FROM reading, unit;

SELECT
	memory,
	total,
	used,
	free,
	shared,
	"buff/cache",
	available,
	wall_time(ts_ns, session) AS time
FROM (
	SELECT session, ts_ns, 0 AS place, 'Mem' AS memory, total, used, free, shared, buff_cache AS "buff/cache", available
	FROM state
	UNION ALL
	SELECT session, ts_ns, 1, 'Swap', swap_total, swap_used, swap_free, NULL, NULL, NULL
	FROM state
)
WHERE :every <= 0
AND :wide = 0
ORDER BY session, place;

-- Memory and swap
SELECT
	memory,
	total,
	used,
	free,
	shared,
	buffers,
	cache,
	available,
	wall_time(ts_ns, session) AS time
FROM (
	SELECT session, ts_ns, 0 AS place, 'Mem' AS memory, total, used, free, shared, buffers, cache, available
	FROM state
	UNION ALL
	SELECT session, ts_ns, 1, 'Swap', swap_total, swap_used, swap_free, NULL, NULL, NULL, NULL
	FROM state
)
WHERE :every <= 0
AND :wide <> 0
ORDER BY session, place;

-- Over time
SELECT
	wall_time(ts_ns, session) AS time,
	total,
	used,
	free,
	shared,
	buffers,
	cache,
	available,
	swap_total,
	swap_used,
	swap_free
FROM state
WHERE :every > 0
ORDER BY session, ts_ns;

-- What is not seen
SELECT note
FROM (
	SELECT 'No /proc/meminfo was recorded in this window.' AS note
	WHERE NOT EXISTS (SELECT 1 FROM reading)
	UNION ALL
	SELECT printf('Values of /proc/meminfo that are no 64-bit numbers: %,d.', sum(odd_lines))
	FROM reading
	HAVING sum(odd_lines) > 0
);
