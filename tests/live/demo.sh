#!/bin/sh
# The demonstration runs and prints its four reports; where BPF is refused it says what is missing and why, and shows
# a recorded trace's.
set -eu
. tests/live/common.sh
need heap fault task
built=$(realpath "$O")

demo() { # COMMAND...: the demonstration in a folder of its own
	mkdir -p "$dir/$1/tests/demo"
	ln -s "$built/memtape" "$built/memtape-record" "$dir/$1/"
	ln -s "$built/tests/demo/demo" "$dir/$1/tests/demo/"
	name=$1
	shift
	O=$dir/$name DEMO_SECONDS=3 "$@" > "$dir/$name.out" 2>&1 || { cat "$dir/$name.out"; fail "the demonstration failed"; }
}

shows() { # FILE TEXT...
	file=$1
	shift
	for text; do
		grep -q -- "$text" "$file" || { cat "$file"; fail "the demonstration does not show: $text"; }
	done
}

demo live sh tests/demo/demo.sh
shows "$dir/live.out" '^leak ' ' leak_large$' ' leak_small$' 'handle_request;fill_buffers [0-9]' '^TIME  *S-SLABms' 'flame graph'
grep -q '<svg' "$dir/live/demo/faults.svg" || fail 'no flame graph'
[ -z "$(ls -d /sys/fs/cgroup/memtape-demo-* /sys/fs/cgroup/memory/memtape-demo-* 2>/dev/null)" ] || fail 'a cgroup was left behind'

command -v capsh > /dev/null || skip 'shown live; without capsh the refused case is not'
demo refused capsh --drop=cap_sys_admin,cap_bpf,cap_perfmon -- -c 'sh tests/demo/demo.sh'
shows "$dir/refused.out" 'not recorded: .*fault.*: BPF is refused' 'Missing here' ' leak_large$' '^TIME  *S-SLABms'
