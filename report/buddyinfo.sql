-- Free memory by the size of its blocks: fragmentation, at the end of the window.
--
-- A block of order n is 2^n pages. usable_kb is what is free in blocks of this
-- order or larger; unusable_pct how much of the zone's free memory is not, and
-- cannot serve such an allocation before it is compacted. change_kb is since the
-- window's first reading.

CREATE TEMP TABLE reading AS
SELECT b.session, b.ts_ns, b.node, b.zone, b.page_order, b.free_blocks, b.odd_lines
FROM buddyinfo AS b
WHERE b.ts_ns BETWEEN :from AND :to;

CREATE TEMP TABLE ends AS
SELECT session, min(ts_ns) AS first_ns, max(ts_ns) AS last_ns
FROM reading
GROUP BY session;

CREATE TEMP TABLE block AS
SELECT
	r.session,
	r.node,
	r.zone,
	min(r.rowid) AS place,
	r.page_order,
	sum(iif(r.ts_ns = e.last_ns, r.free_blocks, NULL)) AS free_blocks,
	s.page_size_bytes / 1024 << r.page_order AS block_kb,
	sum(iif(r.ts_ns = e.last_ns, r.free_blocks, NULL)) - sum(iif(r.ts_ns = e.first_ns, r.free_blocks, NULL))
		AS change
FROM ends AS e
JOIN session AS s ON s.session = e.session
JOIN reading AS r ON r.session = e.session
WHERE r.ts_ns IN (e.first_ns, e.last_ns)
GROUP BY r.session, r.node, r.zone, r.page_order;

SELECT
	node,
	zone,
	page_order AS "order",
	free_blocks,
	free_blocks * block_kb AS free_kb,
	change * block_kb AS change_kb,
	usable_kb,
	100.0 * (zone_kb - usable_kb) / nullif(zone_kb, 0) AS unusable_pct
FROM (
	SELECT
		*,
		sum(free_blocks * block_kb) OVER (PARTITION BY session, node, zone ORDER BY page_order DESC) AS usable_kb,
		sum(free_blocks * block_kb) OVER (PARTITION BY session, node, zone) AS zone_kb
	FROM block
)
ORDER BY session, node, min(place) OVER (PARTITION BY session, node, zone), page_order;

-- What is not seen
SELECT note
FROM (
	SELECT 'No /proc/buddyinfo was recorded in this window.' AS note
	WHERE NOT EXISTS (SELECT 1 FROM reading)
	UNION ALL
	SELECT printf('Values of /proc/buddyinfo that are no 64-bit numbers: %,d.', sum(odd_lines))
	FROM reading
	HAVING sum(odd_lines) > 0
);
