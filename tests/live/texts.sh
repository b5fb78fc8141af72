#!/bin/sh
# What is recorded as text: every process once, those that come and go, in steps; nothing of command lines unless asked;
# what has not changed is not written again, and what could not be read is told from it.
set -eu
. tests/live/common.sh
[ "$(id -u)" = 0 ] || skip 'needs root'
sleeper=
cleanup() { [ -z "$sleeper" ] || kill "$sleeper"; }

sleep 1000.125 &
sleeper=$!
# A process that comes and goes every few milliseconds, with 300 that only sleep.
cat > "$dir/churn.sh" <<'END'
i=0
while [ $i -lt 300 ]; do sleep 4 & i=$((i + 1)); done
end=$(($(date +%s) + 4))
while [ "$(date +%s)" -lt $end ]; do true & wait $!; /bin/true; done
wait
END
"$record" --heap=off --stacks=none -e -fault -i 1s -d 7s -o "$dir/t.mtape" 2> "$dir/errors" &
recorder=$!
for _ in $(seq 200); do # until it has begun
	[ ! -s "$dir/t.mtape" ] || break
	sleep 0.1
done
sh "$dir/churn.sh"
wait $recorder

# The sleeper: there from the first round on, written once and joined with its process.
equal 'the sleeper' "$(query "$dir/t.mtape" "SELECT p.comm, s.pid, count(*) FROM process_stat AS s
	JOIN process AS p ON p.id = s.process_id WHERE p.pid = $sleeper AND s.pid = $sleeper")" "sleep,$sleeper,1"
equal 'its start' "$(query "$dir/t.mtape" "SELECT p.start_ticks = s.starttime FROM process_stat AS s
	JOIN process AS p ON p.id = s.process_id WHERE p.pid = $sleeper")" 1
rounds=$(query "$dir/t.mtape" 'SELECT count(*) FROM snapshot_tick WHERE round = 3')
echo "$rounds rounds over all processes"
[ "$rounds" -ge 4 ] || fail 'too few'

# Those 300 were seen, and that they ended.
seen=$(query "$dir/t.mtape" "SELECT count(DISTINCT process_id) FROM process_stat WHERE comm = 'sleep'")
gone=$(query "$dir/t.mtape" "SELECT count(*) FROM snapshot_process AS s JOIN process AS p ON p.id = s.process_id
	WHERE p.comm = 'sleep' AND s.file_path = 'stat' AND s.content_text IS NULL")
echo "$seen sleeping processes seen, $gone gone"
[ "$seen" -ge 301 ] && [ "$gone" -ge 300 ] || fail 'some are missing'
equal 'of an ended process nothing follows' "$(query "$dir/t.mtape" "SELECT count(*) FROM snapshot_process AS s JOIN (
	SELECT process_id, min(ts_ns) AS ts_ns FROM snapshot_process WHERE file_path = 'stat' AND content_text IS NULL
	GROUP BY process_id) AS e ON e.process_id = s.process_id WHERE s.ts_ns > e.ts_ns")" 0
equal 'processes of one pid and start' "$(query "$dir/t.mtape" 'SELECT count(*) FROM (
	SELECT 1 FROM process WHERE start_ticks > 0 GROUP BY pid, start_ticks, exec_count HAVING count(*) > 1)')" 0

# The process table at the end has it, as the real one has.
"$memtape" report ps "$dir/t.mtape" --pid "$sleeper" --format csv > "$dir/ps"
cat "$dir/ps"
grep -q "^root,$sleeper,0.0," "$dir/ps" && grep -q '\[sleep\]$' "$dir/ps" || fail 'ps does not know the sleeper'

# Command lines only when asked for.
equal 'words without --cmdline' "$(query "$dir/t.mtape" 'SELECT count(*) FROM snapshot_cmdline')" 0
! zstdcat "$dir/t.mtape" | grep -aq '1000\.125' || fail 'a command line is in the trace'
"$record" --heap=off --stacks=none -e -fault -d 1s --cmdline -o "$dir/words.mtape" 2>> "$dir/errors"
equal 'words with --cmdline' "$(query "$dir/words.mtape" "SELECT cmdline FROM snapshot_cmdline AS s
	JOIN process AS p ON p.id = s.process_id WHERE p.pid = $sleeper")" 'sleep 1000.125'

# Mappings only of what is named, at its beginning and end; kbytes as the kernel says
"$record" --heap=off --stacks=none -e -fault -d 2s -p "$sleeper" -o "$dir/named.mtape" 2>> "$dir/errors"
equal 'mappings of' "$(query "$dir/named.mtape" "SELECT group_concat(DISTINCT p.pid) FROM process_maps AS s
	JOIN process AS p ON p.id = s.process_id")" "$sleeper"
equal 'resident' "$("$memtape" report pmap "$dir/named.mtape" --format csv | awk -F, '$2 == "total kB" { print $4 }')" \
	"$(awk '/^Rss:/ { sum += $2 } END { print sum }' "/proc/$sleeper/smaps")"
