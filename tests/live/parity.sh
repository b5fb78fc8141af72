#!/bin/sh
# The real tools, fed the recorded files by bind mounts, say what the reports say: value by value.
set -eu
. tests/live/common.sh
[ "$(id -u)" = 0 ] || skip 'needs root'
unshare -m true 2>/dev/null || skip 'no mount namespaces'
free --version | grep -q ' 4\.0\.2' || skip "procps is $(free --version), the test knows 4.0.2"
sleeper=
cleanup() { [ -z "$sleeper" ] || kill "$sleeper"; }
sleep 1000 &
sleeper=$!

sh testdata/procfs.sh "$dir/tree" "$sleeper" $$
# A host that swaps and reclaims; the spaces of one column are those of procfs.
for i in 1 2; do
	proc=$dir/tree/$i/proc
	printf 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/dm-1                               partition\t2097148\t\t%s\t\t-2\n/swapfile                               file\t\t1048572\t\t0\t\t-3\n' \
		$((i * 4096)) > "$proc/swaps"
	sed -i "s/^SwapTotal:.*/SwapTotal:       3145720 kB/; s/^SwapFree:.*/SwapFree:        $((3145720 - i * 4096)) kB/
		s/^SwapCached:.*/SwapCached:         1024 kB/; s/^HugePages_Total:.*/HugePages_Total:      64/
		s/^HugePages_Free:.*/HugePages_Free:       40/; s/^HugePages_Rsvd:.*/HugePages_Rsvd:       7/" "$proc/meminfo"
	awk -v i="$i" '$1 ~ /^pswp(in|out)$/ { $2 = 1000 * i * i } $1 ~ /^pg(scan|steal)_(kswapd|direct)$/ { $2 = 70000 * i }
		$1 == "pgscan_anon" || $1 == "pgsteal_anon" { $2 = 40000 * i } $1 == "pgscan_file" || $1 == "pgsteal_file" { $2 = 100000 * i }
		$1 ~ /^pg(scan|steal)_(khugepaged|proactive)$/ { $2 = 0 } { print }' "$proc/vmstat" > "$dir/vmstat"
	cat "$dir/vmstat" > "$proc/vmstat"
	for file in proc/sys/kernel/osrelease etc/passwd; do # what only the first instant has
		mkdir -p "$dir/tree/$i/${file%/*}"
		[ -e "$dir/tree/$i/$file" ] || cp "$dir/tree/1/$file" "$dir/tree/$i/$file"
	done
	ln -sfn "$sleeper" "$proc/self"
	cp /proc/cpuinfo "$proc" # ps wants it
done
"$record" --procfs "$dir/tree" --cmdline --smaps 1s -o "$dir/t.mtape"

report() { # NAME OPTION...: as values, a blank between them
	name=$1
	shift
	"$memtape" report "$name" "$dir/t.mtape" "$@" --format csv
}

# same WHAT: the files got and wanted are equal
same() {
	diff -u "$dir/wanted" "$dir/got" || fail "$1 differs"
	echo "$1: $(wc -w < "$dir/got") values are the same"
}

# near WHAT TOLERANCE: the numbers differ by so much at most, or so many permille
near() {
	paste "$dir/wanted" "$dir/got" | awk -v what="$1" -v most="$2" '
		function distant(a, b) { d = a > b ? a - b : b - a; return d > most && d > a * 0.02 }
		{ for (i = 1; i <= NF / 2; i++) { n++; if (distant($i, $(i + NF / 2))) {
			print what ": line " NR ", value " i ": the tool says " $i ", the report " $(i + NF / 2); bad = 1 } } }
		END { print what ": " n " values compared"; exit bad || !n }' || fail "$1 differs"
}

# fed INSTANT COMMAND...: with the recorded /proc in place of the live one. ps looks for itself there: a link to the sleeper,
# which has its number.
fed() {
	instant=$1
	shift
	unshare -m sh -c 'ln -s "$2" "$1/$$"; mount --bind "$1" /proc && shift 2 && exec "$@"' sh "$dir/tree/$instant/proc" \
		"$sleeper" "$@"
	find "$dir/tree/$instant/proc" -maxdepth 1 -type l -name '[0-9]*' -delete
}

# ---- free, swapon, slabtop
fed 2 free -w | awk 'NR > 1 { sub(/:/, ""); print }' | awk '{ $1 = $1; print }' > "$dir/wanted"
report free --wide | awk -F, '/^(Mem|Swap),/ { $NF = ""; print }' | sed 's/ *$//' > "$dir/got"
same 'free -w'

fed 2 swapon -s | awk 'NR > 1 { print $1, $2, $3, $4, $5 }' > "$dir/wanted"
report swapon | awk -F, '/^\// { $1 = $1; print }' > "$dir/got"
same 'swapon -s'

for sort in o c l; do # by objects, cache size, slabs: it prints as many lines as a terminal has
	fed 2 slabtop -o -s $sort | awk 'n; /OBJS ACTIVE/ { n = 1 }'
done | awk 'NF { for (i = 1; i < 8; i++) sub(/[%K]$/, "", $i); print $8, $1, $2, $3, $4, $5, $6, $7 }' | sort -u > "$dir/wanted"
# 0.125 is 0.12 to printf(3) and 0.13 to SQLite: the size is written from the bytes.
query "$dir/t.mtape" 'SELECT DISTINCT name, object_bytes FROM slabinfo' > "$dir/sizes"
report slabtop --top -1 | awk -F, 'FILENAME != "-" { bytes[$1] = $2; next } n && NF >= 9 {
	print $9, $1, $2, $3, sprintf("%.2f", bytes[$9] / 1024), $5, $6, $7 } /^OBJS,/ { n = 1 }' "$dir/sizes" - |
	sort -u > "$dir/got"
missing=$(comm -23 "$dir/wanted" "$dir/got")
[ -z "$missing" ] || fail "slabtop says, and the report does not: $missing"
echo "slabtop -o: $(wc -w < "$dir/wanted") values are the same"
[ "$(wc -l < "$dir/wanted")" -gt 10 ]

# ---- ps, pmap
rows() { # of ps as the report has it, words separated by blanks
	report ps | awk '/^USER/ { n = 1; next } /^$/ { exit } n' | python3 -c 'import csv, sys
for row in csv.reader(sys.stdin): print(*row)'
}
fed 2 ps aux | awk -v sleeper="$sleeper" -v shell=$$ 'NR > 1 && ($2 <= 2 || $2 == sleeper || $2 == shell) { $1 = $1; print }' |
	sort -u > "$dir/ps.wanted" # the link to the sleeper is it once more
rows | sort -u > "$dir/ps.got"
# Each finds START from its own clock, and %CPU is rounded: it is compared below.
for side in wanted got; do
	awk '{ $3 = $9 = ""; $1 = $1; print }' "$dir/ps.$side" > "$dir/$side"
done
same 'ps aux'
for side in wanted got; do
	awk '{ print $3 }' "$dir/ps.$side" > "$dir/$side"
done
near '%CPU of ps' 0.1

fed 2 pmap -x "$sleeper" | awk '/^[0-9a-f]{16} /{ print } /^total/ { print $3, $4, $5 }' | awk '{ $1 = $1; print }' > "$dir/wanted"
report pmap --pid "$sleeper" | awk '/^pid,/ { n = 1; next } /^$/ { exit } n' | python3 -c 'import csv, sys
for row in csv.reader(sys.stdin): print(*(row[2:5] if row[1] == "total kB" else [" ".join(row[1:7])]))' |
	awk '{ $1 = $1; print }' > "$dir/got"
same 'pmap -x'

# ---- vmstat: the second line is of the interval that it slept
seconds=$(query "$dir/t.mtape" 'SELECT (max(ts_ns) - min(ts_ns)) / 1e9 FROM snapshot_tick WHERE round = 0')
cat > "$dir/vmstat.sh" <<'END'
mkdir "$1/live"
cp -r "$1/tree/1/proc/." "$1/live"
mount --bind "$1/live" /proc
: > "$1/vmstat.out"
stdbuf -oL vmstat -w 3 2 > "$1/vmstat.out" &
while [ "$(wc -l < "$1/vmstat.out")" -lt 3 ]; do sleep 0.05; done
for file in stat meminfo vmstat uptime; do cat "$1/tree/2/proc/$file" > "$1/live/$file"; done
wait
END
unshare -m sh "$dir/vmstat.sh" "$dir"
# Rates become what was added. The first line of 4.0.2 divides by the time of all CPUs instead of that since boot.
ticks=$(awk '/^cpu / { print $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9 }' "$dir/tree/1/proc/stat")
up=$(cut -d' ' -f1 "$dir/tree/1/proc/uptime")
awk -v first="$(awk "BEGIN { print $ticks / $(getconf CLK_TCK) }")" 'NR > 2 {
	for (i = 7; i <= 12; i++) $i *= NR == 3 ? first : 3; $1 = $1; print }' "$dir/vmstat.out" > "$dir/wanted"
report vmstat | awk -F, -v first="$up" -v then="$seconds" '/^[0-9]/ {
	for (i = 8; i <= 13; i++) $i *= line ? then : first
	line++; $1 = ""; print substr($0, 2) }' > "$dir/got"
cp "$dir/wanted" "$dir/rates.wanted"
cp "$dir/got" "$dir/rates.got"
# Of the second line not the memory: 4.0.2 reads meminfo only once, as strace shows.
for side in wanted got; do
	cut -d' ' -f1-6,13- "$dir/rates.$side" | awk 'NR == 2 { $3 = $4 = $5 = $6 = "" } { $1 = $1; print }' > "$dir/$side"
done
same 'vmstat, states and CPU'
# A rate that is rounded to a whole number is exact to half of one for each second.
cut -d' ' -f7-12 "$dir/rates.wanted" | tail -1 > "$dir/wanted"
cut -d' ' -f7-12 "$dir/rates.got" | tail -1 > "$dir/got"
near 'vmstat, what was added' 3
cut -d' ' -f7-12 "$dir/rates.wanted" | head -1 > "$dir/wanted"
cut -d' ' -f7-12 "$dir/rates.got" | head -1 > "$dir/got"
near 'vmstat, since boot' "$(awk "BEGIN { print $ticks / 100 }")"

# ---- sar
sadc=/usr/lib/sysstat/sadc
[ -x $sadc ] || fail 'no sadc (package sysstat)'
LC_ALL=C sar -V | head -1 | grep -q 'version 12\.6' || skip "the rest passed; sysstat is $(sar -V | head -1), the test knows 12.6"
for i in 1 2; do
	fed $i $sadc -S ALL 1 1 "$dir/sa" > /dev/null
done
sar_line() { # OPTION...: the values of the interval
	LC_ALL=C S_TIME_FORMAT=ISO sar "$@" -f "$dir/sa" | awk '/^Average/ { exit } /^[0-9]/ && !/[a-z]/ { line = $0 } END { $0 = line; $1 = ""; print }'
}
report_line() { # NAME OPTION...
	report "$@" | awk -F, '/^[0-9][0-9]:/ { line = $0 } END { $0 = line; $1 = ""; print }'
}
sar_line -r ALL > "$dir/wanted"
report_line sar-r | awk '{ $12 = ""; print }' > "$dir/got" # kbshmem came with 12.7.8
near 'sar -r ALL' 0.01
sar_line -S > "$dir/wanted"
report_line sar-S > "$dir/got"
near 'sar -S' 0.01
sar_line -W > "$dir/wanted"
report_line sar-W > "$dir/got"
near 'sar -W' 0.01
sar_line -H > "$dir/wanted"
report_line sar-H > "$dir/got"
near 'sar -H' 0.01
# sysstat 12.6 adds up all lines that begin with pgsteal_: on kernels that count pages both by who took them and by what
# they were (anon, file: since 5.8) that is twice as much. What a report says is half of it.
sar_line -B | awk '{ if ($8 > 0) { print "sar -B says pgsteal/s " $8 ", %vmeff " $9 > "/dev/stderr"; $8 /= 2; $9 /= 2 } print }' > "$dir/wanted"
report_line sar-B > "$dir/got"
near 'sar -B' 0.01
awk '{ exit !($8 > 0 && $9 > 99 && $9 < 101) }' "$dir/got" || fail 'the report does not say that all scanned pages were stolen'
