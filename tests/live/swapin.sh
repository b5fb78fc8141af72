#!/bin/sh
# A process sends known pages to swap and reads them again; then it has too little room for them in a memory cgroup, so
# that what it fills drives its own pages out. Swap is a device of our own.
set -eu
. tests/live/common.sh
. tests/cgroup.sh
. tests/swap.sh
need swap_total task
pressure=$O/tests/live/pressure
cgroup= swap=
cleanup() {
	cgroup_remove || :
	swap_remove
}
made=$(swap_make $((256 << 20)) && echo "$swap") || { swap=$(ls -d "${made%% *}" 2>/dev/null || :); skip "$made"; }
swap=$made
counted() { awk -v key="$1" '$1 == key { print $2 }' /proc/vmstat; }

in_before=$(counted pswpin)
out_before=$(counted pswpout)
"$record" --heap=off -o "$dir/known.mtape" -- "$pressure" swap 32 2 > "$dir/truth"
in_counted=$(($(counted pswpin) - in_before))
out_counted=$(($(counted pswpout) - out_before))

of_oracle='FROM swap_total LEFT JOIN stack_text USING (stack_id) JOIN process ON process.id = process_id
	WHERE pid = '$(truth "$dir/truth" pid)
sums=$(query "$dir/known.mtape" "SELECT sum(in_pages), sum(out_pages) $of_oracle")
equal 'pages in and out' "$sums" "$(truth "$dir/truth" out_pages),$(truth "$dir/truth" out_pages)"
[ "$(truth "$dir/truth" out_pages)" -gt $((32 * 256)) ] || fail 'the kernel hardly swapped'
equal 'read by read_back' "$(query "$dir/known.mtape" "SELECT sum(in_pages) $of_oracle AND folded LIKE '%;read_back'")" \
	"$(truth "$dir/truth" out_pages)"
equal 'written below send_out' \
	"$(query "$dir/known.mtape" "SELECT sum(out_pages) $of_oracle AND folded LIKE '%;send_out;%'")" \
	"$(truth "$dir/truth" out_pages)"
echo "the kernel counted $in_counted in and $out_counted out on the whole host"
# Some may have come and gone just before the recording or after it: that what was recorded is all, `covered` says.
all=$(query "$dir/known.mtape" 'SELECT sum(in_pages), sum(out_pages) FROM swap_total')
[ "${all%,*}" -le "$in_counted" ] && [ "${all#*,}" -le "$out_counted" ] || fail "recorded $all"

"$memtape" report swapin "$dir/known.mtape" --format csv > "$dir/report"
equal 'the columns' "$(head -1 "$dir/report")" TIME,COMM,PID,COUNT
equal 'COUNT adds up to' "$(sed '/^$/,$d' "$dir/report" | awk -F, 'NR > 1 { sum += $4 } END { print sum }')" \
	"$(echo "$all" | cut -d, -f1)"
grep -E '^(read from|written to) swap,' "$dir/report"
equal 'covered' "$(grep -cE '^(read from|written to) swap,.*,100.0$' "$dir/report")" 2

made=$(cgroup_make "memtape-test-$$" $((24 << 20)) && echo "$cgroup") || skip "$made"
cgroup=$made
"$record" --heap=off -o "$dir/tight.mtape" -- \
	sh -c "echo \$\$ > $cgroup/cgroup.procs; exec $pressure swap 48 1" > "$dir/truth"
query "$dir/tight.mtape" "SELECT sum(in_pages), sum(out_pages), folded FROM swap_total
	JOIN stack_text USING (stack_id) GROUP BY folded"
# The page that the stack is on may be among them: then no more can be said than fill.
driven=$(query "$dir/tight.mtape" "SELECT sum(out_pages) FROM swap_total JOIN stack_text USING (stack_id)
	WHERE folded LIKE '%;fill'")
[ "$driven" -ge $((20 * 256)) ] || fail "fill has driven out only $driven pages"

"$memtape" report vmscan "$dir/known.mtape" --wide --format csv > "$dir/wide"
equal 'KB from and to swap, in vmscan' "$(awk -F, '/^$/ { at = 0 } /,IN-SWAP,/ { at = 1; next } at { i += $11; o += $13 }
	END { print i "," o }' "$dir/wide")" "$((${all%,*} * 4)),$((${all#*,} * 4))"
