-- What stands beside the tables of a trace. A database that memtape made holds these as real tables
-- of the same names; then only what it lacks is made.

-- Page faults per second. Only the key columns that a statement uses are told apart.
CREATE VIRTUAL TABLE temp.fault_sum
USING rollup(fault, by process_id stack_id kind access user class file_id huge, every 1 s, sum latency_ns);

-- Likewise by how long they took: from 2^log2_latency_ns ns to twice that.
CREATE VIRTUAL TABLE temp.fault_latency
USING rollup(fault, by process_id kind class log2:latency_ns, every 1 s, sum latency_ns);

-- Whether faults tell of huge pages: 1, or no row.
CREATE VIEW temp.fault_tells_huge AS
SELECT DISTINCT 1 AS told
FROM source
WHERE source = 'fault_total'
AND state = 'used'
AND way LIKE '%count_memcg_events%';

-- What the classes of memory are called.
CREATE VIEW temp.memory_class AS
SELECT column1 AS class, column2 AS name
FROM (
	VALUES
		(1, 'file'),
		(2, 'anonymous'),
		(3, 'heap'),
		(4, 'stack'),
		(5, 'shmem'),
		(6, 'hugetlb'),
		(7, 'other')
);

-- What each stack allocated and still holds. from_ns and to_ns, hidden columns, are a window: what
-- was allocated in it, and freed by its end. Real tables have no such columns and hold the whole
-- recording.
CREATE VIRTUAL TABLE temp.heap_site USING heap_site;

-- Every allocation with its end. free_ns is NULL for what is held. Where only free_tid is NULL the
-- free was not seen: at free_ns another allocation got the address.
CREATE VIRTUAL TABLE temp.heap_life USING heap_life;

-- What did not pair, by stack.
CREATE VIRTUAL TABLE temp.heap_note USING heap_note;

-- Stacks as text: folded is root;...;leaf, places where each of its functions is in the source, as
-- far as that is known; caller the function that called the leaf; leaf_path and
-- caller_path the files of both. Frames of the kernel end in _[k].
CREATE VIEW temp.stack_text AS
SELECT id AS stack_id,
	stack_folded(id) AS folded,
	stack_places(id) AS places,
	stack_leaf(id) AS leaf,
	stack_leaf_path(id) AS leaf_path,
	stack_caller(id) AS caller,
	stack_caller_path(id) AS caller_path,
	stack_depth(id) AS depth
FROM stack;

-- Slab caches by the name that slabinfo has; of kmalloc those of a size together.
CREATE VIEW temp.cache_text AS
SELECT
	id AS cache_id,
	coalesce(
		name,
		iif(slot_bytes > 8192, 'kmalloc of pages, ', 'kmalloc-')
			|| iif(slot_bytes % 1024, slot_bytes, (slot_bytes / 1024) || 'k')
	) AS cache,
	name IS NULL AS is_kmalloc,
	slot_bytes
FROM main.cache;

-- How many of the places in an image have no name. image_id is NULL for what is in no image.
CREATE VIEW temp.image_names AS
SELECT
	f.image_id,
	i.build_id,
	i.path,
	count(*) AS frames,
	count(*) - sum(s.symbol IS NOT NULL OR EXISTS (
		SELECT 1
		FROM line AS l
		WHERE l.image_id = f.image_id
		AND l.offset = f.offset
		AND l.symbol IS NOT NULL
	)) AS nameless
FROM frame AS f
LEFT JOIN image AS i ON i.id = f.image_id
LEFT JOIN symbol AS s ON s.image_id = f.image_id AND s.offset = f.offset
GROUP BY f.image_id;

-- The time that a question is restricted to; a report sets it to :from and :to.
CREATE TABLE temp.period AS
SELECT 0 AS from_ns, 9223372036854775807 AS to_ns;

-- /proc/vmstat as it was read first and last in that time: what the kernel itself counted between the
-- two is rise(snapshot_value(last, NAME), snapshot_value(first, NAME)).
CREATE VIEW temp.vmstat_period AS
WITH reading AS (
	SELECT session, ts_ns, content_text
	FROM snapshot_system
	WHERE path = '/proc/vmstat'
	AND ts_ns BETWEEN (SELECT from_ns FROM period) AND (SELECT to_ns FROM period)
)
SELECT a.session, a.ts_ns AS from_ns, b.ts_ns AS to_ns, a.content_text AS first, b.content_text AS last
FROM (SELECT session, min(ts_ns) AS ts_ns, content_text FROM reading GROUP BY session) AS a
JOIN (SELECT session, max(ts_ns) AS ts_ns, content_text FROM reading GROUP BY session) AS b
	ON b.session = a.session;

-- What was lost: `loss` without the rows that only stand behind younger ones.
CREATE VIEW temp.lost AS
SELECT session, ts_ns, begin_ns, table_name, cause, lost_rows, coalesce(part, 0) AS part
FROM loss
WHERE cause <> 'late'
AND lost_rows > 0;

-- What a recording lacks: words are a format of printf for the sum of n, table_name is NULL for what
-- concerns every table. What has no known time is missing at any.
CREATE VIEW temp.gap AS
SELECT
	0 AS place,
	'' AS detail,
	NULL AS table_name,
	-9223372036854775808 AS begin_ns,
	9223372036854775807 AS ts_ns,
	sum(value) AS n,
	'Blocks of the trace that are damaged or missing: %,d. What they held is not seen.' AS words
FROM info
WHERE key IN ('damaged_blocks', 'missing_blocks')
HAVING sum(value) > 0
UNION ALL
SELECT
	1,
	table_name || ' ' || cause,
	table_name,
	begin_ns,
	ts_ns,
	lost_rows,
	printf(iif(part, 'Parts of %s are missing (%s): %%,d.', 'Lost rows of %s (%s): %%,d.'), replace(table_name, '%', '%%'), replace(cause, '%', '%%'))
FROM lost
UNION ALL
SELECT
	3,
	printf('%20d', session),
	NULL,
	-9223372036854775808,
	9223372036854775807,
	1,
	printf('The recording of %s has no end: what happened after its last row is not seen.',
		replace(host, '%', '%%'))
FROM session
WHERE session NOT IN (SELECT session FROM end);

-- Of the whole recording, what the kernel side counted of each table, and what was lost of it.
CREATE VIEW temp.table_seen AS
SELECT c.session, c.table_name, c.counted, coalesce(l.lost_rows, 0) AS lost_rows
FROM (
	SELECT session, substr(name, 1, length(name) - 5) AS table_name, max(value) AS counted
	FROM counter
	WHERE substr(name, -5) = '.seen'
	GROUP BY session, name
) AS c
LEFT JOIN (
	SELECT session, table_name, sum(lost_rows) AS lost_rows
	FROM lost
	GROUP BY session, table_name
) AS l ON l.session = c.session AND l.table_name = c.table_name;

-- What stands between CLOCK_MONOTONIC and the wall clock when a session begins.
CREATE VIEW temp.wall_clock AS
SELECT session, realtime_ns - min(ts_ns) AS offset_ns
FROM clock
GROUP BY session;

-- What files said at each reading, by the names that stand in them (analyzer/procfs/parser.h). What
-- the recorded kernel does not say is NULL. odd_lines counts what could not be read.

-- /proc/meminfo, kB; the huge pages are counted
CREATE VIRTUAL TABLE temp.meminfo
USING procfs(system /proc/meminfo, keys,
	MemTotal, MemFree, MemAvailable, Buffers, Cached, SwapCached, Active, Inactive, Active_anon,
	Active(anon), Inactive_anon Inactive(anon), Active_file Active(file), Inactive_file,
	Inactive(file), Unevictable, Mlocked, HighTotal, HighFree, LowTotal, LowFree, SwapTotal,
	SwapFree, Zswap, Zswapped, Dirty, Writeback, AnonPages, Mapped, Shmem, KReclaimable, Slab,
	SReclaimable, SUnreclaim, KernelStack, PageTables, SecPageTables, NFS_Unstable, Bounce,
	WritebackTmp, CommitLimit, Committed_AS, VmallocTotal, VmallocUsed, VmallocChunk, Percpu,
	HardwareCorrupted, AnonHugePages, ShmemHugePages, ShmemPmdMapped, FileHugePages,
	FilePmdMapped, CmaTotal, CmaFree, Unaccepted, Balloon, HugePages_Total, HugePages_Free,
	HugePages_Rsvd, HugePages_Surp, Hugepagesize, Hugetlb, DirectMap4k, DirectMap2M, DirectMap1G);

CREATE VIRTUAL TABLE temp.meminfo_value
USING procfs(system /proc/meminfo, words, name 1 text, value 2, unit 3 text);

-- /proc/vmstat: pages and events since boot. pgpgin and pgpgout are kB.
CREATE VIRTUAL TABLE temp.vmstat
USING procfs(system /proc/vmstat, keys,
	nr_free_pages, nr_dirty, nr_writeback, nr_unstable, nr_anon_pages, nr_file_pages, nr_mapped,
	nr_shmem, nr_slab_reclaimable, nr_slab_unreclaimable, nr_kernel_stack, nr_page_table_pages,
	nr_inactive_anon, nr_active_anon, nr_inactive_file, nr_active_file, nr_unevictable,
	nr_dirty_threshold, nr_dirty_background_threshold, nr_anon_transparent_hugepages,
	nr_kernel_misc_reclaimable, pgpgin, pgpgout, pswpin, pswpout, pgfree, pgactivate,
	pgdeactivate, pgfault, pgmajfault, pgrefill, pgreuse, pgsteal_kswapd, pgsteal_direct,
	pgsteal_khugepaged, pgsteal_proactive, pgsteal_anon, pgsteal_file, pgscan_kswapd,
	pgscan_direct, pgscan_khugepaged, pgscan_proactive, pgscan_anon, pgscan_file,
	pgscan_direct_throttle, workingset_refault, workingset_refault_anon,
	workingset_refault_file, workingset_activate, workingset_activate_anon,
	workingset_activate_file, workingset_restore_anon, workingset_restore_file, allocstall_dma,
	allocstall_dma32, allocstall_normal, allocstall_movable, allocstall_device,
	pgpromote_success, pgdemote_kswapd, pgdemote_direct, pgdemote_khugepaged,
	pgdemote_proactive, slabs_scanned, pageoutrun, kswapd_low_wmark_hit_quickly,
	kswapd_high_wmark_hit_quickly, drop_pagecache, drop_slab, oom_kill, compact_stall,
	compact_fail, compact_success, compact_daemon_wake, compact_migrate_scanned,
	compact_free_scanned, thp_fault_alloc, thp_fault_fallback, thp_collapse_alloc,
	thp_collapse_alloc_failed, thp_split_page, thp_swpout, swap_ra, swap_ra_hit, zswpin,
	zswpout, zswpwb, numa_hit, numa_miss, numa_foreign, numa_interleave, numa_local, numa_other,
	numa_pages_migrated);

CREATE VIRTUAL TABLE temp.vmstat_value
USING procfs(system /proc/vmstat, words, name 1 text, value 2);

-- /proc/stat: of all CPUs, 1/ticks_per_s
CREATE VIRTUAL TABLE temp.cpu
USING procfs(system /proc/stat, keys, user cpu 1, nice cpu 2, system cpu 3, idle cpu 4,
	iowait cpu 5, irq cpu 6, softirq cpu 7, steal cpu 8, guest cpu 9, guest_nice cpu 10,
	intr, ctxt, btime, processes, procs_running, procs_blocked);

CREATE VIRTUAL TABLE temp.uptime
USING procfs(system /proc/uptime, words, up_s 1 real, idle_s 2 real);

CREATE VIRTUAL TABLE temp.loadavg
USING procfs(system /proc/loadavg, words, load1 1 real, load5 2 real, load15 3 real);

-- /proc/pressure/*: kind is some or full, total_us since boot
CREATE VIRTUAL TABLE temp.psi
USING procfs(system /proc/pressure?*, pairs, kind 1 text, avg10 avg10 real, avg60 avg60 real,
	avg300 avg300 real, total_us total);

-- /proc/swaps, kB
CREATE VIRTUAL TABLE temp.swaps
USING procfs(system /proc/swaps, words 1, filename 1 text, type 2 text, size_kb 3, used_kb 4,
	priority 5);

-- /proc/sysvipc/shm, of the recorder's IPC namespace
CREATE VIRTUAL TABLE temp.sysvipc_shm
USING procfs(system /proc/sysvipc/shm, words 1, key 1, shmid 2, mode 3 text, size_bytes 4,
	creator_pid 5, last_pid 6, nattch 7, uid 8, rss_bytes 15, swap_bytes 16);

CREATE VIRTUAL TABLE temp.slabinfo
USING procfs(system /proc/slabinfo, words 2, name 1 text, active_objects 2, objects 3,
	object_bytes 4, objects_per_slab 5, pages_per_slab 6, active_slabs 14, slabs 15);

-- /proc/buddyinfo: free blocks of 2^page_order pages
CREATE VIRTUAL TABLE temp.buddyinfo
USING procfs(system /proc/buddyinfo, matrix 4, node 2, zone 4 text, page_order .index,
	free_blocks .value);

-- /proc/zoneinfo; zone is NULL for what is counted per node
CREATE VIRTUAL TABLE temp.zoneinfo
USING procfs(system /proc/zoneinfo, zones, node .node, zone .zone text, name .name text,
	value .value);

CREATE VIRTUAL TABLE temp.node_meminfo
USING procfs(system /sys/devices/system/node/node*/meminfo, words, node 2, name 3 text, value 4,
	unit 5 text);

CREATE VIRTUAL TABLE temp.node_numastat
USING procfs(system /sys/devices/system/node/node*/numastat, keys, numa_hit, numa_miss,
	numa_foreign, interleave_hit, local_node, other_node);

-- Slab caches that share one: the kernel lists them by the name of the first.
CREATE VIRTUAL TABLE temp.slab_alias
USING procfs(system /sys/kernel/slab, words, alias 1 text, target 2 text);

-- Files of processes: a row when they changed, unlike the others above. Where state is NULL the
-- process is gone.

-- /proc/PID/stat: times in 1/ticks_per_s, vsize in bytes, rss in pages
CREATE VIRTUAL TABLE temp.process_stat
USING procfs(process stat, stat, pid 1, comm 2 text, state 3 text, ppid 4, pgrp 5, leader 6,
	tty_nr 7, tpgid 8, flags 9, minflt 10, majflt 12, utime 14, stime 15, priority 18, nice 19,
	num_threads 20, starttime 22, vsize 23, rss 24, startstack 28, processor 39);

-- /proc/PID/status: sizes in kB
CREATE VIRTUAL TABLE temp.process_status
USING procfs(process status, keys, Name Name 1 rest, State State 1 text, PPid, uid Uid 1,
	euid Uid 2, VmPeak, VmSize, VmLck, VmPin, VmHWM, VmRSS, RssAnon, RssFile, RssShmem, VmData,
	VmStk, VmExe, VmLib, VmPTE, VmSwap, HugetlbPages, Threads,
	voluntary_ctxt_switches, nonvoluntary_ctxt_switches);

CREATE VIRTUAL TABLE temp.process_oom_score_adj
USING procfs(process oom_score_adj, words, oom_score_adj 1);

-- /proc/PID/smaps: a row for each mapping, sizes in kB
CREATE VIRTUAL TABLE temp.process_maps
USING procfs(process smaps, maps, start_addr .start, end_addr .end, mode .mode text,
	offset .offset, device .device text, inode .inode, path .path text, Size, KernelPageSize,
	MMUPageSize, Rss, Pss, Pss_Dirty, Shared_Clean, Shared_Dirty, Private_Clean, Private_Dirty,
	Referenced, Anonymous, KSM, LazyFree, AnonHugePages, ShmemPmdMapped, FilePmdMapped,
	Shared_Hugetlb, Private_Hugetlb, Swap, SwapPss, Locked, THPeligible, ProtectionKey,
	VmFlags VmFlags 1 rest);

-- Files of memory cgroups, at each reading: version 1 and version 2
CREATE VIRTUAL TABLE temp.cgroup_stat
USING procfs(cgroup memory.stat, words, name 1 text, value 2);

CREATE VIRTUAL TABLE temp.cgroup_events
USING procfs(cgroup memory.events, keys, low, high, max, oom, oom_kill, oom_group_kill);

CREATE VIRTUAL TABLE temp.cgroup_oom_control
USING procfs(cgroup memory.oom_control, keys, oom_kill_disable, under_oom, oom_kill);

CREATE VIRTUAL TABLE temp.cgroup_pressure
USING procfs(cgroup memory.pressure, pairs, kind 1 text, avg10 avg10 real, avg60 avg60 real,
	avg300 avg300 real, total_us total);

-- Reports of the out-of-memory killer in the kernel's log, fact by fact (analyzer/kmsg/oom.h).
CREATE VIRTUAL TABLE temp.oom_fact USING oom_fact;
