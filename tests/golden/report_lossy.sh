#!/bin/sh
# What was lost stands beside the numbers that it touches, and --strict makes it an exit status.
. tests/golden/report.inc

ask report losses alpha.db --strict
sqlite3 alpha.db "DELETE FROM end;
	UPDATE info SET value = 0 WHERE key = 'ended_sessions'"
ask report leaks alpha.db --top 1 --strict
sqlite3 alpha.db "INSERT INTO loss VALUES
		(0, 1004000000000, 1003000000000, 'heap', 'ring full', 1, 1000, 0),
		(0, 1005000000000, 1004000000000, 'heap', 'ring full', 0, 234, 0),
		(0, 1005000000000, 1004000000000, 'fault', 'map full', NULL, 7, 1),
		(0, 1005000000000, 1004000000000, 'reclaim', 'ring full', NULL, 1, 0);
	UPDATE process SET incomplete = 1 WHERE id = 102"
for report in leaks faults vmscan losses overview; do
	ask report $report alpha.db
done
ask report leaks alpha.db --to +10s --strict --format folded
ask report losses alpha.db --to +2s --strict
sqlite3 alpha.db "UPDATE info SET value = 2 WHERE key = 'damaged_blocks';
	INSERT INTO info VALUES ('first_damage_offset', 4096), ('first_damage', 'damaged block at byte 4096: the checksum of its content is wrong')"
ask report sources alpha.db
ask report sources alpha.db --strict
sqlite3 alpha.db "DELETE FROM heap_site; DELETE FROM heap_note; DELETE FROM fault_sum; DELETE FROM fault_latency"
ask report leaks alpha.db
ask report faults alpha.db
finish
