#!/bin/sh
# A process touches known transparent huge pages and has others collapsed: as the process reads of itself in smaps, and
# as the whole host has them in /proc/vmstat. Another touches pages of hugetlb, reserved for it.
set -eu
. tests/live/common.sh
need huge_total huge_collapse task
pressure=$O/tests/live/pressure
! grep -qs '\[never\]' /sys/kernel/mm/transparent_hugepage/enabled || skip 'transparent huge pages are off'
counted() { awk -v key="$1" '$1 == key { print $2 }' /proc/vmstat; }

faults_before=$(counted thp_fault_alloc)
"$record" --heap=off -o "$dir/t.mtape" -- "$pressure" huge 16 8 > "$dir/truth"
faults_counted=$(($(counted thp_fault_alloc) - faults_before))
faults=$(truth "$dir/truth" huge_faults)
collapses=$(truth "$dir/truth" collapses)
[ "$faults" -gt 0 ] && [ "$collapses" -gt 0 ] || skip 'no huge page was free'

sums() { # COLUMN FUNCTION
	query "$dir/t.mtape" "SELECT sum($1) FROM huge_total LEFT JOIN stack_text USING (stack_id)
		JOIN process ON process.id = process_id
		WHERE pid = $(truth "$dir/truth" pid) AND ';' || folded || ';' LIKE '%;$2;%'"
}
equal 'faults in touch_huge' "$(sums faults touch_huge)" "$faults"
equal 'allocations in collapse' "$(sums collapse_allocations collapse)" "$collapses"
equal 'collapses' "$(query "$dir/t.mtape" "SELECT count(*) FROM huge_collapse JOIN process AS p ON p.id = process_id
	WHERE pid = $(truth "$dir/truth" pid) AND succeeded AND by_process_id = process_id")" "$collapses"

# Others may get huge pages meanwhile: in both counts, but for those at the beginning and the end.
all=$(query "$dir/t.mtape" 'SELECT sum(faults) FROM huge_total')
echo "faults of the whole host: $all, the kernel counted $faults_counted"
[ "$all" -le "$faults_counted" ] && [ "$all" -ge "$faults" ] || fail 'the kernel counted otherwise'
"$memtape" report hfaults "$dir/t.mtape" --format csv > "$dir/report"
cat "$dir/report"
grep -qx PID,COMM,FAULTS,COLLAPSES,SWAPPED "$dir/report" || fail 'the columns'
grep -q "^$(truth "$dir/truth" pid),pressure,$faults,$collapses,0$" "$dir/report" || fail 'the process is not in it'
grep '^faults that got a huge page,' "$dir/report" | awk -F, '$5 < 90 { exit 1 }' || fail 'coverage' # others go on meanwhile

# hugetlb: pages are reserved for the test, and given back.
reserve=/proc/sys/vm/nr_hugepages
[ -w $reserve ] && grep -q '^Hugepagesize: *2048 kB' /proc/meminfo || skip 'no huge pages of 2 MiB can be reserved here'
reserved=$(cat $reserve)
cleanup() { echo "$reserved" > $reserve; }
echo $((reserved + 4)) > $reserve
[ "$(awk '$1 == "HugePages_Free:" { print $2 }' /proc/meminfo)" -ge 4 ] || skip 'no huge page was free to be reserved'
# Other users of BPF can keep a fault from being seen, which is told: then once more.
for try in 1 2 3 4 5; do
	rm -f "$dir/hugetlb.mtape"
	"$record" --heap=off -o "$dir/hugetlb.mtape" -- "$pressure" hugetlb 4 3 > "$dir/truth"
	lost=$(query "$dir/hugetlb.mtape" "SELECT coalesce(sum(lost_rows), 0) FROM loss WHERE table_name = 'fault'")
	echo "try $try: lost $lost"
	[ "$lost" != 0 ] || break
done
[ "$lost" = 0 ] || skip 'faults of others are lost all the time'
"$memtape" report hfaults "$dir/hugetlb.mtape" --format csv > "$dir/report"
cat "$dir/report"
equal 'the columns' "$(head -1 "$dir/report")" PID,COMM,COUNT
equal 'faults in hugetlb' "$(sed -n 2p "$dir/report")" \
	"$(truth "$dir/truth" pid),pressure,$(truth "$dir/truth" hugetlb_faults)"
grep -q '^12,12,0,0,.*;run_hugetlb;touch_huge,' "$dir/report" || fail 'no stack of touch_huge'
