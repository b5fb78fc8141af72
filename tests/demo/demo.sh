#!/bin/sh
# Records the demonstration program live for ten seconds, analyzes the trace, prints four reports.
set -eu
O=${O:-build}
# shellcheck source=tests/cgroup.sh
. tests/cgroup.sh

seconds=${DEMO_SECONDS:-10}
out=$O/demo
trace=$out/demo.mtape
db=$out/demo.db
svg=$out/faults.svg
rm -rf "$out" 2> /dev/null && mkdir -p "$out" ||
	{ echo "demo: cannot write $out: made by another user? Run it as that one: sudo make demo" >&2; exit 1; }
cgroup=
trap cgroup_remove EXIT
trap 'exit 1' INT TERM

run() {
	printf '\n$ %s\n' "$*"
	"$@"
}

"$O/memtape-record" --check --heap=uprobe > "$out/sources"
missing=
for source in task fault heap reclaim; do
	grep -q "^$source  *used" "$out/sources" || missing="$missing $source"
done
echo "Recording the demonstration program for $seconds seconds ..."
if why=$(cgroup_make "memtape-demo-$$" $((48 << 20)) && echo "$cgroup"); then
	cgroup=$why
	sh=$(printf 'echo $$ > %s/cgroup.procs; exec %s %s' "$cgroup" "$O/tests/demo/demo" "$seconds")
else
	echo "Without a small memory cgroup, so nothing will be reclaimed: $why"
	sh="exec $O/tests/demo/demo $seconds"
fi
"$O/memtape-record" -o "$trace" -- /bin/sh -c "$sh"
shown=$trace
if [ -n "$missing" ]; then
	echo
	echo "Missing here, for the reasons above:$missing. $trace holds the rest."
	echo 'The reports below are of a recorded trace.'
	shown=testdata/demo.mtape
fi

run "$O/memtape" analyze "$shown" -o "$db"
run "$O/memtape" report leaks "$db" --top 2
"$O/memtape" report faults "$db" --format svg -o "$svg"
printf '\n$ memtape report faults %s --format folded    # the five most frequent\n' "$db"
"$O/memtape" report faults "$db" --format folded | awk '{ print $NF, $0 }' | sort -k1,1nr | head -5 | cut -d' ' -f2-
run "$O/memtape" report vmscan "$db"
printf '\ntrace        %s\ndatabase     %s\nflame graph  %s\n' "$shown" "$db" "$svg"
