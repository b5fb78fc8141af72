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
	# Breakpoints that somebody else's recorder on this host took out for a moment are told of, and no fault.
	equal 'rows of heap lost' "$(query "$t" "SELECT group_concat(cause || ' ' || lost_rows) FROM loss
		WHERE table_name = 'heap' AND cause <> 'breakpoints removed, all calls of'")" ''
}

record_handover exit
check 'calls though the first thread ended' 0 2000
record_handover exec
check 'calls before another thread ran a program' 0 2000
check 'calls of that program' 1 1000
record_handover borrow
check 'calls of the parent' 0 1000
check 'calls of the child' 1 1000

# Probes that follow threads are attached to another one when the first ends, and the process is marked incomplete.
grep -q '^heap  *used  *uprobe.session' "$dir/check" || exit 0

# Another recorder of the same functions, of a process of no interest, that ends: the kernel then looks whom else the
# breakpoints are for.
other_recorder() {
	sleep 60 &
	bystander=$!
	"$record" -p "$bystander" -d 0.3s -o "$dir/other.mtape"
	rm "$dir/other.mtape"
	kill "$bystander"
}

tell() { # SIGNAL ANSWER: the program has done what it was told to
	lines=$(wc -l < "$dir/ready")
	kill "-$1" "$pid"
	[ -z "$2" ] || until [ "$(tail -n +$((lines + 1)) "$dir/ready")" = "$2" ]; do sleep 0.1; done
}

begin_alone() { # NAME: into $t, first thread not yet ended
	t=$dir/$1.mtape
	"$O/tests/live/handover" alone > "$dir/ready" &
	pid=$!
	until grep -q ready "$dir/ready"; do sleep 0.1; done
	"$record" -p "$pid" -o "$t" &
	recorder=$!
	until [ -s "$t" ]; do sleep 0.1; done
}

end_alone() {
	kill "$pid"
	wait "$pid"
	pid=
	wait "$recorder"
}

# The kernel would take the breakpoints out, were they not kept.
begin_alone kept
tell USR1 ''
sleep 1.5
other_recorder
tell USR2 worked
tell HUP changed
sleep 1.5
other_recorder
tell USR2 worked
end_alone
check 'calls though the first threads ended and another recorder too' 0 3000

# They are taken out while the recorder cannot know: that is told, and mended. Not if somebody records the whole host at
# the same time, for whom they stay.
lose() { # what was allocated and freed
	begin_alone told
	kill -STOP "$recorder"
	tell USR1 ''
	other_recorder
	tell USR2 worked
	kill -CONT "$recorder"
	sleep 1.5
	tell USR2 worked
	end_alone
	seen=$(query "$t" "SELECT sum(op = 1), sum(op = 4) FROM heap
		WHERE addr IN (SELECT addr FROM heap WHERE size_bytes = 4321)")
}
for _ in 1 2 3 4 5; do
	lose
	kept=$(echo "$seen" | awk -F , '{ print ($1 > 2000 || $2 > 2000) }')
	[ "$kept" = 1 ] || break
	rm "$t"
done
[ "$kept" = 0 ] || skip 'others record the whole host: breakpoints stay for them'
equal 'calls before and after the loss' "$seen" 2000,2000
equal 'losses of all six functions that are told' "$(query "$t" "SELECT sum(lost_rows), count(*) FROM loss
	WHERE table_name = 'heap' AND cause = 'breakpoints removed, all calls of'")" 6,1
equal 'calls since its beginning, and since its end' "$(query "$t" "SELECT sum(at >= begin_ns), sum(at > ts_ns)
	FROM (SELECT ts_ns AS at FROM heap WHERE size_bytes = 4321), loss
	WHERE table_name = 'heap'")" 2000,1000
"$memtape" report leaks "$t" > "$dir/report"
grep -q 'breakpoints removed' "$dir/report" || fail 'the leak report does not tell the loss'
