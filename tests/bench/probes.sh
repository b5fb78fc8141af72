#!/bin/sh
# malloc and free with probes, beside probes at the functions' entries that only count
set -eu
. tests/bench/common.sh
n=300000
for _ in $(seq "$ROUNDS"); do
	"$cost" pairs $n >> "$dir/bare"
	recorded -- "$cost" pairs $n >> "$dir/memtape"
	"$O/tests/bench/entry_probes" entry "$cost" pairs $((n / 10)) >> "$dir/entry"
	"$O/tests/bench/entry_probes" placed "$cost" pairs $n >> "$dir/placed"
done
echo "$(median "$dir/bare") $(median "$dir/memtape") $(median "$dir/entry") $(median "$dir/placed")" |
	awk '{ printf "a pair %.0f ns; with memtape +%.0f ns, three probe hits of %.0f ns (to be under 1200);\n", $1, $2 - $1, ($2 - $1) / 3
		printf "probes at the same places that only count +%.0f ns: what the kernel takes, the rest of +%.0f ns is ours;\n", $4 - $1, $2 - $4
		printf "with probes at the entries that only count +%.0f ns; ratio %.2f (to be under 0.20)\n", $3 - $1, ($2 - $1) / ($3 - $1) }'
