#!/bin/sh
# What a recording cannot be made of is refused with one line that names it and the exit status of the manual (1 failed,
# 2 wrong usage), and leaves nothing behind; what ends early is a whole recording all the same.
set -eu
. tests/live/common.sh
need fault task
case $O in /*) ;; *) O=$PWD/$O record=$PWD/$record memtape=$PWD/$memtape oracle=$PWD/$oracle ;; esac
work=$dir/work
mkdir "$work"
cd "$work"
disk=
sleeper=
cleanup() {
	[ -z "$sleeper" ] || kill -KILL "$sleeper" 2>/dev/null || :
	[ -z "$disk" ] || umount "$disk"
}

# The line that says what recording costs other processes is no complaint.
complaints() {
	grep -v 'every process that uses this C library pays' "$dir/err" || :
}

nothing_left() { # WHAT
	[ -z "$(ls -A "$work")" ] || fail "$1: left behind: $(ls -A "$work")"
}

# refused STATUS PATTERN COMMAND...: one line, or with status 2 a second one that says where help is
refused() {
	status=$1 pattern=$2
	shift 2
	got=0
	"$@" > "$dir/out" 2> "$dir/err" || got=$?
	echo "$(complaints | head -1) [$got]"
	[ "$got" = "$status" ] || fail "exit status $got, not $status: $*"
	[ ! -s "$dir/out" ] || fail "writes to standard output: $*"
	complaints | head -1 | grep -q "^[^ ]*memtape.*: .*$pattern" || fail "does not say '$pattern': $(cat "$dir/err")"
	[ "$status" = 1 ] || sed -i '2{/^Try .*--help/d}' "$dir/err"
	[ "$(complaints | wc -l)" = 1 ] || fail "not one line: $(cat "$dir/err")"
	nothing_left "$*"
}

# whole FILE REASON: a complete recording
whole() {
	equal "$1" "$(query "$1" 'SELECT group_concat(reason) FROM "end"')" "$2"
	"$memtape" info "$1" > "$dir/info" 2> "$dir/err" || fail "info: $(cat "$dir/err")"
	grep -q "complete  yes: $2" "$dir/info" || fail "not complete: $(cat "$dir/info")"
	[ ! -s "$dir/err" ] || fail "info: $(cat "$dir/err")"
}

# ---- wrong usage

refused 2 'procfs reads recorded files' "$record" --procfs /proc -p 1 -o t.mtape
refused 2 'procfs reads recorded files' "$record" --procfs /proc -o t.mtape -- true
refused 2 "'--dration'" "$record" --dration 3 -- true
refused 2 "'y'" "$record" -y -- true
refused 2 "soon" "$record" -d soon -- true
refused 2 "0" "$record" -d 0 -- true
refused 2 "-1s" "$record" -d -1s -- true
refused 2 "nan" "$record" -d nan -- true
refused 2 "12X" "$record" --max-memory 12X -- true
refused 2 "preloud" "$record" --heap=preloud -- true
refused 2 "12a" "$record" -p 12a -o t.mtape
refused 2 "process id: 0" "$record" -p 0
refused 2 "process id: 99999999" "$record" -p 99999999
refused 2 "process id: *\$" "$record" -p "$$,"
refused 2 'only one of them' "$record" -p $$ -- true
refused 2 "--heap" "$record" --heap=uprobe
refused 2 "'recrod'" "$memtape" recrod -o t.mtape -- true
refused 2 "'-q'" "$memtape" -q

# ---- what is not there

missing=$(cat /proc/sys/kernel/pid_max)
refused 1 "process $missing: there is no such process" "$record" -p "$missing" -o t.mtape
refused 1 "process $missing: there is no such process" "$memtape" record -p "$$,$missing" -o t.mtape
python3 -c 'import threading, time
thread = threading.Thread(target=time.sleep, args=(100,), daemon=True)
thread.start()
print(thread.native_id, flush=True)
time.sleep(100)' > "$dir/tid" &
sleeper=$!
until [ -s "$dir/tid" ]; do sleep 0.1; done
refused 1 "process $(cat "$dir/tid"): there is no such process" "$record" -p "$(cat "$dir/tid")" -o t.mtape
kill "$sleeper"
sleeper=
refused 1 '/no/such/command: No such file' "$record" -o t.mtape -- /no/such/command --help
refused 1 'no-such-command: No such file' "$record" --heap=off -o t.mtape no-such-command
refused 1 '/etc/passwd: Permission denied' "$record" --heap=off -o t.mtape -- /etc/passwd
refused 1 'no/t.mtape: No such file' "$record" --heap=off -o no/t.mtape -- touch touched
refused 1 '/proc/t.mtape: ' "$record" --heap=off -o /proc/t.mtape -- touch touched

# A file that is called - is not standard output.
echo kept > -
"$record" -o - -- /no/such/command > "$dir/out" 2> "$dir/err" && fail 'a command that is not there: exit status 0'
equal 'a file called -' "$(cat ./-)" kept
rm ./-

# ---- an output that cannot be

echo kept > t.mtape
for output in t.mtape /dev/full "$work"; do
	got=0
	"$record" --heap=off -o "$output" -- touch touched 2> "$dir/err" || got=$?
	equal "exit status with -o $output" $got 1
	equal complaint "$(complaints)" "memtape record: $output: File exists"
done
equal 'the output that was there' "$(cat t.mtape)" kept
rm t.mtape
nothing_left 'an output that exists'

# ---- what ends at once is a whole recording

"$record" -o "$dir/command.mtape" -- true
whole "$dir/command.mtape" 'target ended'
equal 'exits of the command' "$(query "$dir/command.mtape" "SELECT count(*) FROM exit
	JOIN process ON process.id = process_id WHERE comm = 'true' AND last = 1 AND code = 0")" 1
"$record" --heap=off -o "$dir/false.mtape" -- false || fail "the command's exit status is the recorder's"
whole "$dir/false.mtape" 'target ended'

# It ends when the recorder has found it, and before it can be attached to.
sleep 100 &
sleeper=$!
"$record" -p "$sleeper" -o "$dir/process.mtape" &
recorder=$!
for _ in $(seq 1000); do
	ls -l "/proc/$recorder/fd" 2>/dev/null | grep -q pidfd && break
done
kill "$sleeper"
wait "$sleeper" || :
sleeper=
wait "$recorder" || fail "a process that ends at once: exit status $?"
whole "$dir/process.mtape" 'target ended'

# A process that is named twice is recorded once.
"$oracle" wait heap 10 > "$dir/truth" &
sleeper=$!
until grep -qs ready "$dir/truth"; do sleep 0.1; done
"$record" -p "$sleeper" -p "$sleeper,$sleeper" -o "$dir/twice.mtape" &
recorder=$!
until [ -s "$dir/twice.mtape" ]; do sleep 0.1; done
kill -USR1 "$sleeper"
wait "$sleeper"
sleeper=
wait "$recorder"
equal 'processes of a pid' "$(query "$dir/twice.mtape" 'SELECT target_text FROM session LIMIT 1' | grep -c ,)" 0
if grep -q '^heap  *used' "$dir/check"; then
	equal 'frees of a block' "$(query "$dir/twice.mtape" "SELECT coalesce(sum(n), 0) FROM heap_note
		JOIN stack_text USING (stack_id) WHERE note = 'unmatched free' AND caller_path LIKE '%/oracle'")" 0
fi

# ---- a pipe

"$record" -o - -- true 2> "$dir/err" | tee "$dir/piped.mtape" | zstdcat > "$dir/raw" ||
	fail 'zstdcat does not read what comes out of a pipe'
[ -s "$dir/raw" ] || fail 'nothing came through the pipe'
whole "$dir/piped.mtape" 'target ended'
nothing_left 'a pipe'

# ---- a full disk: the command goes on, what was written reads

disk=$dir/disk
mkdir "$disk"
mount -t tmpfs -o size=64k none "$disk" || { disk= && skip 'cannot mount a small disk; all else is right'; }
for heap in off uprobe; do
	got=0
	"$record" --heap=$heap -o "$disk/t.mtape" -- sh -c "exec $oracle faults 200 > $dir/truth" 2> "$dir/err" || got=$?
	equal 'exit status with a full disk' $got 1
	equal complaint "$(complaints)" "memtape record: $disk/t.mtape: cannot write: No space left on device"
	for _ in $(seq 100); do
		grep -q end_majflt "$dir/truth" && break
		sleep 0.1
	done
	truth "$dir/truth" populated_pages > /dev/null || fail 'the command did not go on'
	"$memtape" info "$disk/t.mtape" > "$dir/info" || fail "what was written does not read"
	grep -q 'complete  no: ' "$dir/info" || fail "it does not say that it is incomplete: $(cat "$dir/info")"
	"$memtape" report overview "$disk/t.mtape" > "$dir/out" 2> "$dir/err" || fail "$(cat "$dir/err")"
	rm "$disk/t.mtape"
done
nothing_left 'a full disk'
