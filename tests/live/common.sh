# What the live tests share. Source it: it skips the test where it cannot run, and makes $dir, removed at the end.

O=${O:-build}
record=${record:-$O/memtape-record}
memtape=$O/memtape
oracle=$O/tests/live/oracle

skip() {
	echo "$*"
	exit 77
}

fail() {
	echo "$*" >&2
	exit 1
}

# need SOURCE...: those sources work here
need() {
	[ "$(id -u)" = 0 ] || skip 'needs root'
	"$record" --check --heap=uprobe > "$dir/check"
	for source; do
		grep -q "^$source  *used" "$dir/check" ||
			skip "no $source here: $(grep "^$source " "$dir/check" | tail -1)"
	done
}

# query TRACE SQL: one row of values, separated by commas
query() {
	"$memtape" sql "$1" "$2" --format csv | tail -n +2
}

# lost TRACE: rows lost; not software events, which may be of any process on the host
lost() {
	query "$1" "SELECT coalesce(sum(lost_rows), 0) FROM loss WHERE NOT part
		AND cause <> 'event skipped, of any process'"
}

# truth FILE KEY: the value of a "key value" line
truth() {
	awk -v key="$2" '$1 == key { print $2; found = 1 } END { exit !found }' "$1"
}

# equal WHAT GOT WANTED
equal() {
	echo "$1: $2, wanted $3"
	[ "$2" = "$3" ] || fail "$1 is $2, not $3"
}

dir=$(mktemp -d "${TMPDIR:-/tmp}/memtape-test.XXXXXX")
cleanup() { :; }
trap 'status=$?; cleanup; rm -rf "$dir"; exit $status' EXIT
trap 'exit 1' INT TERM
