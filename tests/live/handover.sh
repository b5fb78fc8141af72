#!/bin/sh
# With -p each call of the allocator is a row once, though the first thread ends before another one, another thread
# runs a new program, or a child runs one while it borrows the process's memory.
set -eu
. tests/live/common.sh
need heap task
pid=
cleanup() { [ -z "$pid" ] || kill "$pid" 2>/dev/null || :; }

record_handover() { # MODE: into $t
	t=$dir/$1.mtape
	"$O/tests/live/handover" "$1" > "$dir/ready" &
	pid=$!
	until grep -q ready "$dir/ready"; do sleep 0.1; done
	"$record" -p "$pid" -o "$t" &
	recorder=$!
	until [ -s "$t" ]; do sleep 0.1; done
	kill -USR1 "$pid"
	wait "$pid"
	pid=
	wait "$recorder"
}

check() { # WHAT PROGRAMS CALLS: of those programs, allocations and frees of them
	equal "$1" "$(query "$t" "SELECT sum(op = 1), sum(op = 4) FROM heap JOIN process ON process.id = process_id
		WHERE incomplete = $2 AND addr IN (SELECT addr FROM heap WHERE size_bytes = 4321)")" "$3,$3"
	equal 'rows of heap lost' "$(query "$t" "SELECT count(*) FROM loss WHERE table_name = 'heap'")" 0
}

record_handover exit
check 'calls though the first thread ended' 0 2000
record_handover exec
check 'calls before another thread ran a program' 0 2000
check 'calls of that program' 1 1000
record_handover borrow
check 'calls of the parent' 0 1000
check 'calls of the child' 1 1000
