#!/bin/sh
# procfs_made.sh DIR: a tree for memtape record --procfs of a host that nobody has at hand: 128 CPUs, 8 nodes with 4 zones
# each, 2 TiB; at two instants ten seconds apart, in which it swaps and reclaims. No clock and no chance is in it.
set -eu
for i in 1 2; do
	tree=$1/$i
	proc=$tree/proc
	mkdir -p "$proc/pressure" "$proc/sys/kernel/random" "$tree/etc"
	echo big > "$proc/sys/kernel/hostname"
	echo 6.6.30 > "$proc/sys/kernel/osrelease"
	echo '#1 SMP' > "$proc/sys/kernel/version"
	echo x86_64 > "$proc/sys/kernel/arch"
	echo big-boot > "$proc/sys/kernel/random/boot_id"
	printf 'page_size_bytes 4096\nticks_per_s 100\nutc_offset_s 7200\nzone_text CEST\n' > "$tree/host"
	printf 'root:x:0:0::/root:/bin/sh\ndata:x:1000:1000::/:/bin/sh\n' > "$tree/etc/passwd"
	echo "$((90000 + i * 10)).00 11000000.00" > "$proc/uptime"
	awk -v i=$i 'BEGIN {
		printf "cpu  %d 100 %d %d 500 10 20 0 0 0\n", 1000000 + i * 64000, 500000 + i * 16000, 1100000000 + i * 48000
		for (c = 0; c < 128; c++) printf "cpu%d %d 0 %d %d 4 0 0 0 0 0\n", c, 7812 + i * 500, 3906 + i * 125, 8593750 + i * 375
		print "intr " 4000000000 + i * 900000 " 0 0"
		print "ctxt " 9000000000 + i * 2000000
		print "btime 1777500000\nprocesses 1000000\nprocs_running 70\nprocs_blocked 3" }' > "$proc/stat"
	awk -v i=$i 'function kb(name, value) { printf "%-16s%14.0f kB\n", name ":", value } BEGIN {
		kb("MemTotal", 2113929216); kb("MemFree", 20971520 - i * 1048576); kb("MemAvailable", 104857600 - i * 2097152)
		kb("Buffers", 1048576); kb("Cached", 83886080); kb("SwapCached", 40960 * i); kb("Active", 1572864000)
		kb("Inactive", 419430400); kb("SwapTotal", 268435456); kb("SwapFree", 268435456 - i * 8388608); kb("Dirty", 204800)
		kb("Writeback", 0); kb("AnonPages", 1887436800); kb("Mapped", 20971520); kb("Shmem", 10485760); kb("KReclaimable", 9437184)
		kb("Slab", 12582912); kb("SReclaimable", 8388608); kb("SUnreclaim", 4194304); kb("KernelStack", 131072)
		kb("PageTables", 4194304); kb("CommitLimit", 1325400064); kb("Committed_AS", 2000000000); kb("VmallocUsed", 600000)
		print "HugePages_Total:    1024\nHugePages_Free:      512\nHugePages_Rsvd:       16\nHugePages_Surp:        0"
		kb("Hugepagesize", 2048) }' > "$proc/meminfo"
	awk -v i=$i 'function count(name, base, rise) { printf "%s %.0f\n", name, base + i * rise } BEGIN {
		count("pgpgin", 9000000000, 10240000); count("pgpgout", 8000000000, 20480000); count("pswpin", 1000000, 50000)
		count("pswpout", 5000000, 2097152); count("pgfree", 70000000000, 5000000); count("pgfault", 60000000000, 4000000)
		count("pgmajfault", 3000000, 60000); count("pgsteal_kswapd", 400000000, 1000000); count("pgsteal_direct", 1000000, 500000)
		count("pgsteal_khugepaged", 0, 0); count("pgscan_kswapd", 500000000, 2000000); count("pgscan_direct", 2000000, 1000000)
		count("pgscan_khugepaged", 0, 0); count("pgscan_anon", 300000000, 2500000); count("pgscan_file", 202000000, 500000)
		count("pgsteal_anon", 200000000, 1200000); count("pgsteal_file", 201000000, 300000)
		count("workingset_refault_anon", 500000, 40000); count("workingset_refault_file", 900000, 10000); count("oom_kill", 2, 1)
		}' > "$proc/vmstat"
	echo "70.10 60.20 50.30 70/4000 999999" > "$proc/loadavg"
	for resource in memory io cpu; do
		printf 'some avg10=%d.50 avg60=10.25 avg300=5.00 total=%d\nfull avg10=%d.00 avg60=4.00 avg300=1.00 total=%d\n' \
			$((i * 10)) $((50000000 + i * 2000000)) $((i * 5)) $((10000000 + i * 1000000)) > "$proc/pressure/$resource"
	done
	printf 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/nvme0n1p3                          partition\t268435456\t%d\t-2\n' \
		$((i * 8388608)) > "$proc/swaps"
	printf 'slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\ndentry %d %d 192 21 1 : tunables 0 0 0 : slabdata %d %d 0\nkmalloc-4k 100000 100000 4096 8 8 : tunables 0 0 0 : slabdata 12500 12500 0\n' \
		$((2000000 + i * 100000)) $((2100000 + i * 105000)) $((100000 + i * 5000)) $((100000 + i * 5000)) > "$proc/slabinfo"
	awk -v i=$i 'BEGIN { split("DMA DMA32 Normal Movable", zones)
		for (node = 0; node < 8; node++) for (z = node ? 3 : 1; z <= 4; z++) {
			printf "Node %d, zone %8s", node, zones[z]
			for (order = 0; order < 11; order++) printf " %6d", zones[z] == "Normal" ? (order < 3 ? 100000 * i : order < 9 ? 50 : 0) : 1
			print "" } }' > "$proc/buddyinfo"
	awk -v i=$i 'BEGIN { split("DMA DMA32 Normal Movable", zones)
		for (node = 0; node < 8; node++) for (z = node ? 3 : 1; z <= 4; z++) {
			printf "Node %d, zone %8s\n", node, zones[z]
			if (z == (node ? 3 : 1)) print "  per-node stats\n      nr_inactive_anon " 1000 * node "\n      nr_active_file 5"
			free = 700000 - i * 10000 * (node + 1)
			printf "  pages free     %d\n        boost    0\n        min      600000\n        low      650000\n        high     700000\n", free
			print "        spanned  67108864\n        present  67108864\n        managed  66060288\n        cma      0"
			print "        protection: (0, 2840, 2147483647)\n      nr_free_pages " free "\n  pagesets"
			for (c = 0; c < 128; c++) printf "    cpu: %d\n              count: 10\n              high:  378\n              batch: 63\n  vm stats threshold: 125\n", c
			print "  node_unreclaimable:  0\n  start_pfn:           " 1 + 100000 * (z + 4 * node) } }' > "$proc/zoneinfo"
	for node in 0 1 2 3 4 5 6 7; do
		folder=$tree/sys/devices/system/node/node$node
		mkdir -p "$folder"
		printf 'numa_hit %d\nnuma_miss %d\nnuma_foreign 0\ninterleave_hit 7\nlocal_node 90000\nother_node %d\n' \
			$((100000 * i)) $((node * i * 10)) $((node * i)) > "$folder/numastat"
		printf 'Node %d MemTotal:       264241152 kB\nNode %d MemFree:        %d kB\n' $node $node $((2621440 - i * 131072)) > "$folder/meminfo"
	done
	for pid in 1 4000 $((4000 + i)); do # 4001 is gone at the second instant, 4002 new
		mkdir -p "$proc/$pid"
		uid=$((pid > 1 ? 1000 : 0)) rss=$((pid > 1 ? 1000000 * i : 3000))
		echo "$pid (my (db) ser) S 1 $pid $pid 34817 $pid 4194560 900 0 3 0 $((pid * i * 10)) 500 0 0 20 $((pid > 1 ? -5 : 0)) $((pid > 1 ? 64 : 1)) 0 $((pid * 100)) 8589934592 $rss 18446744073709551615 1 1 140720000000000 0 0 0 0 0 0 0 0 0 17 5 0 0 0 0 0" > "$proc/$pid/stat"
		printf 'Name:\tmy (db) ser\nState:\tS (sleeping)\nPPid:\t1\nUid:\t%d\t%d\t%d\t%d\nVmSize:\t 8388608 kB\nVmLck:\t       %d kB\nVmRSS:\t %d kB\nVmSwap:\t  512 kB\nThreads:\t64\n' \
			$uid $uid $uid $uid $((pid == 4000 ? 16 : 0)) $((rss * 4)) > "$proc/$pid/status"
		printf 'server\0--port\0%d\0' $pid > "$proc/$pid/cmdline"
	done
	cat > "$proc/4000/smaps" <<-END
	00400000-00500000 r-xp 00000000 08:01 77                                 /opt/a dir/server
	Size:               1024 kB
	Rss:                 512 kB
	Pss:                 512 kB
	Shared_Dirty:          0 kB
	Private_Dirty:         0 kB
	Swap:                  0 kB
	7f0000000000-7f0100000000 rw-p 00000000 00:00 0
	Size:            4194304 kB
	Rss:             $((2000000 * i)) kB
	Shared_Dirty:          4 kB
	Private_Dirty:   $((1900000 * i)) kB
	Swap:                512 kB
	VmFlags: rd wr mr mw me ac
	END
	memory=$tree/sys/fs/cgroup/memory/web
	mkdir -p "$memory"
	echo $((1073741824 * i)) > "$memory/memory.current"
	echo 4294967296 > "$memory/memory.max"
	echo max > "$memory/memory.high"
	printf 'anon %d\nfile 1048576\nshmem 4096\nkernel 65536\npgfault %d\npgmajfault 5\npgsteal %d\n' \
		$((1000000000 * i)) $((5000 * i)) $((700 * i)) > "$memory/memory.stat"
	printf 'low 0\nhigh 0\nmax %d\noom 1\noom_kill 1\noom_group_kill 0\n' $((i * 3)) > "$memory/memory.events"
done
