#!/bin/sh
# Code that a process makes has the names that it writes to /tmp/perf-PID.map, also those that come late; the code of two
# processes at one address keeps apart, and the file of a process in another mount and pid namespace is found.
set -eu
. tests/live/common.sh
need fault heap task
[ "$(uname -m)" = x86_64 ] || skip 'makes code for x86-64'
jit=$O/tests/live/jit

record_jit() { # COMMAND
	rm -f "$dir/t.mtape"
	"$record" -o "$dir/t.mtape" -- sh -c "$1"
}

leaves() { # TABLE NUMBER: what was done from code that was made
	query "$dir/t.mtape" "SELECT p.comm, $3, $2 FROM $1 JOIN stack_text AS t USING (stack_id)
		JOIN process AS p ON p.id = process_id
		WHERE ($3 LIKE '%\_touch' ESCAPE '\\' OR $3 LIKE '%\_allocate' ESCAPE '\\') GROUP BY $3 ORDER BY $3"
}

record_jit "$jit one & $jit two & wait; rm -f /tmp/perf-\$!.map"
rm -f /tmp/perf-"$(query "$dir/t.mtape" "SELECT min(pid) FROM process WHERE comm = 'jit'")".map
equal 'faults' "$(leaves fault_sum 'sum(n)' leaf | tr '\n' ' ')" 'jit,one_touch,64 jit,two_touch,64 '
equal 'allocations' "$(leaves heap_site 'sum(allocs)' caller | tr '\n' ' ')" \
	'jit,one_allocate,32 jit,two_allocate,32 '
equal 'images' "$(query "$dir/t.mtape" "SELECT count(*), count(DISTINCT path), count(DISTINCT unidentified_path)
	FROM image WHERE path LIKE '/tmp/perf-%.map'")" 2,2,2

if unshare --mount --pid --fork true 2>/dev/null; then
	cp "$jit" "$dir/jit"
	record_jit "cd $dir; unshare --mount --pid --fork sh -c 'mount -t tmpfs none /tmp && ./jit inside; exit'"
	equal 'faults inside' "$(leaves fault_sum 'sum(n)' leaf)" jit,inside_touch,64
else
	echo 'no namespaces here'
fi
