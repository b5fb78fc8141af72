#!/bin/sh
# A memory cgroup that is too small makes its process reclaim: the pages in the trace equal what the kernel counted
# (pgsteal in memory.stat or /proc/vmstat) within 1 %, and the timeline has the time.
set -eu
. tests/live/common.sh
. tests/live/checks.sh
. tests/cgroup.sh
need reclaim shrink_total task
cgroup=
cleanup() { cgroup_remove; }
made=$(cgroup_make "memtape-test-$$" $((32 << 20)) && echo "$cgroup") || skip "$made"
cgroup=$made

before=$(stolen)
"$record" --heap=off -o "$dir/t.mtape" -- \
	sh -c "echo \$\$ > $cgroup/cgroup.procs; exec $oracle squeeze 96" > "$dir/truth"
after=$(stolen)
check_reclaim "$dir/t.mtape" $((after - before))

"$memtape" report vmscan "$dir/t.mtape" --format csv > "$dir/timeline"
head -1 "$dir/timeline" | grep -q '^TIME,S-SLABms,D-RECLAIMms,M-RECLAIMms,KSWAPD,WRITEPAGE' ||
	fail "the timeline's columns: $(head -1 "$dir/timeline")"
sum=$(awk -F, 'NR > 1 && NF == 6 { sum += $4 } END { print sum + 0 }' "$dir/timeline")
ms=$(query "$dir/t.mtape" 'SELECT sum(duration_ns) / 1000000 FROM reclaim WHERE kind = 2')
seconds=$(awk -F, 'NR > 1 && NF == 6 { n++ } END { print n }' "$dir/timeline")
echo "the timeline's M-RECLAIMms adds up to $sum in $seconds seconds, the rows to $ms"
[ "$sum" -le "$ms" ] && [ "$sum" -ge $((ms - seconds)) ] || fail 'they differ'

# --wide: pages stolen on the whole host, second by second, and who they were stolen for.
"$memtape" report vmscan "$dir/t.mtape" --wide --format csv > "$dir/wide"
column_sum() { # FILE COLUMN: in the section that has it
	awk -F, -v want="$2" '/^$/ { at = 0 } !at { for (i = 1; i <= NF; i++) if ($i == want) at = i; next } { sum += $at }
		END { print sum + 0 }' "$1"
}
steal=$(column_sum "$dir/wide" STEAL)
echo "--wide: $steal pages stolen, memory cgroups' own reclaim took $((after - before))"
[ "$steal" -ge $(((after - before) * 99 / 100)) ] || fail 'pages are missing'
grep -q ",/${cgroup##*/}$" "$dir/wide" || fail "no line of the cgroup in $(cat "$dir/wide")"
