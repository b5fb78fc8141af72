#!/bin/sh
# Stacks from places from which it is hard to find the way back: each is what the program says of it. The programs are
# built without frame pointers; one with shared libraries, one linked statically, one with musl where there is one.
# Only faults of the last two: the allocator that is probed is the C library's.
set -eu
. tests/live/common.sh
need heap fault task

events() { # TRACE: as chains.awk wants them
	for table in fault heap; do
		[ $table = fault ] && kind=fault only=1 || { kind=malloc only='op <> 4'; }
		query "$1" "SELECT printf('%s%s%d%s%s', '$kind', char(9), count(*), char(9), folded)
			FROM $table JOIN stack_text USING (stack_id) WHERE $only GROUP BY folded"
	done
}

wrong=0
for program in "$O"/tests/stacks/torture "$O"/tests/stacks/torture.static "$O"/tests/stacks/torture.musl; do
	[ -x "$program" ] || continue
	name=${program##*/}
	"$record" -o "$dir/$name.mtape" -- "$program" all 32
	"$program" list 32 > "$dir/$name.list"
	events "$dir/$name.mtape" > "$dir/$name.events"
	equal "rows lost of $name" "$(lost "$dir/$name.mtape")" 0
	echo "== $name"
	awk -f tests/stacks/chains.awk "$dir/$name.list" "$dir/$name.events" || wrong=$((wrong + 1))
done
[ $wrong = 0 ] || fail "wrong stacks of $wrong programs"
