#!/bin/sh
# The oracle's leaking sites, their blocks and bytes are in the trace, and no other site of the program: from a
# command, and from a process that ran already.
set -eu
. tests/live/common.sh
need heap task

n=100
held='FROM heap_site JOIN stack_text USING (stack_id) WHERE held > 0'

check_site() { # TRACE SITE
	equal "$2" "$(query "$1" "SELECT sum(held), sum(held_bytes) $held AND ';' || folded LIKE '%;$2;%'")" \
		"$(truth "$dir/truth" "$2_blocks"),$(truth "$dir/truth" "$2_bytes")"
}

check_trace() { # TRACE
	for site in leak_malloc leak_calloc leak_realloc leak_memalign leak_aligned leak_thread; do
		check_site "$1" "$site"
	done
	# With -p a child may have ended before it could be probed: that is told, and is no loss of the process's rows.
	equal 'rows of heap lost' "$(query "$1" "SELECT count(*) FROM loss WHERE table_name = 'heap'
		AND cause NOT LIKE 'children not probed%'")" 0
	equal 'other sites of the program' "$(query "$1" "SELECT count(*) $held
		AND caller_path LIKE '%/oracle' AND caller NOT LIKE 'leak%'")" 0
	equal 'allocations that failed' "$(query "$1" 'SELECT sum(failed) FROM heap_site')" $((2 * n))
	# strdup allocates inside the library, and stands apart. It has no frame pointer, so its caller is not known.
	equal 'strdup' "$(query "$1" "SELECT sum(held), sum(held_bytes) $held AND caller = 'strdup'")" \
		"$(truth "$dir/truth" leak_strdup_blocks),$(truth "$dir/truth" leak_strdup_bytes)"
	"$memtape" report leaks "$1" --top 100 > "$dir/report"
	equal 'sites apart' "$(sed -n '/inside the C library/,$p' "$dir/report" | grep -c ' strdup')" 1
	equal 'among the program'"'"'s' "$(sed '/inside the C library/,$d' "$dir/report" | grep -c ' strdup' || :)" 0
}

"$record" -o "$dir/command.mtape" -- "$oracle" heap $n > "$dir/truth"
check_trace "$dir/command.mtape"
for site in leak_child leak_before_exec leak_after_exec; do
	check_site "$dir/command.mtape" "$site"
done
equal 'held at exec or exit' "$(query "$dir/command.mtape" 'SELECT sum(held) - sum(held_at_exit) FROM heap_site')" 0
equal 'inherited frees' \
	"$(query "$dir/command.mtape" "SELECT sum(n) FROM heap_note WHERE note = 'inherited free'")" \
	"$(truth "$dir/truth" child_inherited_frees)"

"$oracle" wait heap $n > "$dir/truth" &
pid=$!
cleanup() { kill "$pid" 2>/dev/null || :; }
until grep -q ready "$dir/truth"; do sleep 0.1; done
"$record" -p "$pid" -o "$dir/process.mtape" &
recorder=$!
until [ -s "$dir/process.mtape" ]; do sleep 0.1; done
kill -USR1 "$pid"
wait "$pid"
wait "$recorder"
check_trace "$dir/process.mtape"
