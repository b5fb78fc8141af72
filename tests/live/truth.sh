#!/bin/sh
# Stacks of python3 and sqlite3 against libdwfl's, on the same events: the same, whole, one for each key, and every
# difference explained. make truth does more of it.
set -eu
. tests/live/common.sh
need heap fault task
. tests/truth/workloads.sh

compare() { # WORKLOAD SIZE EVERY
	workload "$1" "$2"
	[ -n "$command" ] || skip "$why"
	"$O/tests/truth/truth" -n "$1" -e "$3" -s 5 -- sh -c "exec $command < /dev/null > $dir/out 2> $dir/error"
}
compare python 5 50
compare sqlite 10000 20
