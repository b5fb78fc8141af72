#!/bin/sh
# An OOM kill in a memory cgroup, from the kernel's log: the same from the trace and from what dmesg prints, and as the
# oracle knows it; and the victim has the most points by the kernel's own rule.
set -eu
. tests/live/common.sh
. tests/cgroup.sh
[ "$(id -u)" = 0 ] || skip 'needs root'
cgroup=
cleanup() { cgroup_remove; }
made=$(cgroup_make "memtape-test-$$" $((48 << 20)) && echo "$cgroup") || skip "$made"
cgroup=$made

"$record" --heap=off --stacks=none -o "$dir/t.mtape" -- \
	sh -c "echo \$\$ > $cgroup/cgroup.procs; exec $O/tests/live/pressure oom 16 4" > "$dir/truth"
victim=$(truth "$dir/truth" victim)
trigger=$(truth "$dir/truth" trigger)
dmesg | grep -q "Killed process $victim (" || skip 'the kernel has logged nothing of it'

"$memtape" report oom-report "$dir/t.mtape" --format csv > "$dir/all"
number=$(awk -F, -v victim="$victim" '$10 == victim { print $1; exit }' "$dir/all")
[ "$number" ] || { cat "$dir/all"; fail "no report of $victim in the trace"; }
"$memtape" report oom-report "$dir/t.mtape" --report "$number" --format csv > "$dir/report"
cat "$dir/report"
row=$(sed -n 2p "$dir/report")
equal 'trigger' "$(echo "$row" | cut -d, -f4)" "$trigger"
equal 'where' "$(echo "$row" | cut -d, -f6)" "/${cgroup##*/}"
equal 'limit' "$(echo "$row" | cut -d, -f8)" $((48 << 10))
equal 'victim' "$(echo "$row" | cut -d, -f10)" "$victim"
equal 'oom_score_adj' "$(echo "$row" | cut -d, -f15)" 1000

# points: what the process holds, in pages, and all of the limit for its oom_score_adj
equal 'the first of the tasks' "$(sed -n 5p "$dir/report" | cut -d, -f2,5)" "killed,$victim"
grep -q 'had the most points' "$dir/report" && fail 'the kernel chose another'
"$memtape" report oom-report "$dir/t.mtape" --report "$number" --of "$victim" --adj -1000 --format csv > "$dir/other"
grep -q "^$number,pressure ($trigger)," "$dir/other" || fail 'with -1000 it would be the other'

# The log as text says the same.
dmesg > "$dir/log"
"$memtape" report oom-report --kmsg "$dir/log" --format csv > "$dir/all"
number=$(awk -F, -v victim="$victim" '$10 == victim { print $1; exit }' "$dir/all")
"$memtape" report oom-report --kmsg "$dir/log" --report "$number" --format csv | sed -n 2p | cut -d, -f2- > "$dir/from_text"
equal 'from the text' "$(cat "$dir/from_text")" "$(echo "$row" | cut -d, -f2-)"

# The cgroup's own count of it
"$memtape" report cgroups "$dir/t.mtape" --format csv | grep "^/${cgroup##*/}," > "$dir/cgroup" || fail 'the cgroup is not there'
equal 'limit of the cgroup' "$(cut -d, -f5 "$dir/cgroup")" $((48 << 10))
equal 'kills in the cgroup' "$(awk -F, '{ print $NF }' "$dir/cgroup")" 1
