# Memory cgroups, version 1 or 2, for tests and the demonstration. Source it; needs root.
# cgroup_make NAME BYTES   sets $cgroup to the new group's folder, or fails and says why
# cgroup_remove            removes it, waiting for the last process to leave

cgroup_root() {
	awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print 1, $2; exit }' /proc/mounts
	awk '$3 == "cgroup2" { print 2, $2 }' /proc/mounts | while read -r version path; do
		grep -qw memory "$path/cgroup.controllers" && echo "$version $path" && break
	done
}

cgroup_make() {
	set -- "$1" "$2" $(cgroup_root | head -1)
	[ $# -eq 4 ] || { echo 'no memory cgroups here'; return 1; }
	if [ "$3" = 2 ]; then
		limit=memory.max
		echo +memory > "$4/cgroup.subtree_control" || { echo "cannot use cgroups below $4"; return 1; }
	else
		limit=memory.limit_in_bytes
	fi
	cgroup=$4/$1
	mkdir "$cgroup" 2>/dev/null || { cgroup=; echo "cannot make cgroups below $4"; return 1; }
	echo "$2" > "$cgroup/$limit" || { echo "cannot limit $cgroup"; return 1; }
}

cgroup_remove() {
	[ -n "${cgroup:-}" ] || return 0
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		rmdir "$cgroup" 2>/dev/null && return 0
		sleep 0.2
	done
	echo "could not remove $cgroup" >&2
	return 1
}
