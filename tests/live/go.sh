#!/bin/sh
# A program in Go: frame pointers, compressed .debug_frame and no .eh_frame, stacks of goroutines that are no thread's.
set -eu
. tests/live/common.sh
need fault task
command -v go > "$dir/found" || skip 'no go (golang-go)'

HOME=$dir GO111MODULE=off GOCACHE=$dir/cache go build -o "$dir/pages" tests/stacks/pages.go
"$record" -o "$dir/t.mtape" --heap=off -- "$dir/pages"

faults() { # STACK
	query "$dir/t.mtape" "SELECT count(*) FROM fault JOIN stack_text USING (stack_id) WHERE folded = '$1'"
}
end='main.outer;main.middle;main.inner'
equal 'page faults of main' "$(faults "runtime.goexit.abi0;runtime.main;main.main;$end")" 32
equal 'page faults of the goroutine' "$(faults "runtime.goexit.abi0;main.main.func1;$end")" 32
equal 'in all' "$(query "$dir/t.mtape" "SELECT count(*) FROM fault JOIN stack_text USING (stack_id)
	WHERE folded LIKE '%;main.inner'")" 64
