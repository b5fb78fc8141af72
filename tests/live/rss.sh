#!/bin/sh
# A process grows and shrinks in steps, in anonymous memory, shared memory and a file; after each it says what
# /proc/self/status has. The row before that moment must say the same, but for a step that is too small for a row, and
# for what the CPUs keep to themselves.
set -eu
. tests/live/common.sh
need rss task
pressure=$O/tests/live/pressure
"$record" --heap=off -o "$dir/t.mtape" -- "$pressure" rss 48 6 > "$dir/truth"
pid=$(truth "$dir/truth" pid)
query "$dir/t.mtape" "SELECT ts_ns, anon_pages * 4, file_pages * 4, shmem_pages * 4 FROM rss
	JOIN process ON process.id = process_id WHERE pid = $pid AND comm = 'pressure' ORDER BY ts_ns" > "$dir/rows"
cpus=$(getconf _NPROCESSORS_CONF)
batch=$((cpus > 16 ? 2 * cpus : 32))

# Each said line and the last row before it.
awk -F '[ ,]' -v kept=$((batch * cpus * 4)) '
	NR == FNR { ts[NR] = $1; for (k = 2; k <= 4; k++) row[NR, k] = $k; n = NR; next }
	$1 == "at" {
		while (i < n && ts[i + 1] + 0 <= $2 + 0)
			i++
		all = $3 + $4 + $5
		allowed = (all / 100 > 1024 ? all / 100 : 1024) + kept
		for (k = 2; k <= 4; k++) {
			off = row[i, k] - $(k + 1)
			if (off < 0)
				off = -off
			if (off > most)
				most = off
			if (off > allowed) {
				print "at " $2 " kind " k " is " row[i, k] " KB, not " $(k + 1)
				bad++
			}
		}
		said++
	}
	END {
		print said " moments, " n " rows, at most " most " KB off"
		exit bad > 0 || said != 21
	}' "$dir/rows" "$dir/truth" || fail 'the rows are not what the process says'

# The peak, as the process had it; and a step in a file belongs to no other kind.
"$memtape" report rss "$dir/t.mtape" --pid "$pid" --comm pressure --format csv > "$dir/report"
cat "$dir/report"
said=$(awk '$1 == "at" { sum = $3 + $4 + $5; if (sum > most) most = sum } END { print most }' "$dir/truth")
peak=$(sed -n 2p "$dir/report" | cut -d, -f1)
echo "the peak is $peak KB, the process says $said"
[ "$peak" -le $((said + 1024)) ] && [ "$peak" -ge $((said - said / 50 - 1024)) ] || fail 'the peak is wrong'
