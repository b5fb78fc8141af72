#!/bin/sh
# Every frame of the demonstration program from the leaf to main has its name, the caller of malloc included, also
# when the program has ended and its file is gone before the recording ends.
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
equal 'leak_small' "$(chains leak_small)" 'main;serve;handle_request;parse_headers;leak_small;malloc'
equal 'leak_large' "$(chains leak_large)" 'main;serve;handle_request;keep_session;leak_large;calloc'
equal 'grow_table' "$(chains grow_table)" 'main;serve;handle_request;grow_table;realloc'
for site in fill_buffers look_up; do
	equal "faults of $site" "$(query "$dir/t.mtape" "SELECT DISTINCT substr(folded, instr(folded, ';main;') + 1)
		FROM fault_sum JOIN stack_text USING (stack_id) WHERE folded LIKE '%;$site'")" \
		"main;serve;handle_request;$site"
done
