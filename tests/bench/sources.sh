#!/bin/sh
# What each source costs inside the kernel while small files are compiled and the whole host is recorded: runs, ns a run
set -eu
. tests/bench/common.sh
stats=/proc/sys/kernel/bpf_stats_enabled
before=$(cat $stats)
trap 'status=$?; echo "$before" > $stats; rm -rf "$dir"; exit $status' EXIT
printf '#include <stdio.h>\nint main(void)\n{\n\tputs("x");\n\treturn 0;\n}\n' > "$dir/small.c"

# The programs of the recorder, as bpftool names them: SOURCE__WAYS__EVENT
programs() {
	ids=$(sed -n 's/^prog_id:[[:blank:]]*//p' /proc/"$1"/fdinfo/* | paste -sd' ')
	bpftool -j prog show | python3 -c '
import json, sys
sums = {}
for program in json.load(sys.stdin):
    name = program.get("name", "").split("__")
    if len(name) < 3 or not program.get("run_cnt"):
        continue
    if str(program["id"]) not in sys.argv[1].split():
        continue
    runs, ns = sums.get(name[0], (0, 0))
    sums[name[0]] = runs + program["run_cnt"], ns + program["run_time_ns"]
for source, (runs, ns) in sorted(sums.items(), key=lambda item: -item[1][1]):
    print("%-16s %9d runs %6d ns each %8.1f ms" % (source, runs, ns / runs, ns / 1e6))
' "$ids"
}

"$record" -a ${SOURCES:+-e "$SOURCES"} -o "$dir/trace" 2> "$dir/said" &
recorder=$!
until [ -s "$dir/trace" ]; do sleep 0.1; kill -0 $recorder; done
echo 1 > $stats
begin=$(date +%s%N)
i=0
while [ $i -lt 100 ]; do
	gcc -O1 -o "$dir/small" "$dir/small.c"
	i=$((i + 1))
done
echo "100 compilations in $((($(date +%s%N) - begin) / 1000000)) ms, the statistics themselves included; by source:"
programs $recorder
kill -INT $recorder
wait $recorder
cat "$dir/said"
