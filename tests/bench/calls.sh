#!/bin/sh
# System calls: what mapping and unmapping a page costs more where it is recorded with stacks, and any other call
set -eu
. tests/bench/common.sh
for _ in $(seq "$ROUNDS"); do
	"$cost" calls 1000000 >> "$dir/calls.bare"
	recorded --heap=off -e -memory_call -- "$cost" calls 1000000 >> "$dir/calls.without"
	recorded --heap=off -- "$cost" calls 1000000 >> "$dir/calls.with"
	for depth in 0 10; do
		"$cost" maps 100000 $depth >> "$dir/maps.$depth.bare"
		recorded --heap=off -e -memory_call -- "$cost" maps 100000 $depth >> "$dir/maps.$depth.without"
		recorded --heap=off -- "$cost" maps 100000 $depth >> "$dir/maps.$depth.with"
	done
done
says() { # WHAT FILE
	echo "$(median "$dir/$2.bare") $(median "$dir/$2.without") $(median "$dir/$2.with")" |
		awk -v what="$1" '{ printf "%s: %.0f ns; recorded without these rows +%.0f ns, with them +%.0f ns\n", what, $1, $2 - $1, $3 - $1 }'
}
says 'a call that is not about memory' calls
says 'mmap and munmap' maps.0
says 'mmap and munmap, ten frames deeper' maps.10
rows=$("$O/memtape" sql "$dir/trace" 'SELECT count(*) FROM vm_call' --format csv | tail -1)
lost=$("$O/memtape" sql "$dir/trace" "SELECT coalesce(sum(lost_rows), 0) FROM loss WHERE table_name = 'vm_call'" --format csv | tail -1)
echo "$rows rows, $lost lost; the trace $(stat -c %s "$dir/trace") bytes"
