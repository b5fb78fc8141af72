#!/bin/sh
# The oracle's leaking sites, their blocks and bytes are in the trace, and no other site of the program: from a
# command, and from a process that ran already.
set -eu
. tests/live/common.sh
. tests/live/checks.sh
need heap task

n=100
"$record" -o "$dir/command.mtape" -- "$oracle" heap $n > "$dir/truth"
check_leaks "$dir/command.mtape" "$dir/truth" $n
check_children "$dir/command.mtape" "$dir/truth"

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
check_leaks "$dir/process.mtape" "$dir/truth" $n
