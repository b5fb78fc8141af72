#!/bin/sh
# Page faults with stacks: what one costs more than without a recording, beside perf record -e page-faults -c 1 -g
set -eu
. tests/bench/common.sh
n=200000
for _ in $(seq "$ROUNDS"); do
	"$cost" faults $n >> "$dir/bare"
	recorded --heap=off -- "$cost" faults $n >> "$dir/memtape"
	perf record -N -B -q -e page-faults -c 1 -g -o "$dir/perf.data" "$cost" faults $n >> "$dir/perf" 2>>"$dir/errors"
done
bare=$(median "$dir/bare")
echo "$bare $(median "$dir/memtape") $(median "$dir/perf")" |
	awk '{ printf "a fault %.0f ns; with memtape +%.0f ns, with perf record +%.0f ns; ratio %.2f (to be at most 1)\n",
		$1, $2 - $1, $3 - $1, ($2 - $1) / ($3 - $1) }'
echo "rows lost: $("$O/memtape" sql "$dir/trace" "SELECT coalesce(sum(lost_rows), 0) FROM loss WHERE table_name = 'fault'" \
	--format csv | tail -1); perf.data $(stat -c %s "$dir/perf.data") bytes, the trace $(stat -c %s "$dir/trace")"
