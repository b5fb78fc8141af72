-- A database as `memtape analyze` makes one, by hand: a recording of 10 s of process 42, which allocates,
-- faults and has to reclaim.
PRAGMA application_id = 0x6d746170;
PRAGMA user_version = 5;
CREATE TABLE info (key TEXT PRIMARY KEY, value);
INSERT INTO info VALUES ('format', 1), ('sessions', 1), ('ended_sessions', 1), ('events', 0),
	('first_ns', 1000000000000), ('last_ns', 1010000000000), ('damaged_blocks', 0), ('missing_blocks', 0);
CREATE TABLE session (session INTEGER PRIMARY KEY, session_hex TEXT, boot_id TEXT, host TEXT, kernel_text TEXT,
	machine_text TEXT, page_size_bytes INTEGER, ticks_per_s INTEGER, cpus INTEGER, zone_text TEXT,
	utc_offset_s INTEGER, version_text TEXT, cmdline TEXT, start_ns INTEGER, target_text TEXT);
INSERT INTO session VALUES (0, '000102030405060708090a0b0c0d0e0f', 'b-1', 'alpha', '6.1.0-18 #1 SMP', 'x86_64', 4096,
	100, 4, 'CEST', 7200, '0.1', 'record -- ./demo', 1000000000000, './demo');
-- 14:03:05 in the host's zone when the recording began
CREATE TABLE clock (session INTEGER, ts_ns INTEGER, boottime_ns INTEGER, realtime_ns INTEGER, tai_ns INTEGER);
INSERT INTO clock VALUES (0, 1000000000000, 1000000000000, 1777636985000000000, 1777637022000000000);
CREATE TABLE host (id INTEGER PRIMARY KEY, boot_id TEXT, host TEXT);
INSERT INTO host VALUES (1, 'b-1', 'alpha');
CREATE TABLE process (id INTEGER PRIMARY KEY, host_id INTEGER, pid INTEGER, start_ticks INTEGER, exec_count INTEGER,
	comm TEXT, parent_id INTEGER, uid INTEGER, target INTEGER, incomplete INTEGER,
	faults_before INTEGER);
INSERT INTO process VALUES
	(100, 1, 42, 99999, 0, 'memtape-record', NULL, 1000, 1, 0, 20),
	(101, 1, 42, 99999, 1, 'demo', NULL, 1000, 1, 0, 0),
	(102, 1, 43, 100100, 0, 'demo' || char(27) || '[2J', 101, 1000, 1, 0, 0);
CREATE TABLE source (session INTEGER, source TEXT, way TEXT, state TEXT, why_text TEXT);
INSERT INTO source VALUES
	(0, 'fault', 'perf software event', 'used', ''), (0, 'fault_total', 'tp_btf count_memcg_events', 'used', ''),
	(0, 'heap', 'uprobe', 'used', ''),
	(0, 'reclaim', 'tp_btf', 'refused', 'Permission denied'),
	(0, 'reclaim', 'tp', 'used', '');
CREATE TABLE fork (session INTEGER, ts_ns INTEGER, process_id INTEGER, tid INTEGER, child_process_id INTEGER);
INSERT INTO fork VALUES (0, 1001000000000, 101, 42, 102);
CREATE TABLE exec (session INTEGER, ts_ns INTEGER, process_id INTEGER, tid INTEGER, program_process_id INTEGER);
INSERT INTO exec VALUES (0, 1000100000000, 100, 42, 101);
CREATE TABLE exit (session INTEGER, ts_ns INTEGER, process_id INTEGER, tid INTEGER, code INTEGER, last INTEGER,
	minor_faults INTEGER, major_faults INTEGER);
INSERT INTO exit VALUES
	(0, 1008000000000, 101, 44, 0, 0, 200, 0),
	(0, 1009000000000, 101, 42, 0, 1, 820, 4);
CREATE TABLE reclaim (session INTEGER, ts_ns INTEGER, process_id INTEGER, tid INTEGER, kind INTEGER,
	duration_ns INTEGER, allocation_order INTEGER, gfp INTEGER, reclaimed_pages INTEGER, free_pages INTEGER,
	cgroup_id INTEGER, stack_id INTEGER);
INSERT INTO reclaim VALUES
	(0, 1004200000000, 101, 42, 1, 12345678, 0, 0, 32, NULL, NULL, NULL),
	(0, 1004900000000, 101, 42, 1, 22000000, 0, 0, 64, NULL, NULL, NULL),
	(0, 1006000000000, 102, 43, 2, 1500000, 0, 0, 1, NULL, NULL, NULL),
	(0, 1006500000000, NULL, 7, 1, 900000, 3, 0, 0, NULL, NULL, NULL);
CREATE TABLE oom (session INTEGER, ts_ns INTEGER, process_id INTEGER, tid INTEGER, victim_process_id INTEGER, victim_tid INTEGER,
	gfp INTEGER, allocation_order INTEGER, total_pages INTEGER, anon_pages INTEGER, file_pages INTEGER,
	shmem_pages INTEGER, swap_pages INTEGER, page_table_bytes INTEGER, virtual_pages INTEGER, oom_score_adj INTEGER,
	cgroup_id INTEGER, limit_cgroup_id INTEGER, limit_pages INTEGER, usage_pages INTEGER, stack_id INTEGER);
INSERT INTO oom VALUES
	(0, 1008500000000, 101, 42, 102, 43, NULL, NULL, 300000, 250000, 10, 0, 5, 8192, 400000, 0, NULL, NULL, NULL, NULL,
	NULL);
CREATE TABLE swap_total (session INTEGER, ts_ns INTEGER, process_id INTEGER, stack_id INTEGER, in_pages INTEGER,
	out_pages INTEGER);
INSERT INTO swap_total VALUES (0, 1006000000000, 101, NULL, 10, 2), (0, 1007000000000, 102, NULL, 0, 7);
CREATE TABLE shrink_total (session INTEGER, ts_ns INTEGER, process_id INTEGER, calls INTEGER, duration_ns INTEGER,
	freed_objects INTEGER);
INSERT INTO shrink_total VALUES (0, 1004999000000, 101, 4, 3999999, 100), (0, 1005000000000, NULL, 1, 1000001, 9);
CREATE TABLE kswapd_total (session INTEGER, ts_ns INTEGER, node INTEGER, wakeups INTEGER);
INSERT INTO kswapd_total VALUES (0, 1004000000000, 0, 3);
CREATE TABLE writepage_total (session INTEGER, ts_ns INTEGER, process_id INTEGER, folios INTEGER);
INSERT INTO writepage_total VALUES (0, 1004000000000, 101, 17);
CREATE TABLE fault_total (session INTEGER, ts_ns INTEGER, process_id INTEGER, handled_faults INTEGER,
	software_faults INTEGER);
INSERT INTO fault_total VALUES (0, 1005000000000, 101, 900, 890), (0, 1009000000000, 101, 104, 100);
CREATE TABLE loss (session INTEGER, ts_ns INTEGER, begin_ns INTEGER, table_name TEXT, cause TEXT, cpu INTEGER,
	lost_rows INTEGER, part INTEGER);
INSERT INTO loss VALUES (0, 1003000000000, 1002000000000, 'fault', 'late', NULL, 5, 1);
CREATE TABLE counter (session INTEGER, ts_ns INTEGER, name TEXT, value INTEGER);
INSERT INTO counter VALUES
	(0, 1010000000000, 'heap.seen', 4000), (0, 1010000000000, 'heap.dropped', 0),
	(0, 1010000000000, 'heap.taken', 4000), (0, 1010000000000, 'recorder.cpu_us', 123456);
CREATE TABLE snapshot_system (session INTEGER, ts_ns INTEGER, path TEXT, content_text TEXT, round INTEGER);
INSERT INTO snapshot_system (session, ts_ns, path, content_text) VALUES
	(0, 1000000000000, '/proc/meminfo', 'MemTotal:       8000000 kB' || char(10) || 'MemAvailable:   4000000 kB' || char(10)),
	(0, 1005000000000, '/proc/meminfo', 'MemTotal:       8000000 kB' || char(10) || 'MemAvailable:    100000 kB' || char(10)),
	(0, 1010000000000, '/proc/meminfo', 'MemTotal:       8000000 kB' || char(10) || 'MemAvailable:   3000000 kB' || char(10)),
	(0, 1005000000000, '/proc/pressure/memory', 'some avg10=12.34 avg60=2.00 avg300=0.10 total=4711' || char(10) ||
		'full avg10=1.00 avg60=0.50 avg300=0.00 total=42' || char(10));
CREATE TABLE snapshot_tick (session INTEGER, ts_ns INTEGER, files INTEGER, round INTEGER);
INSERT INTO snapshot_tick VALUES (0, 1000000000000, 5, 0), (0, 1009500000000, 5, 0);
CREATE TABLE end (session INTEGER, ts_ns INTEGER, reason TEXT);
INSERT INTO end VALUES (0, 1010000000000, 'the program ended');
CREATE TABLE fault_sum (session INTEGER, bucket_ns INTEGER, process_id INTEGER, stack_id INTEGER, kind INTEGER,
	access INTEGER, user INTEGER, class INTEGER, file_id INTEGER, huge INTEGER, n INTEGER, sum_latency_ns INTEGER);
INSERT INTO fault_sum VALUES
	(0, 1001000000000, 101, 11, 1, 2, 1, 2, NULL, 0, 700, 900000), (0, 1004000000000, 101, 11, 1, 2, 1, 3, NULL, 0, 190, 200000),
	(0, 1004000000000, 101, 11, 1, 2, 1, 2, NULL, 1, 10, 2000000),
	(0, 1004000000000, 101, 12, 2, 1, 1, 1, 1, 0, 4, 800000), (0, 1004000000000, 101, 12, NULL, 3, 0, NULL, NULL, 0, 6, 0),
	(0, 1002000000000, 102, NULL, 1, 1, 1, 5, 2, 0, 30, 60000);
CREATE TABLE fault_latency (session INTEGER, bucket_ns INTEGER, process_id INTEGER, kind INTEGER, class INTEGER,
	log2_latency_ns INTEGER, n INTEGER, sum_latency_ns INTEGER);
INSERT INTO fault_latency VALUES
	(0, 1001000000000, 101, 1, 2, 10, 700, 900000), (0, 1004000000000, 101, 1, 3, 10, 190, 200000),
	(0, 1004000000000, 101, 1, 2, 17, 10, 2000000), (0, 1004000000000, 101, 2, 1, 17, 4, 800000),
	(0, 1004000000000, 101, NULL, NULL, NULL, 6, 0), (0, 1002000000000, 102, 1, 5, 10, 30, 60000);
CREATE TABLE file (id INTEGER PRIMARY KEY, host_id INTEGER, device INTEGER, inode INTEGER, generation INTEGER,
	path TEXT, kind INTEGER);
INSERT INTO file VALUES (1, 1, 266338307, 4711, 7, '/usr/lib/x86_64-linux-gnu/libc.so.6', 1),
	(2, 1, 1, 42, 0, '/memfd:ring (deleted)', 2);
CREATE TABLE heap_site (session INTEGER, process_id INTEGER, stack_id INTEGER, op INTEGER, allocs INTEGER,
	alloc_bytes INTEGER, frees INTEGER, freed_bytes INTEGER, held INTEGER, held_bytes INTEGER,
	held_at_exit INTEGER, failed INTEGER, first_ns INTEGER, last_ns INTEGER);
INSERT INTO heap_site VALUES
	(0, 101, 1, 1, 1240, 1240000, 6, 5433, 1234, 1234567, 1234, 0, 1001000000000, 1009000000000),
	(0, 101, 2, 2, 3, 96, 0, 0, 3, 96, 3, 0, 1001000000000, 1001000000000),
	(0, 102, 3, 3, 2, 96, 0, 0, 2, 96, 0, 0, 1002000000000, 1002000000000),
	(0, 101, 4, 1, 1, 4096, 0, 0, 1, 4096, 1, 0, 1000200000000, 1000200000000),
	(0, 101, 5, 1, 900, 9000, 900, 9000, 0, 0, 0, 0, 1001000000000, 1009000000000);
CREATE TABLE heap_note (session INTEGER, process_id INTEGER, stack_id INTEGER, note TEXT, n INTEGER);
INSERT INTO heap_note VALUES (0, 101, NULL, 'unmatched free', 12), (0, 102, NULL, 'inherited free', 3),
	(0, 102, NULL, 'unmatched free', 1);
CREATE TABLE image (id INTEGER PRIMARY KEY, build_id TEXT, unidentified_path TEXT, path TEXT, address_offset INTEGER, kernel INTEGER);
INSERT INTO image VALUES (1, '6162636465666768', NULL, '/home/u/demo', 0, 0), (2, '58254ca9', NULL, '/usr/lib/libc.so.6', 0, 0),
	(3, NULL, '/tmp/perf-42.map 1732450000.5', '/tmp/perf-42.map', NULL, 0);
CREATE TABLE frame (id INTEGER PRIMARY KEY, image_id INTEGER, offset INTEGER);
INSERT INTO frame VALUES (1, 1, 100), (2, 1, 200), (3, 1, 4660), (4, 2, 100), (5, 2, 200), (6, 3, 140737488355327),
	(7, NULL, 48879);
CREATE TABLE symbol (image_id INTEGER, offset INTEGER, symbol TEXT, function_offset INTEGER, UNIQUE (image_id, offset));
INSERT INTO symbol VALUES (1, 100, 'main', 4), (1, 4660, NULL, 0), (2, 100, 'malloc', 0), (2, 200, NULL, 0);
CREATE TABLE line (image_id INTEGER, offset INTEGER, depth INTEGER, source_path TEXT, line INTEGER, symbol TEXT,
	UNIQUE (image_id, offset, depth));
INSERT INTO line VALUES (1, 200, 0, '/home/u/leak.h', 12, 'keep'), (1, 200, 1, '/home/u/leak.c', 30, 'leak_small');
CREATE TABLE stack_text (stack_id INTEGER PRIMARY KEY, folded TEXT, places TEXT, leaf TEXT, leaf_path TEXT, caller TEXT,
	caller_path TEXT, depth INTEGER);
INSERT INTO stack_text VALUES
	(1, '_start;main;leak_small;malloc', ';demo.c:70;leak.c:30;', 'malloc', '/usr/lib/libc.so.6', 'leak_small', '/home/u/demo', 4),
	(2, '_start;main;[demo 61626364+0x1234];calloc', NULL, 'calloc', '/usr/lib/libc.so.6', '[demo 61626364+0x1234]', '/home/u/demo', 4),
	(3, '_start;main;grow<int, char>;realloc', NULL, 'realloc', '/usr/lib/libc.so.6', 'grow<int, char>', '/home/u/demo', 4),
	(4, '_start;main;fopen;malloc', NULL, 'malloc', '/usr/lib/libc.so.6', 'fopen', '/usr/lib/x86_64-linux-gnu/libc.so.6', 4),
	(5, '_start;main;fine;malloc', NULL, 'malloc', '/usr/lib/libc.so.6', 'fine', '/home/u/demo', 4),
	(11, '_start;main;touch', NULL, 'touch', '/home/u/demo', 'main', '/home/u/demo', 3),
	(12, '_start;main;read_file', NULL, 'read_file', '/home/u/demo', 'main', '/home/u/demo', 3);
