#!/bin/sh
# System calls about memory: what is recorded is, call by call, what strace says of the same run, of all threads with
# arguments and errors; it is what the program knows that it did, by stack; and the reports say it. The segments of
# shared memory are those that the kernel lists.
set -eu
. tests/live/common.sh
. tests/live/checks.sh
need memory_call task
command -v strace > /dev/null || skip 'strace is not installed'
t=$dir/t.mtape
traced=mmap,munmap,mremap,madvise,mprotect,pkey_mprotect,mlock,mlock2,munlock,mlockall,munlockall,brk
traced=$traced,shmget,shmat,shmdt,shmctl,memfd_create

# The segments of this test go, whatever happens.
before=$(awk 'NR > 1 { print $2 }' /proc/sysvipc/shm)
segments() {
	awk -v before=" $(echo "$before" | tr '\n' ' ') " 'NR > 1 && !index(before, " " $2 " ") { print $2 " " $4 " " $5 " " $7 }' \
		/proc/sysvipc/shm
}
holders=
cleanup() {
	for pid in $holders; do
		kill "$pid" 2> /dev/null || :
	done
	for pid in ${pids-} $holders; do
		segments | awk -v pid="$pid" '$3 == pid { print $1 }' | xargs -r -n1 ipcrm -m
	done
}

"$record" --heap=off -o "$t" -- strace -ff -o "$dir/strace" -e "trace=$traced" "$O/tests/live/calls" all > "$dir/truth"
pids=$(query "$t" "SELECT DISTINCT pid FROM process WHERE comm = 'calls'")
kept=$(segments | awk -v pids=" $(echo "$pids" | tr '\n' ' ') " 'index(pids, " " $3 " ") { print $1 "," $2 "," $4 }')

# As strace writes them (but for uretprobe, 335, which another's probe in this program makes), without the descriptor of mmap, memfd's name and what shmctl returns
"$memtape" sql "$t" "
	WITH call AS (
		SELECT process_id, tid, ts_ns, CASE op
			WHEN 1 THEN printf('mmap(%s, %lld, %s, %s, %s)', iif(addr, printf('0x%llx', addr), 'NULL'), length_bytes,
				flags_text('protection', protection), flags_text('mmap', flags),
				iif(file_offset_bytes, printf('0x%llx', file_offset_bytes), '0'))
			WHEN 2 THEN printf('munmap(0x%llx, %lld)', addr, length_bytes)
			WHEN 3 THEN printf('mremap(0x%llx, %lld, %lld, %s%s)', addr, length_bytes, new_length_bytes,
				flags_text('mremap', flags), iif(flags & 2, printf(', 0x%llx', new_addr), ''))
			WHEN 4 THEN printf('madvise(0x%llx, %lld, %s)', addr, length_bytes, flags_text('madvise', flags))
			WHEN 5 THEN printf('mprotect(0x%llx, %lld, %s)', addr, length_bytes, flags_text('protection', protection))
			WHEN 6 THEN iif(flags, printf('mlock2(0x%llx, %lld, %s)', addr, length_bytes, flags_text('mlock', flags)),
				printf('mlock(0x%llx, %lld)', addr, length_bytes))
			WHEN 7 THEN printf('munlock(0x%llx, %lld)', addr, length_bytes)
			WHEN 8 THEN printf('mlockall(%s)', flags_text('mlockall', flags))
			WHEN 9 THEN 'munlockall()' END AS text, result, op IN (1, 3) AS is_addr
		FROM vm_call
		UNION ALL
		SELECT process_id, tid, ts_ns, printf('brk(%s)', iif(requested_addr, printf('0x%llx', requested_addr), 'NULL')),
			after_addr, 1
		FROM brk
		UNION ALL
		SELECT process_id, tid, ts_ns, CASE op
			WHEN 1 THEN printf('shmget(%s, %lld, %s)', iif(key, printf('0x%x', key), 'IPC_PRIVATE'), size_bytes,
				flags_text('shmget', flags))
			WHEN 2 THEN printf('shmat(%lld, %s, %s)', shmid, iif(addr, printf('0x%llx', addr), 'NULL'),
				flags_text('shmat', flags))
			WHEN 3 THEN printf('shmdt(0x%llx)', addr)
			WHEN 4 THEN printf('shmctl(%lld, %s)', shmid, flags_text('shmctl', command)) END, result, op = 2
		FROM shm_call
		UNION ALL
		SELECT process_id, tid, ts_ns, printf('memfd_create(%s)', flags_text('memfd_create', flags)), result, 0
		FROM memfd
	)
	SELECT tid || ' ' || text || ' = ' || coalesce('-1 ' || error_name(result),
		iif(is_addr, printf('0x%llx', result), result)) AS line
	FROM call JOIN process ON process.id = process_id
	WHERE comm = 'calls'
	ORDER BY tid, ts_ns" --format csv | tail -n +2 | tr -d '"' > "$dir/recorded"
for file in $(ls "$dir"/strace.* | sort -t . -k 3 -n); do
	sed -E -e '/^(\+\+\+|---|syscall_0x14f\()/d' -e 's| /\*[^*]*\*/||' -e 's/ +=/ =/' -e 's/ \(.*\)$//' -e '/^mmap/s/, -?[0-9]+, ([0-9a-fx]+\))/, \1/' \
		-e 's/^memfd_create\("[^"]*", /memfd_create(/' -e 's/^(shmctl\([^,]*, [^,]*), .*\) =/\1) =/' \
		-e "s/^/${file##*.} /" "$file"
done > "$dir/straced"
diff "$dir/straced" "$dir/recorded" > "$dir/diff" || fail "strace differs: $(head -20 "$dir/diff")"
echo "$(wc -l < "$dir/recorded") calls of $(cut -d ' ' -f 1 "$dir/recorded" | uniq | wc -l) threads are those of strace"
[ "$(wc -l < "$dir/recorded")" -ge 1000 ] || fail 'too few calls'

# By stack, what the program did
check_calls "$t" "$dir/truth"

# The reports
report() {
	"$memtape" report "$@" --comm calls --format csv
}
has() { # WHAT PATTERN: a line of $dir/report
	grep -qE "$2" "$dir/report" || fail "$1: no $2 in: $(cat "$dir/report")"
	echo "$1: $(grep -cE "$2" "$dir/report")"
}
report brkstack "$t" > "$dir/report"
has 'growth' '^4194304,16,4194304,0,0,0,0,[0-9]+,[0-9]+,calls,.*;heap_end;do_brk;'
has 'shrinks' '^-1048576,4,0,4,1048576,0,0,[0-9]+,[0-9]+,calls,.*;heap_end;do_brk;'
has 'failure' '^0,1,0,0,0,1,0,[0-9]+,[0-9]+,calls,.*;heap_end;do_brk;'
has 'question' '^0,1,0,0,0,0,1,[0-9]+,[0-9]+,calls,.*;heap_end;do_brk;'
has 'what failed' '^1,68719476736,[0-9:]+,[0-9:]+,[0-9]+,calls$'
report mmapsnoop "$t" --rows -1 > "$dir/report"
has 'mmap that failed' ',calls,mmap,R--,MAP_PRIVATE\|MAP_ANONYMOUS,,67108864,0,ENOMEM,'
has 'bad advice' ',calls,madvise,,0x4d,,4,10000,EINVAL,'
has 'a file' ',calls,mmap,RW-,MAP_SHARED,8,20,0,[0-9a-f]+,[0-9.]+,/dev/shm/memtape-calls-'
has 'locks' ',calls,mlock,,MLOCK_ONFAULT,,8,'
equal 'stacks sum up' "$("$memtape" report mmapsnoop "$t" --format folded | awk '{ n += $NF } END { print n }')" \
	"$(query "$t" 'SELECT count(*) FROM vm_call')"
report shmsnoop "$t" > "$dir/report"
has 'flags' ',calls,SHMGET,EEXIST,"key: 0x6d74[0-9a-f]*, size: 20480, shmflg: 0x7a0 \(IPC_CREAT\|IPC_EXCL\|0640\)"'
has 'read only' '"shmid: [0-9]+, shmaddr: 0x0, shmflg: 0x1000 \(SHM_RDONLY\)"'
has 'kept' '^[0-9]+,0x0,12288,[0-9:]+,[0-9]+,calls,0,3,0,never removed,,$'
has 'removed' '^[0-9]+,0x6d74[0-9a-f]+,20480,[0-9:]+,[0-9]+,calls,0,2,,removed,[0-9:]+,[0-9]+$'
has 'memfd' ',calls,[0-9]+,MFD_CLOEXEC\|MFD_ALLOW_SEALING,1,8192,/memfd:memtape-calls'
has 'POSIX' ',1,28672,1,calls,/dev/shm/memtape-calls-'
equal 'what the kernel still has' "$(sed -n -E 's/^([0-9]+),0x0,([0-9]+),[0-9:]+,[0-9]+,calls,(0),.*/\1,\2,\3/p' "$dir/report")" "$kept"
"$memtape" analyze "$t" -o "$dir/t.db" > /dev/null
for name in mmapsnoop brkstack shmsnoop; do
	report $name "$t" > "$dir/of-trace"
	report $name "$dir/t.db" > "$dir/of-database"
	diff "$dir/of-trace" "$dir/of-database" || fail "$name of a database differs"
done

# Attached still, by the program and its child
"$record" --heap=off -d 3s -o "$dir/hold.mtape" -- "$O/tests/live/calls" hold 30 > "$dir/hold"
holders=$(query "$dir/hold.mtape" "SELECT DISTINCT pid FROM process WHERE comm = 'calls'")
id=$(awk '$1 == "shmid" { print $2 }' "$dir/hold")
"$memtape" report shmsnoop "$dir/hold.mtape" --format csv > "$dir/report"
equal 'attached, by the calls and by the kernel' "$(sed -n -E "s/^$id,0x0,36864,[0-9:]+,[0-9]+,calls,([0-9]+),([0-9]+),.*/\1,\2/p" "$dir/report")" \
	"$(awk -v id="$id" '$2 == id { print $7 ",4" }' /proc/sysvipc/shm)"
