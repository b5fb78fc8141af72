#!/bin/sh
# rows + reported losses + kernel-made faults = what getrusage counted: exactly for one thread, within 0.1 % for
# eight. Kernel-made faults (MAP_POPULATE) are those that the kernel handled less the software events.
set -eu
. tests/live/common.sh
. tests/live/checks.sh
need fault fault_total task

check() { # THREADS ALLOWED
	rm -f "$dir/t.mtape"
	"$record" --heap=off -o "$dir/t.mtape" -- "$oracle" faults 64 "$1" > "$dir/truth"
	echo "$1 threads"
	check_faults "$dir/t.mtape" "$dir/truth" "$2"
}

check 1 0
check 8 $((64 * 256 / 1000))
