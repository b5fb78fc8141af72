#!/bin/sh
# Without the rights that BPF needs, a recording still has the files of procfs, says in one line what it does not have
# and why, and is whole. With some of the rights it has what they give, and names the rest.
set -eu
. tests/live/common.sh
[ "$(id -u)" = 0 ] || skip 'needs root'
command -v capsh > /dev/null || skip 'capsh is not installed (libcap2-bin)'
t=$dir/t.mtape

# record_without CAPABILITIES: into $t, what it says into $dir/err
record_without() {
	rm -f "$t"
	capsh --drop="$1" -- -c '"$0" "$@"' "$record" -o "$t" -- cat /proc/meminfo > "$dir/meminfo" 2> "$dir/err" ||
		fail "without $1: exit status $?: $(cat "$dir/err")"
	cat "$dir/err"
	equal "how it ended without $1" "$(query "$t" 'SELECT reason FROM "end"')" 'target ended'
	equal "MemTotal without $1" "$(query "$t" "SELECT DISTINCT substr(content_text, 1, instr(content_text, x'0a') - 1)
		FROM snapshot_system WHERE path = '/proc/meminfo'")" "$(head -1 "$dir/meminfo")"
	for path in /proc/meminfo /proc/vmstat; do
		[ "$(query "$t" "SELECT count(*) FROM snapshot_system WHERE path = '$path'")" -ge 1 ] ||
			fail "no snapshot of $path without $1"
	done
}

used() {
	query "$t" "SELECT DISTINCT source FROM source WHERE state = 'used' ORDER BY source" | tr '\n' ' '
}

# The sources that no way gave
refused() {
	query "$t" "SELECT source FROM source GROUP BY source HAVING max(state = 'used') = 0
		AND max(state = 'refused') ORDER BY source" | tr '\n' ' '
}

# What stderr says is not recorded, sorted
named() {
	sed -n 's/^memtape record: not recorded: \([a-z_, ]*\): .*/\1/p' "$dir/err" | tr -d ' ' | tr , '\n' | LC_ALL=C sort | tr '\n' ' '
}

record_without cap_sys_admin,cap_bpf,cap_perfmon
equal 'lines that say what is missing' "$(grep -c 'not recorded' "$dir/err")" 1
equal 'lines that say why' "$(grep -c 'BPF is refused: .*CAP_BPF' "$dir/err")" 1
equal 'lines in all' "$(wc -l < "$dir/err")" 2
refused=$(refused)
"$memtape" report sources "$t" --format csv > "$dir/sources"
for source in fault heap reclaim task; do
	case " $refused" in
	*" $source "*) ;;
	*) fail "$source is not refused: $refused" ;;
	esac
	grep -q "^$source,.*,refused,.*BPF is refused" "$dir/sources" || fail "the report: $(cat "$dir/sources")"
done
equal 'sources used' "$(used)" ''
equal 'what is named' "$(named)" "$refused"
for table in fault heap exec; do
	equal "rows of $table" "$(query "$t" "SELECT count(*) FROM $table")" 0
done

got=0
capsh --drop=cap_sys_admin,cap_bpf,cap_perfmon -- -c '"$0" "$@"' "$record" --check > "$dir/check" || got=$?
equal 'exit status of --check' $got 0
equal 'sources of --check' "$(awk '$2 == "refused" { print $1 }' "$dir/check" | LC_ALL=C sort -u | tr '\n' ' ')" \
	"$(echo "$refused" | sed 's/\<heap //')"
awk '$1 == "heap" { print $2 }' "$dir/check" | grep -qx off || fail 'heap is not off where no process is named'

# Some of the rights: what is refused is named, and all else is recorded.
for drop in cap_sys_admin,cap_perfmon cap_sys_admin,cap_bpf cap_sys_admin; do
	record_without $drop
	equal "what is named without $drop" "$(named)" "$(refused)"
	for source in $(used); do
		case $source in
		fault) wanted='SELECT count(*) FROM fault' ;;
		heap) wanted='SELECT count(*) FROM heap' ;;
		task) wanted='SELECT count(*) FROM exec' ;;
		*) continue ;;
		esac
		[ "$(query "$t" "$wanted")" -gt 0 ] || fail "$source is used without $drop, but nothing is there"
	done
done
