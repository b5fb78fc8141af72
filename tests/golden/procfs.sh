#!/bin/sh
# Reports of recorded trees: of a small host as it was, of a made one with 128 CPUs and 8 nodes, of one that goes wrong.
. tests/golden/report.inc
[ -x "$(dirname "$memtape")/memtape-record" ]
for tree in "$golden"/../../testdata/procfs/*; do
	cp -r "$tree" "tree-$(basename "$tree")"
done
sh "$golden/../../testdata/procfs_made.sh" tree-made
sh "$golden/../../testdata/procfs_odd.sh" tree-odd

for tree in tree-*; do
	"$memtape-record" --procfs "$tree" --cmdline --smaps 1s -o "$tree.mtape" 2>&1
	"$memtape" analyze "$tree.mtape" -o "$tree.db" > /dev/null 2>&1
	for report in 'free --every 1' 'free --wide' vmstat swapon sar-B sar-r sar-S sar-W sar-H psi timeline zoneinfo buddyinfo \
		numastat 'slabtop --top 8' meminfo 'ps --sort rss' pmap cgroups; do
		# shellcheck disable=SC2086
		ask report ${report%% *} "$tree.mtape" ${report#"${report%% *}"}
		set -- ${report#"${report%% *}"}
		"$memtape" report "${report%% *}" "$tree.mtape" "$@" > from_trace 2>&1 || :
		"$memtape" report "${report%% *}" "$tree.db" "$@" > from_database 2>&1 || :
		cmp from_trace from_database
	done
done
# At an instant, over a window, of one process
ask report free tree-made.mtape --at +1s
ask report ps tree-made.mtape --at +1s
ask report ps tree-made.mtape --pid 4002
ask report pmap tree-made.mtape --pid 4000 --path
ask report sar-B tree-made.mtape --wide
finish
