#!/bin/sh
# Every report that there is, of one recording, answers the same from the trace and from the database made of it, in each
# format, and says nothing on standard error.
set -eu
. tests/live/common.sh
need fault task
"$record" -o "$dir/t.mtape" -- sh -c 'python3 -c "
import mmap
memory = mmap.mmap(-1, 4 << 20)
for page in range(0, len(memory), 4096): memory[page] = 1
"; ls -R /proc/self/task > /dev/null' > /dev/null 2> "$dir/err" || fail "$(cat "$dir/err")"
"$memtape" analyze "$dir/t.mtape" -o "$dir/t.db" > "$dir/analysis" 2> "$dir/err" || fail "$(cat "$dir/err")"

ask() { # REPORT FORMAT FILE OUTPUT
	"$memtape" report "$1" "$dir/$3" --format "$2" > "$dir/$4" 2> "$dir/err" || fail "report $1 $3: $(cat "$dir/err")"
	[ ! -s "$dir/err" ] || fail "report $1 $3 says: $(cat "$dir/err")"
}

n=0
for report in $("$memtape" report | awk '{ print $1 }'); do
	for format in table json; do
		ask "$report" $format t.mtape trace
		ask "$report" $format t.db database
		[ -s "$dir/trace" ] || fail "report $report is empty"
		cmp -s "$dir/trace" "$dir/database" ||
			fail "report $report, $format: $(diff "$dir/trace" "$dir/database" | head -20)"
		n=$((n + 1))
	done
	python3 -c 'import json, sys; json.load(sys.stdin)' < "$dir/trace" || fail "report $report is no JSON"
done
echo "$n answers are the same from both"
[ $n -gt 60 ]
