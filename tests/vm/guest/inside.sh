#!/bin/sh
# In the guest: what works here, and traces to take along, with what the programs that were recorded say of themselves.
# The traces are checked outside; inside, reports are made of them for comparison.
export O=build
. tests/cgroup.sh
. tests/live/checks.sh
results=/results
mkdir "$results"

# step NAME COMMAND...: what it says on stderr becomes a file of the results, its status a line of `steps`
step() {
	step=$1
	shift
	started=$(cut -d. -f1 /proc/uptime)
	"$@" 2> "$results/$step.err"
	echo "$step $? $(($(cut -d. -f1 /proc/uptime) - started))" | tee -a "$results/steps"
}

check() {
	$O/memtape-record --check --heap=uprobe | tee "$results/check"
}

# record NAME OPTION... -- COMMAND...
record() {
	name=$1
	shift
	$O/memtape-record -o "$results/$name.mtape" "$@" > "$results/$name.truth"
}

reclaim() {
	cgroup_make memtape-vm $((16 << 20)) || return 1
	before=$(stolen)
	record reclaim --heap=off -- \
		sh -c "echo \$\$ > $cgroup/cgroup.procs; exec $O/tests/live/oracle squeeze 64" || return 1
	echo "stolen $(($(stolen) - before))" >> "$results/reclaim.truth"
	cgroup_remove
}

counted() { awk -v key="$1" '$1 == key { print $2 }' /proc/vmstat; }

# One recording of all: to load the programs takes longest.
pressure() {
	cgroup_make memtape-vm-oom $((24 << 20)) || return 1
	dd if=/dev/zero of=/var/tmp/swap bs=1M count=32 2> /dev/null && chmod 600 /var/tmp/swap &&
		mkswap /var/tmp/swap > /dev/null && swapon /var/tmp/swap || return 1
	export results cgroup
	in=$(counted pswpin)
	out=$(counted pswpout)
	record pressure --heap=off -e oom,swap_total,huge_total,huge_collapse,compaction,rss -- sh -c '
		pressure=$O/tests/live/pressure
		sh -c "echo \$\$ > $cgroup/cgroup.procs; exec $pressure oom 8 2" > "$results/oom.truth"
		$pressure huge 4 2 > "$results/huge.truth"
		$pressure swap 8 2 > "$results/swap.truth"
		$pressure rss 12 3 > "$results/rss.truth"
		echo 1 > /proc/sys/vm/compact_memory' || return 1
	echo "in_pages $(($(counted pswpin) - in))" >> "$results/swap.truth"
	echo "out_pages_counted $(($(counted pswpout) - out))" >> "$results/swap.truth"
	swapoff /var/tmp/swap
	cgroup_remove
}

report() { # NAME TRACE
	$O/memtape report "$1" "$results/$2.mtape" > "$results/$1.report"
}

# A tree for memtape record --procfs, with the shell of this script in it.
procfs() {
	sh testdata/procfs.sh "$results/procfs" $$
}

step check check
step faults record faults --heap=off -- $O/tests/live/oracle faults 16
step heap record heap -- $O/tests/live/oracle heap 20
step regions record regions --heap=off -- $O/tests/live/regions /var/tmp/regions
step calls record calls --heap=off -- $O/tests/live/calls all
step torture record torture -- $O/tests/stacks/torture all 16
step reclaim reclaim
step pressure pressure
step report-faults report faults faults
step report-leaks report leaks heap
step report-vmscan report vmscan reclaim
step report-mmapsnoop report mmapsnoop calls
step procfs procfs
