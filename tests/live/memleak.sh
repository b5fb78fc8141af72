#!/bin/sh
# Of a process, memleak shows the blocks that the program says it leaked, by stack, and nothing of the kernel unless
# that is asked for.
set -eu
. tests/live/common.sh
. tests/live/checks.sh
need heap task

n=100
"$record" -o "$dir/t.mtape" -- "$oracle" heap $n > "$dir/truth"
check_leaks "$dir/t.mtape" "$dir/truth" $n

"$memtape" report memleak "$dir/t.mtape" --top -1 --format csv > "$dir/memleak"
equal 'the columns' "$(head -1 "$dir/memleak")" 'bytes,allocations,pid,comm,stack,places'
if grep -q '_\[k\]' "$dir/memleak"; then fail 'memleak of a process shows the kernel'; fi

# The same blocks and bytes as leaks, which the oracle vouches for.
sum() { awk '{ sum += $NF } END { print sum + 0 }'; }
leaks=$("$memtape" report leaks "$dir/t.mtape" --format folded | sum)
equal 'bytes of all stacks' "$("$memtape" report memleak "$dir/t.mtape" --format folded | sum)" "$leaks"
held=$(query "$dir/t.mtape" 'SELECT sum(held) FROM heap_site')
equal 'allocations' "$(sed '/^$/,$d' "$dir/memleak" | tail -n +2 | cut -d, -f2 | sum)" "$held"

if grep -q '^kmem  *used' "$dir/check"; then
	"$memtape" report memleak "$dir/t.mtape" --kernel --format csv > "$dir/both"
	grep -q '^cache,active_at_first' "$dir/both" || fail 'the kernel is not shown'
fi
