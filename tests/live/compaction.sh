#!/bin/sh
# A process asks the kernel to compact all memory: a row for each zone that has pages, with the watermarks of
# /proc/zoneinfo, and as many pages looked at as /proc/vmstat counts.
set -eu
. tests/live/common.sh
need compaction task
[ -w /proc/sys/vm/compact_memory ] || skip 'compaction cannot be asked for here'
counted() { awk -v key="$1" '$1 == key { print $2 }' /proc/vmstat; }

scanned_before=$(counted compact_migrate_scanned)
"$record" --heap=off -o "$dir/t.mtape" -- sh -c 'echo 1 > /proc/sys/vm/compact_memory'
scanned=$(($(counted compact_migrate_scanned) - scanned_before))

"$memtape" report compaction "$dir/t.mtape" --comm sh --format csv > "$dir/report"
cat "$dir/report"
equal 'the columns' "$(head -1 "$dir/report")" \
	'TIME,COMM,PID,NODE,ZONE,ORDER,MODE,LAT(ms),STATUS,MIN,LOW,HIGH,FREE,SCANNED,WHY'
sed '/^$/,$d' "$dir/report" | tail -n +2 > "$dir/rows"

# node zone min low high, in KB, of the zones with pages
awk '$1 == "Node" { node = $2; sub(",", "", node); zone = $4 }
	$1 == "min" { min = $2 } $1 == "low" { low = $2 } $1 == "high" { high = $2 }
	$1 == "managed" && $2 > 0 { print node "," zone "," min * 4 "," low * 4 "," high * 4 }' /proc/zoneinfo > "$dir/zones"
equal 'zones and their watermarks' "$(cut -d, -f4,5,10-12 "$dir/rows" | sort | tr '\n' ' ')" \
	"$(sort "$dir/zones" | tr '\n' ' ')"
equal 'order, mode and why' "$(cut -d, -f6,7,15 "$dir/rows" | sort -u)" -1,SYNC,asked
equal 'rows without a status' "$(cut -d, -f9 "$dir/rows" | grep -c '^$' || :)" 0

# Others may have compacted meanwhile.
ours=$(awk -F, '{ sum += $14 } END { print sum }' "$dir/rows")
all=$(query "$dir/t.mtape" 'SELECT sum(scanned_pages) FROM compaction')
echo "pages looked at: $ours of $all, the kernel counted $scanned"
[ "$ours" -gt 0 ] && [ "$all" -le "$scanned" ] && [ $((scanned - all)) -le $((scanned / 100)) ] || fail 'they differ'
query "$dir/t.mtape" 'SELECT folded FROM compaction JOIN stack_text USING (stack_id)' | grep -q ';write$' ||
	fail 'no stack of write'
