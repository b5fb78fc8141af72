#!/bin/sh
# procfs.sh DIR [PID...]: copies what memtape record reads of this host into DIR/1 and, a second later, DIR/2: a tree for
# memtape record --procfs. Of processes only kthreadd and those that are named; nothing that names the host or its users.
set -eu
mkdir -p "$1"
out=$(realpath "$1")
shift
cd /
take() { # FILE...
	for file; do
		[ -f "$file" ] && [ -r "$file" ] || continue
		mkdir -p "$tree/${file%/*}"
		cat "$file" > "$tree/$file" 2>/dev/null || rm -f "$tree/$file"
	done
}
put() { # FILE TEXT
	mkdir -p "$(dirname "$tree/$1")"
	printf '%s\n' "$2" > "$tree/$1"
}
for instant in 1 2; do
	tree=$out/$instant
	[ $instant = 1 ] || sleep 1
	take proc/uptime proc/stat proc/meminfo proc/vmstat proc/loadavg proc/pressure/* proc/swaps proc/buddyinfo \
		proc/pagetypeinfo proc/zoneinfo proc/slabinfo sys/devices/system/node/node*/meminfo \
		sys/devices/system/node/node*/numastat sys/devices/system/node/node*/vmstat
	for pid in 2 "$@"; do
		take proc/$pid/stat proc/$pid/status proc/$pid/oom_score_adj proc/$pid/smaps proc/$pid/cmdline
	done
	hierarchy=sys/fs/cgroup/memory
	[ -d $hierarchy ] || hierarchy=sys/fs/cgroup
	for file in $hierarchy/memory.*; do
		[ -f "$file" ] && [ -r "$file" ] || continue
		mkdir -p "$tree/sys/fs/cgroup/memory"
		cat "$file" > "$tree/sys/fs/cgroup/memory/${file##*/}" 2>/dev/null || rm -f "$tree/sys/fs/cgroup/memory/${file##*/}"
	done
	[ $instant = 1 ] || continue
	take proc/sys/vm/overcommit_memory proc/sys/vm/overcommit_ratio proc/sys/vm/swappiness proc/sys/vm/min_free_kbytes \
		proc/sys/vm/watermark_scale_factor sys/kernel/mm/transparent_hugepage/enabled \
		sys/kernel/mm/transparent_hugepage/defrag proc/sys/kernel/osrelease proc/sys/kernel/version
	put proc/sys/kernel/random/boot_id 00000000-0000-0000-0000-000000000000
	put proc/sys/kernel/hostname host
	put proc/sys/kernel/arch "$(uname -m)"
	put etc/passwd 'root:x:0:0:root:/root:/bin/sh'
	put host "page_size_bytes $(getconf PAGESIZE)
ticks_per_s $(getconf CLK_TCK)"
done
