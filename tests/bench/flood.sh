#!/bin/sh
# The recorder under 500,000 rows of heap a second from 1,000 stacks
set -eu
. tests/bench/common.sh
seconds=${FLOOD_SECONDS:-60}
recorded -e heap -- "$O/tests/live/flood" 500000 "$seconds" 2 > "$dir/truth"
"$O/memtape" sql "$dir/trace" "SELECT
	(SELECT count(*) FROM heap) AS n,
	(SELECT coalesce(sum(lost_rows), 0) FROM loss WHERE table_name = 'heap') AS lost,
	(SELECT max(value) FROM counter WHERE name = 'recorder.cpu_us') AS cpu_us,
	(SELECT max(value) FROM counter WHERE name = 'recorder.max_rss_kb') AS rss_kb" --format csv | tail -1 |
	awk -F, -v calls="$(awk '$1 == "calls" { print $2 }' "$dir/truth")" -v bytes="$(stat -c %s "$dir/trace")" -v ms="$(awk '$1 == "ms" { print $2 }' "$dir/truth")" '{
		printf "%d calls in %.1f s, %.0f a second, %d rows, %d lost; recorder CPU %.0f ns a row, starting and stopping included (to be under 150);\n",
			calls, ms / 1000, calls * 1000 / ms, $1, $2, $3 * 1000 / $1
		printf "%.2f bytes a row on disk, recorder %.0f MiB at most\n", bytes / $1, $4 / 1024 }'
