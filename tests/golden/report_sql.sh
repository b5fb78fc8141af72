#!/bin/sh
# SELECT is answered, everything else refused.
. tests/golden/report.inc

ask sql alpha.db "SELECT pid, comm FROM process ORDER BY pid, exec_count"
ask sql alpha.db "SELECT pid, comm FROM process ORDER BY pid, exec_count;" --format json
ask sql alpha.db "SELECT wall_time(start_ns, session) AS t, wall_date(start_ns, session) AS d FROM session" --format csv
ask sql alpha.db "SELECT snapshot_value(content_text, 'MemAvailable') AS kb FROM snapshot_system WHERE path LIKE '%meminfo' ORDER BY ts_ns"
ask sql alpha.db "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 3) SELECT i FROM c"
ask sql alpha.db "SELECT n, folded AS stack FROM fault_sum JOIN stack_text USING (stack_id) WHERE n = 700" --format folded
for statement in "DELETE FROM process" "UPDATE process SET pid = 1" "DROP TABLE process" \
	"CREATE TABLE x (y)" "CREATE TEMP TABLE x (y)" "ATTACH 'new.db' AS new" "PRAGMA user_version = 5" \
	"PRAGMA user_version" "VACUUM INTO 'new.db'" "BEGIN" "SELECT 1; SELECT 2" "" ";" \
	"SELECT x" "SELEC 1" "SELECT load_extension('x')" "SELECT abs(-9223372036854775807 - 1)"; do
	ask sql alpha.db "$statement"
done
[ ! -e new.db ] || echo 'new.db was made'
ask sql alpha.db
ask sql alpha.db "SELECT 1" --format xml
finish
