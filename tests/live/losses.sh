#!/bin/sh
# With rings made too small on purpose, rows plus the loss report's count are what the program did, and the leak
# report says that it is incomplete.
set -eu
. tests/live/common.sh
need heap task

"$record" --max-memory=16K -o "$dir/t.mtape" -- "$O/tests/live/flood" 4000000 2 > "$dir/truth"
t=$dir/t.mtape
rows=$(query "$t" "SELECT count(*) FROM heap WHERE process_id = (SELECT id FROM process WHERE comm = 'flood')")
lost=$(query "$t" "SELECT coalesce(sum(lost_rows), 0) FROM loss WHERE table_name = 'heap' AND cause = 'ring full'")
calls=$(truth "$dir/truth" calls)
echo "$rows rows, $lost lost, $calls calls"
[ "$lost" -gt 0 ] || fail 'nothing was lost: the rings were not too small'
equal 'rows and losses' $((rows + lost)) "$calls"
"$memtape" report leaks "$t" > "$dir/report"
grep -qi 'incomplete' "$dir/report" || fail 'the leak report does not say that it is incomplete'
"$memtape" report losses "$t" --format csv > "$dir/losses"
grep -q 'ring full' "$dir/losses" || fail 'the loss report does not name the cause'
status=0
"$memtape" report leaks "$t" --strict > "$dir/report" || status=$?
equal 'exit status with --strict' $status 3
