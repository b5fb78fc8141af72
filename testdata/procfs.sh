#!/bin/sh
# procfs.sh DIR [PID...]: copies what memtape record reads of this host into DIR/1 and, a second later, DIR/2: a tree for
# memtape record --procfs. Of processes only 1, 2 and those that are named. Names of the host are replaced.
set -eu
out=$1
shift
cd /
take() { # FILE...
	for file; do
		[ -f "$file" ] && [ -r "$file" ] || continue
		mkdir -p "$tree/${file%/*}"
		cat "$file" > "$tree/$file" 2>/dev/null || rm -f "$tree/$file"
	done
}
for instant in 1 2; do
	tree=$out/$instant
	[ $instant = 1 ] || sleep 1
	take proc/uptime proc/stat proc/meminfo proc/vmstat proc/loadavg proc/pressure/* proc/swaps proc/buddyinfo \
		proc/pagetypeinfo proc/zoneinfo proc/slabinfo sys/devices/system/node/node*/meminfo \
		sys/devices/system/node/node*/numastat sys/devices/system/node/node*/vmstat
	for pid in 1 2 "$@"; do
		take proc/$pid/stat proc/$pid/status proc/$pid/cgroup proc/$pid/oom_score_adj proc/$pid/smaps proc/$pid/cmdline
	done
	[ $instant = 1 ] || continue
	take proc/version proc/sys/vm/overcommit_memory proc/sys/vm/overcommit_ratio proc/sys/vm/swappiness \
		proc/sys/vm/min_free_kbytes proc/sys/vm/watermark_scale_factor sys/kernel/mm/transparent_hugepage/enabled \
		sys/kernel/mm/transparent_hugepage/defrag proc/sys/kernel/osrelease proc/sys/kernel/version \
		proc/sys/kernel/random/boot_id
	hierarchy=sys/fs/cgroup/memory
	[ -d $hierarchy ] || hierarchy=sys/fs/cgroup
	for file in $hierarchy/memory.*; do
		[ -f "$file" ] && [ -r "$file" ] || continue
		mkdir -p "$tree/sys/fs/cgroup/memory"
		cat "$file" > "$tree/sys/fs/cgroup/memory/${file##*/}" 2>/dev/null || rm -f "$tree/sys/fs/cgroup/memory/${file##*/}"
	done
	mkdir -p "$tree/proc/sys/kernel" "$tree/etc"
	echo host > "$tree/proc/sys/kernel/hostname"
	uname -m > "$tree/proc/sys/kernel/arch"
	printf 'root:x:0:0:root:/root:/bin/sh\n' > "$tree/etc/passwd"
	echo "page_size_bytes $(getconf PAGESIZE)" > "$tree/host"
	echo "ticks_per_s $(getconf CLK_TCK)" >> "$tree/host"
done
