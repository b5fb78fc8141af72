#!/bin/sh
# A program makes the kernel allocate known numbers: the reports kmem and memleak say so, by call site, cache and stack,
# and agree with the kernel's own counts in /proc/slabinfo and /proc/vmstat. Others allocate too: what is theirs is
# allowed for, or is of other call sites.
set -eu
. tests/live/common.sh
need kmem kmem_page kmem_percpu
program=$O/tests/live/kmem_oracle
n=10000
pid= oracle_pid=
cleanup() {
	[ -z "$pid" ] || kill -INT "$pid" 2> /dev/null || :
	[ -z "$oracle_pid" ] || kill "$oracle_pid" 2> /dev/null || :
}

# at_least WHAT GOT WANTED, at_most WHAT GOT WANTED
at_least() {
	echo "$1: $2, at least $3"
	[ "$2" -ge "$3" ] || fail "$1 is $2, less than $3"
}
at_most() {
	echo "$1: $2, at most $3"
	[ "$2" -le "$3" ] || fail "$1 is $2, more than $3"
}

# run SOURCES: a recording in which the program allocates and is still there at the end
run() {
	rm -f "$dir/t.mtape" "$dir/hold" "$dir/truth"
	mkfifo "$dir/hold"
	"$record" -e "$1" -o "$dir/t.mtape" 2> "$dir/said" &
	pid=$!
	for second in 1 2 3 4 5 6 7 8 9 10; do
		sleep 1
		[ ! -s "$dir/t.mtape" ] || break
	done
	"$program" $n < "$dir/hold" > "$dir/truth" &
	oracle_pid=$!
	exec 9> "$dir/hold"
	for second in 1 2 3 4 5 6 7 8 9 10; do
		[ ! -s "$dir/truth" ] || break
		sleep 1
	done
	[ -s "$dir/truth" ] || fail 'the program did not get ready'
	kill -INT "$pid"
	wait "$pid" || fail "recording: $(cat "$dir/said")"
	pid=
	exec 9>&-
	wait "$oracle_pid" || fail 'the program failed'
	oracle_pid=
}

# column FILE NAME PATTERN: of the first CSV row that matches
column() {
	awk -F, -v name="$2" -v pattern="$3" 'FNR == 1 || $0 == "" { head = 1 }
		$0 == "" { next }
		head { for (i in at) delete at[i]; for (i = 1; i <= NF; i++) at[$i] = i; head = 0; next }
		$0 ~ pattern && (name in at) { print $at[name]; found = 1; exit }
		END { exit !found }' "$1"
}

echo '== by call site and cache'
run kmem,kmem_page,kmem_percpu
held=$(truth "$dir/truth" held)
"$memtape" report memleak "$dir/t.mtape" --top -1 --format csv > "$dir/memleak"
"$memtape" report kmem "$dir/t.mtape" --top -1 --format csv > "$dir/kmem"

# An object of kmalloc for each eventfd: hardly anybody else makes eventfds.
site='do_eventfd'
got=$(column "$dir/memleak" allocated "$site")
at_least 'eventfds made' "$got" $n
at_most 'eventfds made' "$got" $((n + 50))
got=$(column "$dir/memleak" allocations "$site")
at_least 'eventfds held' "$got" "$held"
at_most 'eventfds held' "$got" $((held + 50))

# A file each, by the tracepoints and by slabinfo, which counts whole slabs.
filp=$(truth "$dir/truth" filp)
at_least 'files more by slabinfo' "$filp" $((n * 95 / 100))
made=$(query "$dir/t.mtape" "SELECT sum(allocations) FROM kmem_total JOIN cache ON cache.id = cache_id WHERE name = 'filp'")
at_least 'files made' "$made" $n
change=$(column "$dir/memleak" change '^filp,')
unexplained=$(column "$dir/memleak" unexplained '^filp,')
echo "files: $change more, $unexplained of them unexplained"
at_least 'files more in the report' "$change" $((held * 95 / 100))
at_most 'unexplained files' "${unexplained#-}" $((n * 5 / 100))

# Pages: those in the pipes are held; all of them against /proc/vmstat.
got=$(query "$dir/t.mtape" 'SELECT sum(allocations) FROM page_total WHERE allocation_order = 0')
at_least 'pages' "$got" "$(truth "$dir/truth" pipe_pages)"
for what in allocated freed; do
	pct=$(column "$dir/kmem" coverage_pct "^pages $what,")
	echo "pages $what: $pct % of what the kernel counted"
	at_least "pages $what, per cent" "${pct%.*}" 90
	at_most "pages $what, per cent" "${pct%.*}" 101
done

at_least 'percpu' "$(column "$dir/memleak" allocations bpf_map_alloc_percpu)" "$(truth "$dir/truth" percpu)"

echo '== by stack'
"$record" --check -e +kmem_stack | grep -q '^kmem_stack  *used' || skip 'no kmem_stack here'
run kmem_stack
"$memtape" report memleak "$dir/t.mtape" --format folded > "$dir/folded"
sum() { grep -E "$1" "$dir/folded" | awk '{ sum += $NF } END { print sum + 0 }'; }
files=$(sum ';do_eventfd_\[k\];.*;alloc_empty_file_\[k\];kmem_cache_alloc[a-z_]*_\[k\] [0-9]*$')
size=$(awk '$1 == "filp" { print $4 }' /proc/slabinfo)
echo "files of eventfds: $files bytes, $size each"
at_least 'files held' $((files / size)) "$held"
at_most 'files held' $((files / size)) $((held + 50))
pipes=$(sum ';(anon_)?pipe_write_\[k\];')
at_least 'bytes in pipes' "$pipes" $(($(truth "$dir/truth" pipe_pages) * 4096))
grep -q '^entry_SYSCALL_64[a-z_]*_\[k\];' "$dir/folded" || fail 'no stack begins where the kernel is entered'
if grep -E '(bpf_prog_[^;]*|bpf_trace_run[0-9]*|__traceiter_[a-z_]*)_\[k\] [0-9]*$' "$dir/folded"; then
	fail 'stacks end in frames of the events'
fi
"$memtape" report memleak "$dir/t.mtape" --format svg > "$dir/svg"
grep -q 'do_eventfd_\[k\]' "$dir/svg" || fail 'the flame graph lacks the kernel'
slabs=$(awk '/;allocate_slab|;new_slab/ && /alloc_frozen_pages|__alloc_pages/ { n++ } END { print n + 0 }' "$dir/folded")
equal 'stacks of pages for slabs' "$slabs" 0
