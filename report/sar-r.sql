-- Memory, second by second, as sar -r ALL prints it.
--
-- In kB. kbmemused is what is neither free nor in buffers, page cache and slab,
-- as sysstat counts it up to 12.7.7; kbcached has no reclaimable slab.
--
--   every   a line every so many seconds (1)

CREATE TEMP TABLE reading AS
SELECT
	session,
	max(ts_ns) AS ts_ns,
	MemTotal AS total,
	MemFree AS free,
	MemAvailable AS available,
	Buffers AS buffers,
	Cached AS cached,
	Slab AS slab,
	Committed_AS AS committed,
	SwapTotal AS swap_total,
	Active AS active,
	Inactive AS inactive,
	Dirty AS dirty,
	Shmem AS shmem,
	AnonPages AS anon,
	KernelStack AS stack,
	PageTables AS tables,
	VmallocUsed AS vmalloc,
	odd_lines
FROM meminfo
WHERE ts_ns BETWEEN :from AND :to
GROUP BY session, iif(:every > 1, ts_ns / (:every * 1000000000), ts_ns);

SELECT
	wall_time(ts_ns, session) AS time,
	free AS kbmemfree,
	available AS kbavail,
	max(total - free - buffers - cached - slab, 0) AS kbmemused,
	100.0 * max(total - free - buffers - cached - slab, 0) / nullif(total, 0) AS "%memused",
	buffers AS kbbuffers,
	cached AS kbcached,
	committed AS kbcommit,
	100.0 * committed / nullif(total + swap_total, 0) AS "%commit",
	active AS kbactive,
	inactive AS kbinact,
	dirty AS kbdirty,
	shmem AS kbshmem,
	anon AS kbanonpg,
	slab AS kbslab,
	stack AS kbkstack,
	tables AS kbpgtbl,
	vmalloc AS kbvmused
FROM reading
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
