#!/bin/sh
# Every frame of the demonstration program, which has no frame pointers, from the leaf to _start; those of its own have
# their names, the caller of malloc included, also when the program has ended and its file is gone before the recording
# ends. With --stacks=fp the same of a program that has frame pointers, up to main.
set -eu
. tests/live/common.sh
need heap fault task

cp "$O/tests/demo/demo" "$dir/gone"
"$record" -o "$dir/t.mtape" -- sh -c "$dir/gone 2; rm $dir/gone; sleep 0.1"
[ ! -e "$dir/gone" ] || fail 'the program was not deleted'

chains() { # SITE: how the stacks that end in it go on from main
	query "$dir/t.mtape" "SELECT DISTINCT substr(folded, instr(folded, ';main;') + 1) FROM heap_site
		JOIN stack_text USING (stack_id) WHERE folded LIKE '%;$1;%'"
}
equal 'roots of stacks of the program' "$(query "$dir/t.mtape" "SELECT DISTINCT substr(folded, 1, instr(folded, ';') - 1)
	FROM heap_site JOIN stack_text USING (stack_id) JOIN process ON process.id = heap_site.process_id
	WHERE comm = 'gone' AND op <> 4")" _start
equal 'leak_small' "$(chains leak_small)" 'main;serve;handle_request;parse_headers;leak_small;malloc'
equal 'leak_large' "$(chains leak_large)" 'main;serve;handle_request;keep_session;leak_large;calloc'
equal 'grow_table' "$(chains grow_table)" 'main;serve;handle_request;grow_table;realloc'
for site in fill_buffers look_up; do
	equal "faults of $site" "$(query "$dir/t.mtape" "SELECT DISTINCT substr(folded, instr(folded, ';main;') + 1)
		FROM fault_sum JOIN stack_text USING (stack_id) WHERE folded LIKE '%;$site'")" \
		"main;serve;handle_request;$site"
done

"$record" --stacks=fp -o "$dir/fp.mtape" -- "$O/tests/live/cost" pairs 10 3
equal 'by frame pointers' "$(query "$dir/fp.mtape" "SELECT DISTINCT substr(folded, instr(folded, 'main;deeper'))
	FROM heap_site JOIN stack_text USING (stack_id) WHERE folded LIKE '%;pairs;malloc'")" \
	'main;deeper;deeper;deeper;deeper;pairs;malloc'
