#!/bin/sh
# -e records what it names and nothing else; a name that no source bears is refused before anything begins.
set -eu
. tests/live/common.sh
need fault task
used() {
	query "$1" "SELECT DISTINCT source FROM source WHERE state = 'used' AND source NOT IN ('image', 'stack')
		ORDER BY source" | tr '\n' ' '
}

"$record" -e fault -o "$dir/fault.mtape" -- cat /proc/meminfo > "$dir/out" 2>&1
equal 'sources of -e fault' "$(used "$dir/fault.mtape")" 'fault fault_total task '
[ "$(query "$dir/fault.mtape" 'SELECT count(*) FROM fault')" -gt 0 ] || fail 'no fault was recorded'
equal 'allocations of -e fault' "$(query "$dir/fault.mtape" 'SELECT count(*) FROM heap')" 0

"$record" -e -fault -e -heap -o "$dir/rest.mtape" -- cat /proc/meminfo > "$dir/out" 2>&1
case " $(used "$dir/rest.mtape")" in
*' fault'* | *' heap'*) fail 'what -e takes away is recorded' ;;
esac

got=0
"$record" -e fault,nonsense -o "$dir/none.mtape" -- true 2> "$dir/err" || got=$?
equal 'exit status of a source that there is not' $got 1
equal 'what it says' "$(cat "$dir/err")" "memtape record: no source 'nonsense' (--check lists them)"
[ ! -e "$dir/none.mtape" ] || fail 'a trace was written all the same'
got=0
"$record" -a -p 1 2> "$dir/err" || got=$?
equal 'exit status of -a with -p' $got 2
