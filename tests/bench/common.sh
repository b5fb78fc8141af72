# What the benchmarks share. Source it: it makes $dir, removed at the end.

O=${O:-build}
ROUNDS=${ROUNDS:-7}
record=$O/memtape-record
cost=$O/tests/live/cost
dir=$(mktemp -d "${TMPDIR:-/tmp}/memtape-bench.XXXXXX")
trap 'status=$?; rm -rf "$dir"; exit $status' EXIT
trap 'exit 1' INT TERM

# median FILE: of its numbers, a line each
median() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# recorded OPTION... -- COMMAND: its output, while it is recorded
recorded() {
	rm -f "$dir/trace"
	"$record" -o "$dir/trace" "$@" 2>>"$dir/errors"
}
