#!/bin/sh
# Stacks by unwind tables, by frame pointers and as copies: what one adds, by depth; beside perf's copies
set -eu
. tests/bench/common.sh
n=100000
for _ in $(seq "$ROUNDS"); do
	for depth in 0 10 35; do
		for way in none fp unwind copy; do
			for what in faults pairs; do
				"$O/tests/bench/stack_cost" $way "$cost" $what $n $depth > "$dir/out"
				sed -n 1p "$dir/out" >> "$dir/$what.$depth.$way"
				sed -n 2p "$dir/out" >> "$dir/$what.$depth.$way.inside"
			done
		done
	done
done
more() { # WHAT DEPTH WAY [.inside]: medians, less those without stacks
	echo "$(median "$dir/$1.$2.$3${4:-}") $(median "$dir/$1.$2.none${4:-}")" | awk '{ printf "%.0f", $1 - $2 }'
}
echo 'nanoseconds that stacks add to a fault; to malloc and free, and to the mean time inside the program of malloc and its return'
printf '%6s  %-20s %-20s %-20s  %s\n' frames fp unwind copy 'unwind - fp (to be at most 500 at 15)'
for depth in 0 10 35; do
	printf '%6d ' $((depth + 6))
	for way in fp unwind copy; do
		printf ' %6s %6s %6s' "$(more faults $depth $way)" "$(more pairs $depth $way)" "$(more pairs $depth $way .inside)"
	done
	printf '  %6d %6d %6d\n' $(($(more faults $depth unwind) - $(more faults $depth fp))) \
		$(($(more pairs $depth unwind) - $(more pairs $depth fp))) \
		$(($(more pairs $depth unwind .inside) - $(more pairs $depth fp .inside)))
done

# The recorder's programs one event at a time
rounds=$((ROUNDS < 3 ? ROUNDS : 3))
for _ in $(seq $rounds); do
	for frames in 5 15 40; do
		for way in none fp unwind copy; do
			for what in fault malloc; do
				"$O/tests/bench/stack_handler" $way $what $frames 5000 >> "$dir/$what.$frames.$way.handler"
			done
		done
	done
done
handler() { # WHAT FRAMES WAY: of all rounds the middle one of the tenth, the median, the ninth tenth
	sort -n -k 2 "$dir/$1.$2.$3.handler" | sed -n "$(((rounds + 1) / 2))p"
}
inside() { # WHAT FRAMES WAY: its median
	handler "$@" | cut -d ' ' -f 2
}
echo 'nanoseconds inside the program, one event at a time: tenth, median, ninth tenth of 5,000'
printf '%6s %-6s  %-18s %-18s %-18s %-18s  %s\n' frames of 'without stack' fp unwind copy 'unwind - fp'
for frames in 5 15 40; do
	for what in fault malloc; do
		printf '%6d %-6s ' $frames $what
		for way in none fp unwind copy; do
			printf ' %-18s' "$(handler $what $frames $way)"
		done
		printf '  %6d\n' $(($(inside $what $frames unwind) - $(inside $what $frames fp)))
	done
done

# perf's own way to whole stacks, of the same faults
for _ in $(seq "$ROUNDS"); do
	"$cost" faults $n 10 >> "$dir/bare"
	recorded --heap=off -- "$cost" faults $n 10 >> "$dir/memtape"
	perf record -N -B -q -e page-faults -c 1 --call-graph dwarf,8192 -m 64M -o "$dir/perf.data" "$cost" faults $n 10 \
		>> "$dir/perf" 2>> "$dir/errors"
done
perf report -i "$dir/perf.data" --stats 2>> "$dir/errors" | awk '/LOST events/ { n += $3 } END { print n + 0 }' > "$dir/lost"
echo "$(median "$dir/bare") $(median "$dir/memtape") $(median "$dir/perf")" |
	awk '{ printf "a fault %.0f ns; memtape +%.0f ns, perf record --call-graph dwarf +%.0f ns", $1, $2 - $1, $3 - $1 }'
echo "; the trace $(stat -c %s "$dir/trace") bytes, perf.data $(stat -c %s "$dir/perf.data"), $(cat "$dir/lost") losses in it"
