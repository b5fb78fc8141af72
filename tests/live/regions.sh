#!/bin/sh
# Faults by class of memory and by file: as many as the program touched pages, and as getrusage counted, of each class;
# and all of them as /proc/self/stat has it. What they took adds up to no more than the program measured.
set -eu
. tests/live/common.sh
. tests/live/checks.sh
need fault task
regions=$O/tests/live/regions
scratch=$(realpath "$dir")/scratch
huge=/proc/sys/vm/nr_hugepages
reserved=$(cat $huge 2>/dev/null || :)
cleanup() { [ -z "$reserved" ] || echo "$reserved" > $huge; }
[ -z "$reserved" ] || echo $((reserved + 6)) > $huge || :

t=$dir/t.mtape
# Other users of BPF can keep a fault from being seen, which is told: then once more.
for try in 1 2 3 4 5; do
	rm -f "$t" "$scratch"
	"$record" --heap=off -o "$t" -- "$regions" "$scratch" > "$dir/truth"
	lost=$(query "$t" "SELECT coalesce(sum(lost_rows), 0) FROM loss WHERE table_name IN ('fault', 'file')")
	echo "try $try: lost $lost"
	[ "$lost" != 0 ] || break
done
[ "$lost" = 0 ] || skip 'faults of others are lost all the time'
"$memtape" report ffaults "$t" --comm regions --top -1 --format csv > "$dir/files"

check_regions "$t" "$dir/truth" "$scratch" 1

copied=$(truth "$dir/truth" copied_minor)
major=$(truth "$dir/truth" major_major)
equal 'the file in ffaults' "$(awk -F, -v file="$scratch" '$8 == file { print $1 "," $2 "," $3 "," $7 }' "$dir/files")" \
	"$((major + copied)),$copied,$major,file"
for class in heap stack; do
	got=$(awk -F, -v class=$class '$8 == "[" class "]" { print $1 }' "$dir/files")
	echo "[$class] in ffaults: $got"
	[ "$got" -ge $(($(truth "$dir/truth" ${class}_minor) - 2)) ] || fail "too few of $class"
done

# What is touched by main at its end is the only difference.
seen=$(query "$t" "SELECT count(*) FROM fault")
kernel=$(query "$t" "SELECT coalesce(sum(handled_faults) - sum(software_faults), 0) FROM fault_total")
counted=$(($(truth "$dir/truth" stat_minor) + $(truth "$dir/truth" stat_major)))
before=$(query "$t" "SELECT sum(faults_before) FROM process")
echo "rows $seen, kernel-made $kernel, before $before; /proc/self/stat $counted"
off=$((seen + kernel + before - counted))
[ "${off#-}" -le 8 ] || fail "off by $off"

# sum REPORT: of the first column of its first section
sum() {
	"$memtape" report "$1" "$t" --top -1 --format csv | sed '1d; /^$/,$d' | awk -F, '{ n += $1 } END { print n }'
}
equal 'all in faults' "$(sum faults)" "$seen"
equal 'all in ffaults' "$(sum ffaults)" "$seen"
# In perf-stat minor and major faults stand below their sum, and what came before the program does not count.
program=$(query "$t" "SELECT count(*) FROM fault JOIN process ON process.id = process_id WHERE exec_count > 0")
equal 'twice all in perf-stat' "$(sum perf-stat)" $((2 * program))

equal 'faults without a latency' "$(query "$t" "SELECT count(*) FROM fault WHERE latency_ns IS NULL")" 0
equal 'latencies in the histogram' "$(query "$t" "SELECT sum(n) FROM fault_latency")" "$seen"
for region in anonymous heap memfd major copied huge; do
	took=$(query "$t" "SELECT coalesce(sum(latency_ns), 0) FROM fault JOIN stack_text USING (stack_id)
		WHERE leaf = 'touch_$region'")
	whole=$(truth "$dir/truth" ${region}_ns)
	echo "$region: faults took $took ns, the program needed $whole"
	[ "$took" -le $((whole + whole / 16)) ] && [ "$took" -ge $((250 * $(truth "$dir/truth" ${region}_pages))) ] ||
		fail "the latencies of $region are wrong"
done
