#!/bin/sh
# Stacks by unwind tables, by frame pointers and as copies: what one adds, by depth; beside perf's copies
set -eu
. tests/bench/common.sh
n=100000
for _ in $(seq "$ROUNDS"); do
	for what in faults pairs; do
		for depth in 0 10 35; do
			for way in none fp unwind copy; do
				"$O/tests/bench/stack_cost" $way "$cost" $what $n $depth > "$dir/out"
				sed -n 1p "$dir/out" >> "$dir/$what.$depth.$way"
				sed -n 2p "$dir/out" >> "$dir/$what.$depth.$way.handler"
			done
		done
	done
done
more() { # WHAT DEPTH WAY [.handler]: medians, less those without stacks
	echo "$(median "$dir/$1.$2.$3${4:-}") $(median "$dir/$1.$2.none${4:-}")" | awk '{ printf "%.0f", $1 - $2 }'
}
echo 'nanoseconds that a stack adds (medians): end to end, and of it inside the program (of malloc: mean of call and return)'
printf '%-8s %6s %14s %14s %14s  %s\n' event frames fp unwind copy 'unwind - fp (to be at most 500 at 15 frames)'
for what in faults pairs; do
	for depth in 0 10 35; do
		printf '%-8s %6d' $what $((depth + 6))
		for way in fp unwind copy; do
			printf ' %7s %6s' "$(more $what $depth $way)" "$(more $what $depth $way .handler)"
		done
		printf '  %d\n' $(($(more $what $depth unwind) - $(more $what $depth fp)))
	done
done

# perf's own way to whole stacks, of the same faults
for _ in $(seq "$ROUNDS"); do
	"$cost" faults $n 10 >> "$dir/bare"
	recorded --heap=off -- "$cost" faults $n 10 >> "$dir/memtape"
	perf record -N -B -q -e page-faults -c 1 --call-graph dwarf,8192 -m 64M -o "$dir/perf.data" "$cost" faults $n 10 \
		>> "$dir/perf" 2>> "$dir/errors"
done
perf script -i "$dir/perf.data" -F event --show-lost-events 2>> "$dir/errors" | grep -c LOST > "$dir/lost" || :
bare=$(median "$dir/bare")
echo "$bare $(median "$dir/memtape") $(median "$dir/perf")" |
	awk '{ printf "a fault %.0f ns; memtape +%.0f ns, perf record --call-graph dwarf +%.0f ns", $1, $2 - $1, $3 - $1 }'
echo "; the trace $(stat -c %s "$dir/trace") bytes, perf.data $(stat -c %s "$dir/perf.data"), $(cat "$dir/lost") gaps in it"
