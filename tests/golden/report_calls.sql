-- What process 42 and its child 43 did: added to report.sql.
CREATE TABLE vm_call (session INTEGER, ts_ns INTEGER, process_id INTEGER, tid INTEGER, op INTEGER, addr INTEGER,
	length_bytes INTEGER, protection INTEGER, flags INTEGER, file_offset_bytes INTEGER, new_addr INTEGER,
	new_length_bytes INTEGER, result INTEGER, duration_ns INTEGER, stack_id INTEGER, file_id INTEGER);
CREATE TABLE brk (session INTEGER, ts_ns INTEGER, process_id INTEGER, tid INTEGER, requested_addr INTEGER,
	before_addr INTEGER, after_addr INTEGER, duration_ns INTEGER, stack_id INTEGER);
CREATE TABLE shm_call (session INTEGER, ts_ns INTEGER, process_id INTEGER, tid INTEGER, op INTEGER, key INTEGER,
	shmid INTEGER, size_bytes INTEGER, flags INTEGER, command INTEGER, addr INTEGER, result INTEGER,
	duration_ns INTEGER, stack_id INTEGER);
CREATE TABLE memfd (session INTEGER, ts_ns INTEGER, process_id INTEGER, tid INTEGER, flags INTEGER, result INTEGER,
	duration_ns INTEGER, stack_id INTEGER, file_id INTEGER);
INSERT INTO file VALUES
	(71, 1, 42, 1001, 1, '/memfd:frames (deleted)', 2),
	(72, 1, 42, 1002, 1, '/dev/shm/queue', 2),
	(73, 1, 42, 1002, 1, '/dev/shm/queue (deleted)', 2),
	(74, 1, 8388609, 99, 1, '/usr/lib/lib' || char(27) || 'x.so', 1);

INSERT INTO vm_call VALUES
	(0, 1000200000000, 101, 42, 1, 0, 1974096, 1, 2050, 0, 0, 0, 139832561664000, 25200, 11, 74),
	(0, 1000200000000, 101, 44, 1, 0, 1368000, 5, 2066, 155648, 0, 0, 139832561819648, NULL, 11, 74),
	(0, 1001500000000, 101, 42, 1, 0, 2097152, 3, 1409548322, 0, 0, 0, -12, 5100, 12, 0),
	(0, 1002000000000, 101, 42, 3, 139832561664000, 8192, 0, 3, 0, 139832570000000, 4096, 139832570000000, 900, 12, 0),
	(0, 1002100000000, 101, 42, 4, 139832570000000, 4096, 0, 77, 0, 0, 0, -22, 300, 12, 0),
	(0, 1002200000000, 101, 42, 5, 4096, 4096, 0, 0, 0, 0, 0, -12, 300, 12, 0),
	(0, 1002300000000, 101, 42, 8, 0, 0, 0, 3, 0, 0, 0, 0, 7000000, 12, 0),
	(0, 1002400000000, 101, 42, 9, 0, 0, 0, 0, 0, 0, 0, 0, 800, 12, 0),
	(0, 1003000000000, 101, 42, 1, 0, 8192, 3, 1, 0, 0, 0, 139832580000000, 4000, 12, 71),
	(0, 1003100000000, 101, 42, 1, 0, 4096, 3, 1, 8192, 0, 0, 139832590000000, 4000, 12, 72),
	(0, 1006000000000, 102, 43, 1, 0, 12288, 1, 1, 0, 0, 0, 139832600000000, 4000, NULL, 73),
	(0, 1006100000000, 102, 43, 2, 0, -1, 0, 0, 0, 0, 0, -22, 4000, NULL, 0),
	(0, 1006200000000, NULL, 7, 2, 4096, 4096, 0, 0, 0, 0, 0, 0, 4000, NULL, 0);
INSERT INTO brk VALUES
	(0, 1000300000000, 101, 42, 0, 93887035326464, 93887035326464, 1300, 11),
	(0, 1000400000000, 101, 42, 93887035461632, 93887035326464, 93887035461632, 2600, 11),
	(0, 1004000000000, 101, 42, 93887035457536, 93887035461632, 93887035457536, 9000, 12),
	(0, 1004100000000, 101, 42, 162606512186368, 93887035457536, 93887035457536, 1000, 12),
	(0, 1005000000000, 102, 43, 93887035326464, NULL, 93887035326464, NULL, NULL);
-- 3 was there before, 4 is kept by the child until it ends, 5 is removed while it is attached.
INSERT INTO snapshot_system VALUES
	(0, 1000000000000, '/proc/sysvipc/shm', '       key      shmid perms                  size  cpid  lpid nattch   uid' || char(10) ||
		'-1381402513          3   644                  4096   999     0      1     0' || char(10), 1),
	(0, 1009000000000, '/proc/sysvipc/shm', '       key      shmid perms                  size  cpid  lpid nattch   uid' || char(10) ||
		'-1381402513          3   644                  4096   999     0      1     0' || char(10) ||
		'         0          4   600                 12288    42    43      1     0' || char(10) ||
		'         0          5  1600                  8192    42    42      2     0' || char(10), 1);
DELETE FROM snapshot_tick; -- in the order of time
INSERT INTO snapshot_tick VALUES (0, 1000000000000, 5, 0), (0, 1000000000000, 20, 1), (0, 1009000000000, 20, 1),
	(0, 1009500000000, 5, 0);
INSERT INTO shm_call VALUES
	(0, 1000500000000, 101, 42, 1, 0, 4, 12288, 896, 0, 0, 4, 9000, 12),
	(0, 1000600000000, 101, 42, 2, 0, 4, 0, 0, 0, 0, 139832700000000, 4000, 12),
	(0, 1000700000000, 101, 42, 1, 2913564783, 3, 4096, 932, 0, 0, 3, 3000, 12),
	(0, 1000800000000, 101, 42, 1, 2913564783, -1, 4096, 1956, 0, 0, -17, 3000, 12),
	(0, 1002000000000, 101, 42, 3, 0, -1, 0, 0, 0, 139832700000000, 0, 2000, 12),
	(0, 1002500000000, 101, 42, 1, 0, 5, 8192, 1409288064, 0, 0, 5, 2000, 12),
	(0, 1002600000000, 101, 42, 2, 0, 5, 0, 4096, 0, 0, 139832710000000, 2000, 12),
	(0, 1002700000000, 101, 42, 2, 0, 5, 0, 0, 0, 4097, -22, 2000, 12),
	(0, 1003500000000, 101, 42, 4, 0, 5, 0, 0, 0, 0, 0, 2000, 12),
	(0, 1007000000000, 102, 43, 4, 0, 4, 0, 0, 2, 0, 0, 2000, NULL);
INSERT INTO memfd VALUES
	(0, 1002900000000, 101, 42, 3, 5, 14000, 12, 71),
	(0, 1002950000000, 101, 42, 256, -22, 900, 12, 0);
INSERT INTO loss VALUES (0, 1007000000000, 1006000000000, 'vm_call', 'ring full', 1, 2, 0);
INSERT INTO counter VALUES
	(0, 1010000000000, 'vm_call.seen', 15), (0, 1010000000000, 'brk.seen', 5),
	(0, 1010000000000, 'shm_call.seen', 10), (0, 1010000000000, 'memfd.seen', 2);
