#!/bin/sh
# Stalls of a process in a memory cgroup that is too small: pages, cgroup, free memory and stacks as they are known from
# elsewhere. Direct reclaim is the same code, but to cause it would take the whole host's memory.
set -eu
. tests/live/common.sh
. tests/live/checks.sh
. tests/cgroup.sh
need reclaim task
cgroup=
cleanup() { cgroup_remove; }
made=$(cgroup_make "memtape-test-$$" $((32 << 20)) && echo "$cgroup") || skip "$made"
cgroup=$made

# Not MemFree, which may count memory that has no pages yet.
free_kb() { awk '$1 == "nr_free_pages" { print $2 * 4 }' /proc/vmstat; }

before=$(stolen)
free_before=$(free_kb)
"$record" --heap=off -o "$dir/t.mtape" -- \
	sh -c "echo \$\$ > $cgroup/cgroup.procs; exec $oracle squeeze 96" > "$dir/truth"
free_after=$(free_kb)
after=$(stolen)
check_reclaim "$dir/t.mtape" $((after - before))

"$memtape" report drsnoop "$dir/t.mtape" --memcg --top -1 --comm oracle --format csv > "$dir/all"
equal 'the columns' "$(head -1 "$dir/all")" \
	'TIME,COMM,TID,LAT(ms),PAGES,FREE(KB),KIND,ORDER,GFP,CGROUP'
sed '/^$/,$d' "$dir/all" | tail -n +2 > "$dir/rows"
equal 'rows' "$(wc -l < "$dir/rows")" \
	"$(query "$dir/t.mtape" 'SELECT count(*) FROM reclaim JOIN process ON process.id = process_id WHERE comm = '"'oracle'")"
equal 'the cgroup' "$(cut -d, -f10 "$dir/rows" | sort -u)" "/${cgroup##*/}"
equal 'what kind' "$(cut -d, -f7 "$dir/rows" | sort -u)" cgroup
equal 'flags without a name' "$(cut -d, -f9 "$dir/rows" | grep -cv GFP_ || :)" 0

# Others use memory too, but not half of what is free.
for free in $(cut -d, -f6 "$dir/rows" | sort -n | sed -n '1p;$p'); do
	echo "free: $free KB; before $free_before, after $free_after"
	[ "$free" -gt $((free_before / 2)) ] && [ "$free" -lt $((free_after * 2)) ] || fail 'FREE(KB) is wrong'
done

# What the process itself says of where it was, and all of the stall.
us=$(query "$dir/t.mtape" 'SELECT sum(duration_ns) / 1000 FROM reclaim WHERE stack_id IS NOT NULL')
"$memtape" report drsnoop "$dir/t.mtape" --memcg --format folded > "$dir/folded"
sum=$(awk '{ sum += $NF } END { print sum }' "$dir/folded")
echo "stacks hold $sum us of $us"
[ "$sum" -le "$us" ] && [ "$sum" -ge $((us - 1000)) ] || fail 'they differ'
grep -q ';main;run_squeeze' "$dir/folded" || fail "no run_squeeze in $(cat "$dir/folded")"
stackless=$(query "$dir/t.mtape" "SELECT count(*) FROM reclaim JOIN process ON process.id = process_id
	WHERE comm = 'oracle' AND stack_id IS NULL")
equal 'stalls without a stack' "$stackless" 0

"$memtape" report drsnoop "$dir/t.mtape" --memcg --format csv > "$dir/report"
grep '^pages freed for memory cgroups,' "$dir/report"
grep '^pages freed for memory cgroups,' "$dir/report" |
	awk -F, '$5 < 99 || $5 > 101 { exit 1 }' || fail 'the coverage is not within 1 %'
