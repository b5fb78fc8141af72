#!/bin/sh
# Compiling a large file with its allocator probed: CPU time with whole stacks, beside frame pointers
set -eu
. tests/bench/common.sh
cc1=$(gcc -print-prog-name=cc1)
awk 'BEGIN {
	for (i = 0; i < 200; i++)
		printf "int f%d(int a, int b)\n{\n\tint s = a;\n\tfor (int i = 0; i < b; i++)\n\t\ts += i * a ^ %d;\n\treturn s;\n}\n", i, i
}' > "$dir/large.c"
cat > "$dir/compile" <<END
perf stat -x, -e task-clock -o $dir/clock $cc1 -quiet -O1 $dir/large.c -o /dev/null
END
clock() { # the milliseconds of CPU that the compiler took
	awk -F, '/task-clock/ { print $1 }' "$dir/clock"
}
for _ in $(seq "$ROUNDS"); do
	sh "$dir/compile"
	clock >> "$dir/bare"
	for way in none fp unwind; do
		recorded --stacks=$way -- sh "$dir/compile"
		clock >> "$dir/$way"
		stat -c %s "$dir/trace" > "$dir/$way.bytes"
	done
done
echo "$(median "$dir/bare") $(median "$dir/none") $(median "$dir/fp") $(median "$dir/unwind")" |
	awk '{ printf "cc1 -O1, ms of CPU: %.0f; allocations and faults recorded without stacks %.0f, with frame pointers %.0f, whole %.0f: %+.1f %% (to be at most 10)\n",
		$1, $2, $3, $4, ($4 / $3 - 1) * 100 }'
echo "bytes of the trace: $(cat "$dir/none.bytes"), $(cat "$dir/fp.bytes"), $(cat "$dir/unwind.bytes")"
"$O/memtape" sql "$dir/trace" "SELECT name, value FROM counter WHERE name LIKE 'heap.stacks%' OR name = 'heap.seen'"
