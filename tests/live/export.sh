#!/bin/sh
# What is exported as perf script prints it: collapsed as the flame graph scripts do, it is the folded report; and its
# lines have perf's own form.
set -eu
. tests/live/common.sh
need fault task
t=$dir/t.mtape
"$record" --heap=off -o "$t" -- "$O/tests/live/regions" "$(realpath "$dir")/scratch" > "$dir/truth"
"$memtape" export "$t" --to perf-script --comm regions > "$dir/script"

# collapse FILE: as stackcollapse-perf.pl, which is told apart by an event's line, its frames and an empty line
collapse() {
	awk '
		function finish() { if (inside) n[stack] ++; inside = 0; stack = "" }
		/^[^ \t].* +[0-9]+(\/[0-9]+)? +[0-9]+\.[0-9]+: +[0-9]+ [^ ]+: *$/ { finish(); inside = 1; next }
		/^\t *[0-9a-f]+ .+ \(.*\)$/ {
			sub(/^\t *[0-9a-f]+ /, ""); sub(/ \([^(]*\)$/, ""); sub(/\+0x[0-9a-f]+$/, "")
			stack = stack == "" ? $0 : $0 ";" stack
			next
		}
		/^$/ { finish(); next }
		{ print "not understood: " $0; exit 1 }
		END { finish(); for (s in n) print s " " n[s] }' "$1" | sort
}
collapse "$dir/script" > "$dir/ours"
! grep 'not understood' "$dir/ours" || fail 'a line has no form'
equal 'events' "$(awk '{ n += $NF } END { print n }' "$dir/ours")" \
	"$(query "$t" "SELECT count(*) FROM fault JOIN process ON process.id = process_id WHERE comm = 'regions'")"
# named: those whose frames all have a name, each stack once
named() { grep -v '[][]' | grep ';touch_' | grep -v touch_stack | awk '{ n[$1] += $2 } END { for (s in n) print s, n[s] }' | sort; }
"$memtape" report faults "$t" --comm regions --format folded | named > "$dir/folded"
named < "$dir/ours" > "$dir/named"
cat "$dir/named"
[ "$(grep -c . "$dir/named")" -ge 8 ] || fail 'stacks are missing'
diff "$dir/folded" "$dir/named" || fail 'not the folded report'
equal 'file of the program' "$(grep -c ' touch_heap+0x[0-9a-f]* (.*/tests/live/regions)$' "$dir/script")" \
	"$(truth "$dir/truth" heap_pages)"

equal 'the heap alone' "$("$memtape" report faults "$t" --comm regions --memory heap --format folded)" \
	"_start;__libc_start_main;__libc_start_call_main;main;count;touch_heap $(truth "$dir/truth" heap_pages)"

"$memtape" analyze "$t" -o "$dir/sums.db" > /dev/null
"$memtape" export "$dir/sums.db" --to perf-script > "$dir/none" 2>&1 && fail 'sums were exported'
grep -q 'holds sums' "$dir/none" || fail "$(cat "$dir/none")"
"$memtape" analyze "$t" --events -o "$dir/events.db" > /dev/null
"$memtape" export "$dir/events.db" --to perf-script --comm regions | cmp - "$dir/script" || fail 'the database says otherwise'

perf record --buildid-mmap -q -g -e page-faults -c 1 -o "$dir/data" true 2> "$dir/errors" &&
	perf script -i "$dir/data" > "$dir/perfs" 2>> "$dir/errors" || skip "no perf script: $(tail -1 "$dir/errors")"
collapse "$dir/perfs" > "$dir/theirs"
! grep 'not understood' "$dir/theirs" || fail "perf's form is another one"
