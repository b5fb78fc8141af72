#!/bin/sh
# However a recording ends, the command and its children run on, everything until then is in the trace, and nothing
# stays in the kernel.
set -eu
. tests/live/common.sh
for tool in bpftool python3; do
	command -v $tool > /dev/null || skip "$tool is not installed"
done
need heap fault task
case $oracle in /*) ;; *) oracle=$PWD/$oracle ;; esac
recorder= target= command=
cleanup() {
	for pid in $recorder $target $command; do
		kill -KILL "$pid" 2>/dev/null || :
	done
}

# until_true SECONDS WHAT COMMAND...
until_true() {
	tries=$(($1 * 10)) what=$2
	shift 2
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "waited in vain: $what"
		sleep 0.1
	done
}

# A command that does known work, says that it is done, and stays.
cat > "$dir/command" <<END
echo \$\$ > $dir/pid
$oracle heap 100 > $dir/truth
touch $dir/done
exec sleep 1000
END

start_command() { # TRACE OPTION...
	rm -f "$dir/pid" "$dir/done" "$dir/truth"
	"$record" -o "$@" -- sh "$dir/command" &
	recorder=$!
	until_true 60 'the command' test -s "$dir/pid"
	command=$(cat "$dir/pid")
}

sleeps() { # PID
	[ "$(cat "/proc/$1/comm")" = sleep ]
}

# It outlived its recorder.
stop_command() {
	until_true 10 'the command' sleeps "$command"
	kill "$command"
	command=
}

# The recorder ends, with that status.
end_recorder() { # STATUS
	status=0
	wait "$recorder" || status=$?
	recorder=
	equal 'exit status of the recorder' $status "$1"
}

check_site() { # TRACE SITE
	equal "$2" "$(query "$1" "SELECT sum(held), sum(held_bytes) FROM heap_site JOIN stack_text USING (stack_id)
		WHERE held > 0 AND ';' || folded LIKE '%;$2;%'")" \
		"$(truth "$dir/truth" "$2_blocks"),$(truth "$dir/truth" "$2_bytes")"
}

check_workload() { # TRACE
	for site in leak_malloc leak_calloc leak_realloc leak_thread leak_child leak_after_exec; do
		check_site "$1" $site
	done
}

# ---- what the command is given: signals, open files, input

cat > "$dir/given" <<'END'
grep -E '^(Sig|Shd)(Ign|Blk|Cgt|Pnd)' /proc/self/status
ls /proc/self/fd
cat
END
echo input | sh "$dir/given" > "$dir/without"
echo input | "$record" -o "$dir/given.mtape" -- sh "$dir/given" > "$dir/with"
diff "$dir/without" "$dir/with" || fail 'the command is given something else'
equal 'its input' "$(tail -1 "$dir/with")" input

# ---- signals that ask for an end

for signal in INT TERM HUP; do
	t=$dir/$signal.mtape
	start_command "$t"
	until_true 60 'its work' test -e "$dir/done"
	kill -$signal $recorder
	end_recorder 0
	equal "reason after SIG$signal" "$(query "$t" 'SELECT group_concat(reason) FROM "end"')" signal
	"$memtape" info "$t" | grep -q 'complete  yes' || fail "not complete after SIG$signal"
	check_workload "$t"
	stop_command
done

# ---- SIGKILL

# The programs, maps and links of a process, a line "KIND ID" each
kernel_objects() { # PID
	sed -n 's/^\(prog\|map\|link\)_id:[[:space:]]*/\1 /p' /proc/"$1"/fdinfo/* 2>/dev/null | sort -u
}

objects_gone() { # FILE
	while read -r kind id; do
		! bpftool $kind show id "$id" > /dev/null 2>&1 || return 1
	done < "$1"
}

# Whether the C library's code is in a process as it is in the file: probes change it.
code_is_pristine() { # PID
	python3 - "$1" <<'END'
import sys
same = set()
for line in open('/proc/%s/maps' % sys.argv[1]):
    field = line.split()
    if field[1][2] == 'x' and field[-1].endswith('/libc.so.6'):
        start, end = (int(text, 16) for text in field[0].split('-'))
        with open('/proc/%s/mem' % sys.argv[1], 'rb') as memory, open(field[-1], 'rb') as file:
            memory.seek(start)
            file.seek(int(field[2], 16))
            code = file.read(end - start)
            same.add(memory.read(len(code)) == code)
sys.exit(same != {True})
END
}

has_rows() { # TRACE
	[ "$(query "$1" 'SELECT count(*) FROM heap' 2>/dev/null || echo 0)" -gt 1000 ]
}

check_prefix() { # TRACE
	"$memtape" info "$1" > "$dir/info" || fail 'info does not read it'
	grep -q 'complete  no: ' "$dir/info" || fail "not called incomplete: $(cat "$dir/info")"
	has_rows "$1" || fail 'the rows are gone'
	equal 'ends' "$(query "$1" 'SELECT count(*) FROM "end"' 2>/dev/null)" 0
}

"$oracle" wait order 6 2 > "$dir/truth" &
target=$!
until_true 60 'the target' grep -q ready "$dir/truth"
until_true 60 'another recorder to end' code_is_pristine $target
"$record" -p $target -o "$dir/killed.mtape" &
recorder=$!
until_true 60 'the recording' test -s "$dir/killed.mtape"
kill -USR1 $target
until_true 60 'rows' has_rows "$dir/killed.mtape"
kernel_objects $recorder > "$dir/objects"
echo "the recorder has $(grep -c prog "$dir/objects") programs, $(grep -c map "$dir/objects") maps"
[ "$(grep -c prog "$dir/objects")" -ge 10 ] || fail 'its programs were not found'
! objects_gone "$dir/objects" || fail 'its programs are not seen'
! code_is_pristine $target || fail 'its probes are not seen'
kill -KILL $recorder
end_recorder 137
until_true 20 'programs, maps and links to go' objects_gone "$dir/objects"
until_true 20 "the target's code to be as it was" code_is_pristine $target
status=0
wait $target || status=$?
target=
equal 'exit status of the target' $status 0
equal 'what the target did' "$(truth "$dir/truth" leak_order_blocks)" 32
check_prefix "$dir/killed.mtape"

# The recorder of a command: what it has attached, it has for every process.
start_command "$dir/killed-command.mtape"
kernel_objects $recorder > "$dir/objects"
kill -KILL $recorder
end_recorder 137
until_true 20 'programs, maps and links to go' objects_gone "$dir/objects"
until_true 60 'its work, after its recorder was killed' test -e "$dir/done"
truth "$dir/truth" leak_malloc_blocks > /dev/null || fail 'the command did not do its work'
stop_command

# ---- a time

t=$dir/timed.mtape
start_command "$t" -d 5s
end_recorder 0
equal 'reason after its time' "$(query "$t" 'SELECT group_concat(reason) FROM "end"')" duration
lasted=$(query "$t" 'SELECT (SELECT ts_ns FROM "end") - min(start_ns) FROM session')
echo "recorded $lasted ns"
[ "$lasted" -ge 5000000000 ] && [ "$lasted" -lt 30000000000 ] || fail 'not its time'
check_workload "$t"
stop_command

# ---- children

# ancestors TRACE: of the process that ran the oracle, innermost first, as they were called at their end
ancestors() {
	query "$1" "WITH RECURSIVE line(comm, parent_id, depth) AS (
			SELECT comm, parent_id, 0 FROM process WHERE comm = 'oracle'
			UNION ALL
			SELECT process.comm, process.parent_id, depth + 1 FROM line JOIN process ON process.id = line.parent_id
		) SELECT group_concat(comm, ' ') FROM (SELECT comm FROM line WHERE depth < 3 ORDER BY depth)"
}

# The grandchild's fresh pages, each written once, and its end.
check_child() { # TRACE
	equal 'parents' "$(ancestors "$1")" 'oracle sh sh'
	writes=$(query "$1" "SELECT count(*) FROM fault JOIN process ON process.id = process_id
		WHERE comm = 'oracle' AND access = 2")
	lost=$(query "$1" "SELECT coalesce(sum(lost_rows), 0) FROM loss WHERE table_name = 'fault'")
	pages=$(truth "$dir/truth" anonymous_pages)
	echo "$writes writes of $pages pages, $lost lost"
	[ $((writes + lost)) -ge "$pages" ] || fail 'faults of the grandchild are missing'
	equal 'end of the grandchild' "$(query "$1" "SELECT count(*) FROM exit JOIN process ON process.id = process_id
		WHERE comm = 'oracle' AND last = 1")" 1
	equal 'execs that led to it' "$(query "$1" "SELECT count(*) FROM exec JOIN process ON process.id = program_process_id
		WHERE comm = 'oracle'")" 1
}

# The colons keep the shells from running their last command in their own place.
"$record" -o "$dir/children.mtape" -- sh -c "sh -c '$oracle faults 16 > $dir/truth; :'; :"
check_child "$dir/children.mtape"

mkfifo "$dir/go"
sh -c "read -r line < $dir/go; sh -c '$oracle faults 16 > $dir/truth; :'; :" &
target=$!
"$record" -p $target -o "$dir/process.mtape" &
recorder=$!
until_true 60 'the recording' test -s "$dir/process.mtape"
echo go > "$dir/go"
wait $target
target=
end_recorder 0
check_child "$dir/process.mtape"
# Its allocator was watched from some time on only, and that is said of it.
equal 'program that may lack allocations' "$(query "$dir/process.mtape" "SELECT sum(incomplete) FROM process
	WHERE comm = 'oracle'")" 1

# Allocations of a child, once its probes are attached, and of the program that it becomes.
events() {
	ls -l /proc/$recorder/fd | grep -cE 'perf_event|bpf_link'
}

more_events_than() { # COUNT
	[ "$(events)" -gt "$1" ]
}

mkfifo "$dir/child-go"
cat > "$dir/child" <<END
echo \$\$ > $dir/pid
read -r line < $dir/child-go
exec $oracle heap 100 > $dir/truth
END
rm "$dir/pid"
sh -c "read -r line < $dir/go; sh $dir/child; :" &
target=$!
"$record" -p $target -o "$dir/child.mtape" &
recorder=$!
until_true 60 'the recording' test -s "$dir/child.mtape"
before=$(events)
echo go > "$dir/go"
until_true 60 'the child' test -s "$dir/pid"
command=$(cat "$dir/pid")
until_true 20 "the child's probes" more_events_than "$before"
sleep 1 # they are attached one after the other
echo go > "$dir/child-go"
wait $target
target= command=
end_recorder 0
for site in leak_malloc leak_calloc leak_realloc leak_thread; do
	check_site "$dir/child.mtape" $site
done
