#!/bin/sh
# rows + reported losses + kernel-made faults = what getrusage counted: exactly for one thread, within 0.1 % for
# eight. Kernel-made faults (MAP_POPULATE) are the memcg's PGFAULT less the software events.
set -eu
. tests/live/common.sh
need fault fault_total task

# The faults of the process before its recording began are in faults_before, of its child none.
sums="SELECT (SELECT count(*) FROM fault),
	(SELECT coalesce(sum(lost_rows), 0) FROM loss WHERE table_name = 'fault' AND cause <> 'stack not taken'),
	(SELECT sum(handled_faults) - sum(software_faults) FROM fault_total),
	(SELECT sum(faults_before) FROM process)"

check() { # THREADS ALLOWED
	rm -f "$dir/t.mtape"
	"$record" --heap=off -o "$dir/t.mtape" -- "$oracle" faults 64 "$1" > "$dir/truth"
	sums_got=$(query "$dir/t.mtape" "$sums")
	total=$(echo "$sums_got" | awk -F, '{ print $1 + $2 + $3 + $4 }')
	wanted=$(($(truth "$dir/truth" end_minflt) + $(truth "$dir/truth" end_majflt)))
	echo "$1 threads: rows, lost, kernel-made, before: $sums_got = $total; getrusage $wanted"
	off=$((total - wanted))
	[ "${off#-}" -le "$2" ] || fail "off by $off"
	major=$(query "$dir/t.mtape" 'SELECT count(*) FROM fault WHERE kind = 2')
	equal 'major faults' "$major" "$(truth "$dir/truth" end_majflt)"
}

check 1 0
check 8 $((64 * 256 / 1000))
kernel=$(query "$dir/t.mtape" 'SELECT sum(handled_faults) - sum(software_faults) FROM fault_total')
[ "$kernel" -ge "$(truth "$dir/truth" populated_pages)" ] || fail "only $kernel kernel-made faults"
writes=$(query "$dir/t.mtape" 'SELECT count(*) FROM fault WHERE access = 2 AND user = 1')
[ "$writes" -ge "$(truth "$dir/truth" anonymous_pages)" ] || fail "only $writes writes"
