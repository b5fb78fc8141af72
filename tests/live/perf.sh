#!/bin/sh
# perf-stat and perf-report against perf itself, on the same run of the same program.
set -eu
. tests/live/common.sh
need fault task
perf --version > /dev/null 2>&1 || skip 'no perf'
events=page-faults,minor-faults,major-faults
regions=$O/tests/live/regions
t=$dir/t.mtape

perf stat -e page-faults true 2> "$dir/perf" || skip "perf stat: $(tail -1 "$dir/perf")"
"$record" --heap=off -o "$t" -- perf stat -x, -e $events -o "$dir/perf" "$regions" "$(realpath "$dir")/scratch" > "$dir/truth"
"$memtape" report perf-stat "$t" --comm regions --format csv > "$dir/all"
sed '/^$/,$d' "$dir/all" > "$dir/stat"
cat "$dir/perf" "$dir/all"
for event in page-faults minor-faults major-faults; do
	theirs=$(awk -F, -v event=$event '$3 == event || $3 == event ":u" { print $1 }' "$dir/perf")
	ours=$(awk -F, -v event=$event '$2 == event { print $1 }' "$dir/stat")
	echo "$event: $ours, perf $theirs"
	# perf counts the program from a little earlier: while it is mapped, by exec.
	[ "$ours" -le $((theirs + 1)) ] && [ "$ours" -ge $((theirs - 12)) ] || fail "perf-stat is not perf's in $event"
done
# The program's own are exact; the kernel's count for it has those of exec too, which a program that was just built makes.
major=$(awk -F, '$2 == "major-faults" { print $1 }' "$dir/stat")
[ "$major" -ge "$(truth "$dir/truth" major_major)" ] && [ "$major" -le "$(truth "$dir/truth" stat_major)" ] ||
	fail "major faults: $major, not $(truth "$dir/truth" major_major) to $(truth "$dir/truth" stat_major)"
elapsed=$(awk '/seconds time elapsed/ { print $1 }' "$dir/all" | tr -d '"')
needed=$(awk '$1 ~ /_ns$/ { ns += $2 } END { print ns / 1e9 }' "$dir/truth")
echo "elapsed: $elapsed s, the program's parts took $needed s"
awk -v elapsed="$elapsed" -v needed="$needed" 'BEGIN { exit !(elapsed >= needed && elapsed < needed + 5) }' ||
	fail 'the elapsed time is wrong'

# Functions, where each page is one fault: perf's samples are at the fault's instruction, one for each fault.
rm -f "$t" "$dir/scratch"
"$record" --heap=off -o "$t" -- perf record --buildid-mmap -q -e page-faults -c 1 -o "$dir/data" \
	"$regions" "$(realpath "$dir")/scratch" > "$dir/truth"
perf report -i "$dir/data" --stdio -n -q --sort comm,dso,symbol 2>"$dir/errors" |
	awk '$3 == "regions" && $4 == "regions" && $6 ~ /^touch_/ && $6 != "touch_stack" { print $6, $2 }' | sort > "$dir/theirs"
"$memtape" report perf-report "$t" --comm regions --top -1 --format csv |
	awk -F, '$3 == "regions" && $4 == "regions" && $5 ~ /touch_/ && $5 !~ /touch_stack/ { sub(/^\[\.\] /, "", $5); print $5, $2 }' | sort > "$dir/ours"
cat "$dir/ours"
[ "$(grep -c . "$dir/ours")" -ge 8 ] || fail 'functions are missing'
diff "$dir/theirs" "$dir/ours" || fail "perf-report is not perf's"
