#!/bin/sh
# 16 threads allocate, hand over, realloc and free at full speed on all CPUs: every call is a row, every block
# pairs, nothing is late or lost.
set -eu
. tests/live/common.sh
need heap task

"$record" -e heap -o "$dir/t.mtape" -- "$oracle" order 3 16 > "$dir/truth"
t=$dir/t.mtape
calls() { # OP NAME
	equal "$2" "$(query "$t" "SELECT count(*) FROM heap JOIN stack_text USING (stack_id)
		WHERE op = $1 AND caller_path LIKE '%/oracle'")" "$(truth "$dir/truth" "$2_calls")"
}
calls 1 malloc
calls 2 calloc
calls 3 realloc
calls 4 free
equal 'rows late' "$(query "$t" "SELECT coalesce(sum(lost_rows), 0) FROM loss WHERE cause = 'late'")" 0
equal 'rows lost' "$(query "$t" "SELECT coalesce(sum(lost_rows), 0) FROM loss
	WHERE table_name = 'heap'")" 0
equal 'blocks displaced' "$(query "$t" "SELECT coalesce(sum(n), 0) FROM heap_note WHERE note = 'displaced'")" 0
equal 'frees of the program that found no block' "$(query "$t" "SELECT coalesce(sum(n), 0) FROM heap_note
	JOIN stack_text USING (stack_id) WHERE note = 'unmatched free' AND caller_path LIKE '%/oracle'")" 0
equal 'blocks held' "$(query "$t" "SELECT sum(held), sum(held_bytes) FROM heap_site JOIN stack_text USING (stack_id)
	WHERE caller_path LIKE '%/oracle'")" "$(truth "$dir/truth" leak_order_blocks),$(truth "$dir/truth" leak_order_bytes)"
