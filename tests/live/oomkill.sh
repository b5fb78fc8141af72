#!/bin/sh
# In a memory cgroup one process offers itself as the victim and another uses memory until it is gone: the report is
# what these two know, and what the kernel's log says of it.
set -eu
. tests/live/common.sh
. tests/cgroup.sh
need oom task
pressure=$O/tests/live/pressure
cgroup=
cleanup() { cgroup_remove; }
made=$(cgroup_make "memtape-test-$$" $((48 << 20)) && echo "$cgroup") || skip "$made"
cgroup=$made

"$record" --heap=off -o "$dir/t.mtape" -- \
	sh -c "echo \$\$ > $cgroup/cgroup.procs; exec $pressure oom 16 4" > "$dir/truth"
equal 'the victim was killed by signal' "$(truth "$dir/truth" signal)" 9
trigger=$(truth "$dir/truth" trigger)
victim=$(truth "$dir/truth" victim)

section() { # N: the rows of the n-th section
	awk -v n="$1" -v RS= -F '\n' 'NR == n { for (i = 2; i <= NF; i++) print $i }' "$dir/report"
}

"$memtape" report oomkill "$dir/t.mtape" --comm pressure --format csv > "$dir/report"
cat "$dir/report"
equal 'kills' "$(section 1 | wc -l)" 1
equal 'who' "$(section 1 | cut -d, -f3-6)" "$trigger,pressure,$victim,pressure"
equal 'pages' "$(section 1 | cut -d, -f7)" $((48 * 256))
equal 'the full cgroup and its limit' "$(section 3 | cut -d, -f6,7)" "/${cgroup##*/},$((48 << 10))"
section 4 | grep -q 'main;run_oom' || fail 'no stack of run_oom'

# anon and shmem are what the victim wrote, but for 32 pages or more that each CPU keeps to itself, and exactly what the kernel wrote, as far as that is still there.
set -- $(section 2 | tr , ' ')
kept=$(($(getconf _NPROCESSORS_CONF) * 128))
[ "$4" -ge $(((16 << 10) - kept)) ] && [ "$4" -lt $((17 << 10)) ] || fail "anon is $4 KB"
[ "$6" -ge $(((4 << 10) - kept)) ] && [ "$6" -lt $((5 << 10)) ] || fail "shmem is $6 KB"
equal 'oom_score_adj' "${10}" 1000
equal 'the cgroup' "${11}" "/${cgroup##*/}"
line=$(dmesg | grep "Killed process $victim (" | tail -1) || :
if [ "$line" ]; then
	equal 'as in the log' "total-vm:${9}kB, anon-rss:${4}kB, file-rss:${5}kB, shmem-rss:${6}kB" \
		"$(echo "$line" | grep -o 'total-vm:.*shmem-rss:[0-9]*kB')"
	equal 'page tables' "pgtables:${8}kB" "$(echo "$line" | grep -o 'pgtables:[0-9]*kB')"
else
	echo 'the kernel has logged nothing of it'
fi
[ ! -e "$cgroup/memory.failcnt" ] || [ "$(cat "$cgroup/memory.failcnt")" -gt 0 ] || fail 'no charge has failed'
equal 'kills of the cgroup' "$(sed -n 's/^oom_kill //p' "$cgroup"/memory.oom_control "$cgroup"/memory.events 2>/dev/null)" 1

# Others may have been killed meanwhile, but not fewer than all.
"$memtape" report oomkill "$dir/t.mtape" --format csv | grep '^victims,' > "$dir/coverage"
cat "$dir/coverage"
awk -F, '$5 < 100 { exit 1 }' "$dir/coverage" || fail 'a victim was not seen'
"$memtape" report overview "$dir/t.mtape" --format csv | grep -q '^oom,.*killed by the OOM killer' || fail 'the overview says nothing of it'
