-- The kernel's log, as dmesg prints it.
--
-- Stamps are the log's own, seconds since boot. Lines that were there before
-- the recording began come with `old`.
--
--   old    also lines from before the recording (off)
--   level  only lines of this level and more urgent ones: 0 emergency, 3 error, 4 warning, 7 all (7)

SELECT
	iif(stamp_us IS NULL, '', printf('[%12.6f] ', stamp_us / 1e6)) || message_text AS note
FROM kmsg
WHERE ts_ns BETWEEN :from AND :to
AND (:old <> 0 OR old = 0)
AND priority & 7 <= :level
ORDER BY session, sequence;

-- What is not seen
SELECT note
FROM (
	SELECT 'No line of the kernel''s log is in this window; --old shows those from before the recording.' AS note
	WHERE NOT EXISTS (
		SELECT 1
		FROM kmsg
		WHERE ts_ns BETWEEN :from AND :to
		AND (:old <> 0 OR old = 0)
	)
	UNION ALL
	SELECT printf('Lines that were overwritten before they could be read: %,d.', sum(lost_rows))
	FROM loss
	WHERE table_name = 'kmsg'
	AND begin_ns <= :to
	AND ts_ns >= :from
	HAVING sum(lost_rows) > 0
);
