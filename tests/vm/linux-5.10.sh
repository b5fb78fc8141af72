#!/bin/sh
# Linux 5.10: faults and the heap are whole by other means (bpf/old.h); what reclaim's tracepoints are given has no names
# there, so that is left out, and said.
set -eu
kernel=linux-5.10
. tests/vm/guest/boot.sh

steps check faults heap regions calls torture report-faults report-leaks report-mmapsnoop procfs
uses fault tp_btf page_fault_user page_fault_kernel, perf_event page_faults_min page_faults_maj
uses fault_total fexit handle_mm_fault
uses heap uprobe malloc
uses memory_call tp syscalls/sys_enter_mmap
for source in image writepage_total task; do
	uses $source
done
for source in reclaim shrink_total kswapd_total; do
	refuses $source 'has no argument .* here'
done
check_faults "$results/faults.mtape" "$results/faults.truth" 0
check_regions "$results/regions.mtape" "$results/regions.truth" /var/tmp/regions 0
check_leaks "$results/heap.mtape" "$results/heap.truth" 20
check_children "$results/heap.mtape" "$results/heap.truth"
check_calls "$results/calls.mtape" "$results/calls.truth"
for trace in faults heap regions calls torture; do
	equal "rows lost of $trace" "$(lost "$results/$trace.mtape")" 0
done
same_report faults faults
same_report leaks heap
same_report mmapsnoop calls
# The kernel's own words about the guest's memory
"$record" --procfs "$results/procfs" -o "$dir/procfs.mtape"
for report in free vmstat meminfo zoneinfo ps; do
	"$memtape" report $report "$dir/procfs.mtape" > "$dir/report"
	[ "$(wc -l < "$dir/report")" -gt 1 ] || fail "report $report of the guest's tree: $(cat "$dir/report")"
done
