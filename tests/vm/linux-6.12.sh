#!/bin/sh
# Linux 6.12: every source is used, and traces made there hold what they must when another machine reads them.
set -eu
kernel=linux-6.12
. tests/vm/guest/boot.sh

steps check faults heap regions calls torture reclaim pressure report-faults report-leaks report-vmscan report-mmapsnoop procfs
uses fault tp_btf page_fault_user page_fault_kernel, perf_event page_faults_min page_faults_maj
uses fault_total fexit handle_mm_fault
uses heap uprobe malloc
uses memory_call tp_btf sys_enter sys_exit
for source in image reclaim shrink_total kswapd_total writepage_total oom swap_total huge_total \
	huge_collapse compaction kswapd_run throttle rss task; do
	uses $source
done
check_faults "$results/faults.mtape" "$results/faults.truth" 0
check_regions "$results/regions.mtape" "$results/regions.truth" /var/tmp/regions 0
check_leaks "$results/heap.mtape" "$results/heap.truth" 20
check_children "$results/heap.mtape" "$results/heap.truth"
check_calls "$results/calls.mtape" "$results/calls.truth"
check_reclaim "$results/reclaim.mtape" "$(truth "$results/reclaim.truth" stolen)"
check_pressure "$results/pressure.mtape" "$results"
for trace in faults heap regions calls torture reclaim pressure; do
	equal "rows lost of $trace" "$(lost "$results/$trace.mtape")" 0
done
same_report faults faults
same_report leaks heap
same_report vmscan reclaim
same_report mmapsnoop calls
# The kernel's own words about the guest's memory
"$record" --procfs "$results/procfs" -o "$dir/procfs.mtape"
for report in free vmstat meminfo zoneinfo ps; do
	"$memtape" report $report "$dir/procfs.mtape" > "$dir/report"
	[ "$(wc -l < "$dir/report")" -gt 1 ] || fail "report $report of the guest's tree: $(cat "$dir/report")"
done
