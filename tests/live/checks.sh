# What a trace of the oracle must hold. Source it after common.sh; used for traces of this machine and of others.

# stolen: pages that memory cgroups' own reclaim has taken, since the start. They are in no counter of their own in
# /proc/vmstat: it is what was taken in all, less kswapd's and the whole host's (shrink_inactive_list, mm/vmscan.c).
stolen() {
	awk '$1 ~ /^pgsteal_(anon|file)$/ { sum += $2 } $1 ~ /^pgsteal_(kswapd|khugepaged|direct)$/ { sum -= $2 }
		END { print sum }' /proc/vmstat
}

# check_faults TRACE TRUTH ALLOWED: rows + reported losses + kernel-made faults = what getrusage counted. The faults of
# the process before its recording began are in faults_before, of its child none.
check_faults() {
	sums=$(query "$1" "SELECT (SELECT count(*) FROM fault),
		(SELECT coalesce(sum(lost_rows), 0) FROM loss WHERE table_name = 'fault' AND cause <> 'stack not taken'),
		(SELECT sum(handled_faults) - sum(software_faults) FROM fault_total),
		(SELECT sum(faults_before) FROM process)")
	total=$(echo "$sums" | awk -F, '{ print $1 + $2 + $3 + $4 }')
	wanted=$(($(truth "$2" end_minflt) + $(truth "$2" end_majflt)))
	echo "rows, lost, kernel-made, before: $sums = $total; getrusage $wanted"
	off=$((total - wanted))
	[ "${off#-}" -le "$3" ] || fail "off by $off"
	equal 'major faults' "$(query "$1" 'SELECT count(*) FROM fault WHERE kind = 2')" "$(truth "$2" end_majflt)"
	kernel=$(query "$1" 'SELECT sum(handled_faults) - sum(software_faults) FROM fault_total')
	[ "$kernel" -ge "$(truth "$2" populated_pages)" ] || fail "only $kernel kernel-made faults"
	writes=$(query "$1" 'SELECT count(*) FROM fault WHERE access = 2 AND user = 1')
	[ "$writes" -ge "$(truth "$2" anonymous_pages)" ] || fail "only $writes writes"
}

held='FROM heap_site JOIN stack_text USING (stack_id) WHERE held > 0'

check_site() { # TRACE TRUTH SITE
	equal "$3" "$(query "$1" "SELECT sum(held), sum(held_bytes) $held AND ';' || folded LIKE '%;$3;%'")" \
		"$(truth "$2" "$3_blocks"),$(truth "$2" "$3_bytes")"
}

# check_leaks TRACE TRUTH N: the leaking sites, their blocks and bytes, and no other site of the program
check_leaks() {
	for site in leak_malloc leak_calloc leak_realloc leak_memalign leak_aligned leak_thread; do
		check_site "$1" "$2" "$site"
	done
	# With -p a child may have ended before it could be probed: that is told, and is no loss of the process's rows.
	equal 'rows of heap lost' "$(query "$1" "SELECT count(*) FROM loss WHERE table_name = 'heap'
		AND cause NOT LIKE 'children not probed%'")" 0
	equal 'other sites of the program' "$(query "$1" "SELECT count(*) $held
		AND caller_path LIKE '%/oracle' AND caller NOT LIKE 'leak%'")" 0
	equal 'allocations that failed' "$(query "$1" 'SELECT sum(failed) FROM heap_site')" $((2 * $3))
	# strdup allocates inside the library, and stands apart. It has no frame pointer, so its caller is not known.
	equal 'strdup' "$(query "$1" "SELECT sum(held), sum(held_bytes) $held AND caller = 'strdup'")" \
		"$(truth "$2" leak_strdup_blocks),$(truth "$2" leak_strdup_bytes)"
	"$memtape" report leaks "$1" --top 100 > "$dir/report"
	equal 'sites apart' "$(sed -n '/inside the C library/,$p' "$dir/report" | grep -c ' strdup')" 1
	equal 'among the program'"'"'s' "$(sed '/inside the C library/,$d' "$dir/report" | grep -c ' strdup' || :)" 0
}

# check_children TRACE TRUTH: what the children of the recorded command leaked, and what they inherited
check_children() {
	for site in leak_child leak_before_exec leak_after_exec; do
		check_site "$1" "$2" "$site"
	done
	equal 'held at exec or exit' "$(query "$1" 'SELECT sum(held) - sum(held_at_exit) FROM heap_site')" 0
	equal 'inherited frees' "$(query "$1" "SELECT sum(n) FROM heap_note WHERE note = 'inherited free'")" \
		"$(truth "$2" child_inherited_frees)"
}

# check_reclaim TRACE PAGES: what was reclaimed is what the kernel counted, within 1 %
check_reclaim() {
	pages=$(query "$1" 'SELECT coalesce(sum(reclaimed_pages), 0) FROM reclaim WHERE kind = 2')
	echo "reclaimed $pages pages, the kernel counted $2"
	[ "$2" -gt 1000 ] || fail 'nothing was reclaimed'
	off=$((pages - $2))
	[ $((${off#-} * 100)) -le "$2" ] || fail "off by $off pages"
	equal 'not memcg reclaim' "$(query "$1" "SELECT count(*) FROM reclaim JOIN process ON process.id = process_id
		WHERE comm = 'oracle' AND kind <> 2")" 0
}

# region TRACE TRUTH NAME CLASS HUGE PATH: its faults are as many as getrusage counted, of that class, of that file. The
# first fault on anonymous memory is not counted.
region() {
	minor=$(truth "$2" "$3_minor")
	major=$(truth "$2" "$3_major")
	pages=$(truth "$2" "$3_pages")
	equal "$3: pages" "$((minor + major))" "$pages"
	[ "$pages" -gt 0 ] || { echo "$3: none here"; return 0; }
	[ "$3" != anonymous ] || minor=$((minor + 1))
	equal "$3" "$(query "$1" "SELECT sum(fault.kind = 1), sum(fault.kind = 2), min(class), max(class),
		min(huge), max(huge), coalesce(min(path), '-'), coalesce(max(path), '-') FROM fault
		LEFT JOIN stack_text USING (stack_id) LEFT JOIN file ON file.id = file_id
		WHERE leaf = 'touch_$3'")" "$minor,$major,$4,$4,$5,$5,$6,$6"
}

# check_regions TRACE TRUTH FILE HUGE: the faults of tests/live/regions, by class and file; HUGE: 1 where this kernel
# tells of huge pages
check_regions() {
	region "$1" "$2" anonymous 2 0 -
	region "$1" "$2" heap 3 0 -
	region "$1" "$2" memfd 5 0 '/memfd:regions (deleted)'
	region "$1" "$2" shared 5 0 '/dev/zero (deleted)'
	region "$1" "$2" huge 2 "$4" -
	region "$1" "$2" hugetlb 6 0 '/anon_hugepage (deleted)'
	region "$1" "$2" major 1 0 "$3"
	region "$1" "$2" copied 1 0 "$3"
	region "$1" "$2" deleted 1 0 "$3 (deleted)"
	stack=$(truth "$2" stack_minor)
	got=$(query "$1" "SELECT count(*) FROM fault JOIN stack_text USING (stack_id) WHERE folded LIKE '%;touch_stack%'
		AND class = 4")
	echo "stack: $got of the $stack that were counted" # one may be in other memory
	[ "$got" -le "$stack" ] && [ "$got" -ge $((stack - 2)) ] || fail 'the stack is wrong'
	for region in major copied deleted memfd shared; do
		pages=$(truth "$2" ${region}_pages)
		equal "$region: pages in the file" "$(query "$1" "SELECT count(DISTINCT file_page), min(file_page),
			max(file_page) FROM fault JOIN stack_text USING (stack_id)
			WHERE leaf = 'touch_$region'")" "$pages,0,$((pages - 1))"
	done
}

# check_calls TRACE TRUTH: the system calls about memory, by stack, and how many of them failed
check_calls() {
	while read -r site calls failed; do
		equal "$site" "$(query "$1" "SELECT count(*), coalesce(sum(failed), 0) FROM (
			SELECT stack_id, result BETWEEN -4095 AND -1 AS failed FROM vm_call
			UNION ALL SELECT stack_id, requested_addr AND after_addr <> requested_addr FROM brk
			UNION ALL SELECT stack_id, result BETWEEN -4095 AND -1 FROM shm_call
			UNION ALL SELECT stack_id, result < 0 FROM memfd)
			JOIN stack_text USING (stack_id) WHERE folded LIKE '%;$site;%'")" "$calls,$failed"
	done < "$2"
	equal 'without a duration' "$(query "$1" 'SELECT count(*) FROM vm_call
		WHERE duration_ns IS NULL OR duration_ns > 1e10')" 0
	equal 'memfd' "$(query "$1" "SELECT count(*) FROM memfd JOIN file ON file.id = file_id
		WHERE path LIKE '/memfd:memtape-calls%' AND result >= 0")" 1
}

# check_pressure TRACE FOLDER: what tests/live/pressure did, with its truths there: a victim, huge pages, swap, growth
check_pressure() {
	of="JOIN process AS p ON p.id = process_id WHERE p.pid ="
	equal 'the victim, and what was wanted' "$(query "$1" "SELECT p.pid, v.pid, gfp NOT NULL,
		total_pages >= limit_pages, anon_pages + swap_pages >= 2048, oom_score_adj
		FROM oom JOIN process AS p ON p.id = process_id JOIN process AS v ON v.id = victim_process_id")" \
		"$(truth "$2/oom.truth" trigger),$(truth "$2/oom.truth" victim),1,1,1,1000"
	equal 'huge faults' "$(query "$1" "SELECT sum(faults) FROM huge_total $of $(truth "$2/huge.truth" pid)")" \
		"$(truth "$2/huge.truth" huge_faults)"
	equal 'collapses' "$(query "$1" "SELECT sum(succeeded) FROM huge_collapse $of $(truth "$2/huge.truth" pid)")" \
		"$(truth "$2/huge.truth" collapses)"
	# As /proc/vmstat has it: pages that are still in memory when they are wanted again are not read.
	equal 'pages swapped in and out' "$(query "$1" 'SELECT sum(in_pages), sum(out_pages) FROM swap_total')" \
		"$(truth "$2/swap.truth" in_pages),$(truth "$2/swap.truth" out_pages_counted)"
	[ "$(truth "$2/swap.truth" out_pages_counted)" -ge 4096 ] || fail 'hardly anything was swapped'
	peak=$(query "$1" "SELECT max(anon_pages), max(shmem_pages), max(file_pages)
		FROM rss $of $(truth "$2/rss.truth" pid)")
	echo "the greatest numbers of pages: $peak"
	echo "$peak" | awk -F, '{ exit !($1 > 2700 && $1 < 3600 && $2 > 2700 && $2 < 3600 && $3 > 2700) }' ||
		fail 'not 3072 and what the program has beside'
	equal 'compactions of an unknown zone or status' \
		"$(query "$1" 'SELECT count(*) - count(zone + status) FROM compaction WHERE allocation_order = -1')" 0
	[ "$(query "$1" 'SELECT count(*) FROM compaction')" -gt 0 ] || fail 'no compaction'
}
